"""A desk in hand: a whole house on real stores, without processes. Tests tell it what citizens and agents do."""

import tomllib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from channels.base import Address, Inbound, Item, Proof, Raw
from contactcenter import wiring
from contactcenter.db import Database
from contactcenter.desk import agents, book, claims, closures, inbox, loading, offers, replies, transfers
from contactcenter.desk.access import Scope, scope_of
from contactcenter.desk.kit import Kit
from contactcenter.jobs.router import Router
from contactcenter.models import Inbox, Message, Offer, Staff, Ticket
from contactcenter.settings import Settings

Given = TypeVar("Given")
DESCRIPTION = Path(__file__).parent / "riverdale.toml"
CHANNELS = {
    "TWILIO_ACCOUNT_SID": "AC" + "1" * 32, "TWILIO_AUTH_TOKEN": "token-for-tests", "TWILIO_API_URL": "http://127.0.0.1:9",
    "SMTP_RELAY": "127.0.0.1:9", "SMTP_SECURITY": "none", "MAIL_DOMAIN": "riverdale.example",
}  # fmt: skip


@dataclass
class Clock:
    """The clock service under the test's hand."""

    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.at

    def pass_by(self, **span: float) -> None:
        self.at += timedelta(**span)


@dataclass
class Rig:
    house: wiring.House
    clock: Clock
    rung: list[int]
    agency_id: int = 0
    sent: int = 0

    async def text(self, sender: str, words: str, **more: Any) -> Ticket | None:
        """A citizen writes to the inbox ``box`` (text by default)."""
        return await self.write(more.pop("box", "text"), sender, words, **more)

    async def write(self, box: str, sender: str, words: str, **more: Any) -> Ticket | None:
        self.sent += 1
        row = await self.inbox(box)
        can = self.house.kit.channels[row.channel].capabilities
        kind = can.endpoint_kind
        if can.subjects:
            more.setdefault("to", (Address(kind, row.address, row.address),))
        address = Address(kind, sender, sender.lower(), Proof.CLAIMED, more.pop("name", ""))
        item = Inbound(sender=address, text=words, external_id=more.pop("external_id", f"<{uuid4()}@test>"), **more)
        touched = await self.receive(row, [item])
        return touched[0] if touched else None

    async def receive(self, row: Inbox, items: Sequence[Item], key: str = "") -> list[Ticket]:
        """What an adapter read from one raw event, stored and filed as the doors do it."""
        raw = Raw(f"{row.channel}:{row.slug}", key or str(uuid4()), book.channel_inbox(row), {}, self.clock(), b"raw")
        async with self.house.database.transaction() as tx:
            raw_id = await inbox.store(tx, self.house.kit, raw, "done")
            if raw_id is None:
                return []
            touched = await inbox.receive(tx, self.house.kit, row, raw_id, items)
        await self.house.database.settled()
        async with self.house.database.transaction() as tx:
            return [await tx.get_one(Ticket, ticket_id) for ticket_id in touched]

    async def inbox(self, slug: str) -> Inbox:
        async with self.house.database.transaction() as tx:
            return (await tx.scalars(select(Inbox).where(Inbox.slug == slug))).one()

    async def staff(self, username: str) -> Staff:
        async with self.house.database.transaction() as tx:
            return (await tx.scalars(select(Staff).where(Staff.username == username))).one()

    async def scope(self, username: str) -> Scope:
        async with self.house.database.transaction() as tx:
            return await scope_of(tx, (await tx.scalars(select(Staff).where(Staff.username == username))).one())

    async def on_duty(self, *usernames: str) -> None:
        """These agents are connected and want work."""
        for username in usernames:
            async with self.house.database.transaction() as tx:
                staff = (await tx.scalars(select(Staff).where(Staff.username == username))).one()
                await agents.heartbeat(tx, [staff.id])
                await agents.set_intent(tx, staff, "available", None)

    async def route(self) -> int:
        """One round of the router, under a lease of its own."""
        async with self.house.database.transaction() as tx:
            epoch = await tx.scalar(text("SELECT epoch FROM lease WHERE name = 'router'"))
        return await Router(self.house.database, self.house.kit).route(epoch)

    async def ticket(self, reference: str) -> Ticket:
        async with self.house.database.transaction() as tx:
            return (await tx.scalars(select(Ticket).where(Ticket.reference == reference))).one()

    async def offer_on(self, reference: str) -> Offer:
        async with self.house.database.transaction() as tx:
            query = (
                select(Offer)
                .join(Ticket, Ticket.id == Offer.ticket_id)
                .where(Ticket.reference == reference, Offer.result.is_(None))
            )
            return (await tx.scalars(query)).one()

    async def messages(self, reference: str) -> list[Message]:
        async with self.house.database.transaction() as tx:
            query = select(Message).join(Ticket, Ticket.id == Message.ticket_id).where(Ticket.reference == reference)
            return list(await tx.scalars(query.order_by(Message.seq)))

    async def reply(
        self, username: str, reference: str, words: str, *, seen: int | None = None, key: UUID | None = None,
        kind: str = "reply", anyway: bool = False,
    ) -> replies.Written:  # fmt: skip
        if seen is None:
            seen = (await self.ticket(reference)).message_seq
        letter = replies.Letter(key or uuid4(), words, kind, seen, anyway)
        async with self.house.database.transaction() as tx:
            staff = (await tx.scalars(select(Staff).where(Staff.username == username))).one()
            written = await replies.write(tx, self.house.kit, await scope_of(tx, staff), staff, reference, letter)
        await self.house.database.settled()
        return written

    async def act(self, username: str, what: Callable[[AsyncSession, Staff, Scope], Awaitable[Given]]) -> Given:
        """One unit of work of a member of staff."""
        async with self.house.database.transaction() as tx:
            staff = (await tx.scalars(select(Staff).where(Staff.username == username))).one()
            given = await what(tx, staff, await scope_of(tx, staff))
        await self.house.database.settled()
        return given

    async def close(self, username: str, reference: str, reason: str = "done", sentence: str = "It is done.") -> Ticket:
        return await self.act(
            username,
            lambda tx, staff, scope: closures.close(tx, self.house.kit, scope, staff, reference, reason, sentence),
        )

    async def pass_to_queue(self, username: str, reference: str, queue: str, note: str = "") -> Ticket:
        return await self.act(
            username,
            lambda tx, staff, scope: transfers.to_queue(tx, scope, staff, reference, queue, note, self.clock()),
        )

    async def pass_to_person(self, username: str, reference: str, colleague: str, note: str = "") -> Ticket:
        to = (await self.staff(colleague)).id
        return await self.act(
            username, lambda tx, staff, scope: transfers.to_person(tx, scope, staff, reference, to, note, self.clock())
        )

    async def accept(self, username: str, offer_id: int) -> Ticket:
        return await self.act(username, lambda tx, staff, _scope: offers.accept(tx, staff, offer_id))

    async def decline(self, username: str, offer_id: int, reason: str = "busy") -> None:
        await self.act(username, lambda tx, staff, _scope: offers.decline(tx, staff, offer_id, reason, self.clock()))

    async def chore(self, chore: Callable[[AsyncSession, Kit], Awaitable[None]]) -> None:
        """One of the leader's chores, now."""
        async with self.house.database.transaction() as tx:
            await chore(tx, self.house.kit)

    async def breaches(self) -> dict[str, int]:
        """What the sentinel finds wrong: rule and count, only where it is not zero."""
        async with self.house.database.transaction() as tx:
            return {rule: count for rule, count in (await claims.breaches(tx)).items() if count}

    async def run(self, sql: str, **values: Any) -> None:
        """Turn a row by hand, to let time pass or to set a scene."""
        async with self.house.database.transaction() as tx:
            await tx.execute(text(sql), values)
        book.forget()

    async def value(self, sql: str, **values: Any) -> Any:
        async with self.house.database.transaction() as tx:
            return await tx.scalar(text(sql), values)

    async def rows(self, sql: str, **values: Any) -> list[Any]:
        async with self.house.database.transaction() as tx:
            return list((await tx.execute(text(sql), values)).all())


