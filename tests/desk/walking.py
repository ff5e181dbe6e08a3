"""A day at the desk, step by step at random: citizens write, agents work, lines break. Refusals are part of the day."""

import random
from collections.abc import Awaitable, Callable
from typing import Any

from contactcenter.desk import agents, offers, reopening
from contactcenter.errors import DeskError
from contactcenter.jobs import upkeep
from tests.desk_rig import Rig

STAFF = ("ana", "ben", "lu")
Act = Callable[[], Awaitable[bool | None]]


class Walk:
    """``done``: (act, whether it went through) of every step so far."""

    def __init__(self, rig: Rig, seed: int) -> None:
        self.rig, self.dice = rig, random.Random(seed)
        self.done: list[tuple[str, bool]] = []
        self.gone: set[str] = set()
        self.actions: dict[str, tuple[int, Act]] = {
            "text": (8, self.text), "mail": (4, self.mail), "visit": (10, self.visit), "route": (24, self.route),
            "accept": (12, self.accept), "decline": (4, self.decline), "run_out": (3, self.run_out),
            "reply": (12, self.reply), "to_queue": (5, self.to_queue), "to_person": (9, self.to_person),
            "close": (6, self.close), "reopen": (4, self.reopen), "away": (3, self.away), "back": (10, self.back),
            "lost": (2, self.lost), "silence": (3, self.silence),
        }  # fmt: skip

    async def begin(self) -> None:
        await self.rig.on_duty(*STAFF)

    async def step(self) -> str:
        """One act; gives its name. Raises whatever is not a refusal in words."""
        await self._beat()
        names = list(self.actions)
        name = self.dice.choices(names, [self.actions[one][0] for one in names])[0]
        try:
            went = await self.actions[name][1]() is not False
        except DeskError:
            went = False
        self.done.append((name, went))
        return name

    async def _beat(self) -> None:
        there = [one for one in STAFF if one not in self.gone]
        ids = [row.id for row in await self.rig.rows("SELECT id FROM staff WHERE username = ANY(:names)", names=there)]
        async with self.rig.house.database.transaction() as tx:
            await agents.heartbeat(tx, ids)

    # --- citizens -------------------------------------------------------------------------------------------------------

    async def text(self) -> None:
        await self.rig.text(f"+1202555{self.dice.randrange(4000, 4012)}", "The street light is out")

    async def mail(self) -> None:
        box = self.dice.choice(("mail", "mail", "permit-mail"))
        await self.rig.write(box, f"p{self.dice.randrange(5)}@lake.example", "My bins are full")

    async def visit(self) -> None:
        await self.rig.write(
            "city", f"v-{self.dice.randrange(20)}", self.dice.choice(("Hello", "Hola, ¿me puede ayudar?"))
        )

    # --- the desk -------------------------------------------------------------------------------------------------------

    async def route(self) -> bool:
        return await self.rig.route() > 0

    async def run_out(self) -> bool:
        await self.rig.run("UPDATE offer SET decided_at = decided_at - interval '3 minutes' WHERE result IS NOT NULL")
        offer = await self._one("SELECT id FROM offer WHERE result IS NULL ORDER BY id")
        if offer is None:
            return False
        async with self.rig.house.database.transaction() as tx:
            return await offers.time_out(tx, offer.id, self.rig.clock())

    async def lost(self) -> None:
        """Somebody's line breaks, for as long as it takes to give their live work to others."""
        name = self.dice.choice(STAFF)
        self.gone.add(name)
        await self.rig.run(
            "UPDATE staff SET seen_at = clock_timestamp() - interval '70 seconds' WHERE username = :n", n=name
        )
        for chore in (upkeep.rescind_unreachable_offers, upkeep.find_lost_agents, upkeep.requeue_lost_conversations):
            await self.rig.chore(chore)

    async def silence(self) -> bool:
        before = await self.rig.value("SELECT count(*) FROM ticket WHERE status = 'parked'")
        await self.rig.run("UPDATE message SET created_at = created_at - interval '11 minutes' WHERE channel = 'chat'")
        await self.rig.chore(upkeep.park_silent)
        return bool(await self.rig.value("SELECT count(*) FROM ticket WHERE status = 'parked'") > before)

    # --- agents ---------------------------------------------------------------------------------------------------------

    async def accept(self) -> bool:
        offer = await self._live_offer()
        return offer is not None and bool(await self.rig.accept(offer.username, offer.id))

    async def decline(self) -> bool:
        offer = await self._live_offer()
        if offer is None:
            return False
        await self.rig.decline(offer.username, offer.id)
        return True

    async def reply(self) -> bool:
        ticket = await self._ticket("status NOT IN ('closed')")
        return (
            bool(await self.rig.reply(self._who(ticket), ticket.reference, "We are on it", anyway=True))
            if ticket
            else False
        )

    async def to_queue(self) -> bool:
        ticket = await self._ticket("status <> 'closed'")
        queue = self.dice.choice(("services", "housing", "permits"))
        return (
            bool(await self.rig.pass_to_queue(self._who(ticket), ticket.reference, queue, "please"))
            if ticket
            else False
        )

    async def to_person(self) -> bool:
        ticket = await self._ticket("status <> 'closed'")
        who = self.dice.choice([one for one in STAFF if ticket is None or one != ticket.username])
        return bool(await self.rig.pass_to_person(self._who(ticket), ticket.reference, who)) if ticket else False

    async def close(self) -> bool:
        ticket = await self._ticket("status <> 'closed'")
        return bool(await self.rig.close(self._who(ticket), ticket.reference)) if ticket else False

    async def reopen(self) -> bool:
        ticket = await self._ticket("status = 'closed'")
        if ticket is None:
            return False
        now = self.rig.clock()
        return bool(
            await self.rig.act(
                "sam", lambda tx, staff, scope: reopening.reopen(tx, scope, staff, ticket.reference, "?", now)
            )
        )

    async def away(self) -> None:
        wanted = self.dice.choice(("away", "offline"))
        await self.rig.act(self.dice.choice(STAFF), lambda tx, staff, _s: agents.set_intent(tx, staff, wanted, "break"))

    async def back(self) -> None:
        name = self.dice.choice(STAFF)
        self.gone.discard(name)
        await self.rig.on_duty(name)

    # --- who and what ---------------------------------------------------------------------------------------------------

    def _who(self, ticket: Any) -> str:
        """Mostly its owner; sometimes anybody."""
        return ticket.username if ticket.username and self.dice.random() < 0.8 else self.dice.choice((*STAFF, "sam"))

    async def _live_offer(self) -> Any:
        return await self._one(
            "SELECT o.id, s.username FROM offer o JOIN staff s ON s.id = o.staff_id WHERE o.result IS NULL ORDER BY o.id"
        )

    async def _ticket(self, which: str) -> Any:
        return await self._one(
            "SELECT t.reference, s.username FROM ticket t LEFT JOIN staff s ON s.id = t.owner_id "
            f"WHERE t.{which} ORDER BY t.id"
        )

    async def _one(self, sql: str) -> Any:
        rows = await self.rig.rows(sql)
        return self.dice.choice(rows) if rows else None