async def settle(database_url: str) -> None:
    """The test agency moves in: text, mail and live inboxes; Ana (Spanish), Ben, Lu; Sam supervises."""
    described = tomllib.loads(DESCRIPTION.read_text("utf-8"))
    database = Database(database_url, pool=1)
    async with database.transaction() as tx:
        await loading.load(tx, described, {one["username"]: PASSWORD for one in described["staff"]})
    await database.close()


async def build(database_url: str, redis_url: str, folder: Path) -> Rig:
    """A rig in a database in which the test agency has moved in."""
    settings = Settings(
        data_dir=folder, database_url=database_url, redis_url=redis_url, redis_prefix=folder.name, log_level="error"
    )
    house = wiring.build("test", settings, CHANNELS)
    clock, rung = Clock(), list[int]()
    object.__setattr__(house.kit, "now", clock)
    object.__setattr__(house.kit, "ring", rung.extend)
    rig = Rig(house, clock, rung)
    rig.agency_id = await rig.value("SELECT id FROM agency")
    return rig


PASSWORD = "correct horse battery"

LAKEVIEW: dict[str, Any] = {
    "agency": {"slug": "lakeview", "name": "Town of Lakeview", "prefix": "LV", "timezone": "America/Chicago",
               "languages": ["en"]},
    "channels": {"sms": {"weight": 4, "cap": 5, "live": True}, "email": {"weight": 3, "cap": 8, "live": False}},
    "queues": [{"slug": "front", "name": "Front desk"}],
    "inboxes": [
        {"slug": "lake-text", "channel": "sms", "address": "+12025550170", "name": "Lakeview", "queue": "front"},
        {"slug": "lake-mail", "channel": "email", "address": "help@lakeview.example", "name": "Lakeview", "queue": "front"},
    ],
    "staff": [
        {"username": "kim", "name": "Kim", "role": "agent", "queues": ["front"], "home": "front"},
        {"username": "lee", "name": "Lee", "role": "supervisor", "queues": ["front"]},
        {"username": "max", "name": "Max", "role": "admin", "queues": []},
    ],
}  # fmt: skip


async def move_in(rig: Rig, described: dict[str, Any] = LAKEVIEW) -> int:
    """Another agency in the same house; gives its id."""
    async with rig.house.database.transaction() as tx:
        return await loading.load(tx, described, {one["username"]: PASSWORD for one in described["staff"]})
