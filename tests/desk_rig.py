"""A desk in hand: a whole house on real stores, without processes. Tests tell it what citizens and agents do."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select, text

from channels.base import Address, Inbound, Item, Proof, Raw
from contactcenter import wiring
from contactcenter.desk import agents, book, inbox, loading, replies
from contactcenter.desk.access import Scope, scope_of
from contactcenter.jobs.router import Router
from contactcenter.models import Inbox, Message, Offer, Staff, Ticket
from contactcenter.settings import Settings

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
        kind = self.house.kit.channels[row.channel].capabilities.endpoint_kind
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
        return touched

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
            query = select(Offer).join(Ticket, Ticket.id == Offer.ticket_id).where(Ticket.reference == reference, Offer.result.is_(None))
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
            return await replies.write(tx, self.house.kit, await scope_of(tx, staff), staff, reference, letter)

    async def value(self, sql: str, **values: Any) -> Any:
        async with self.house.database.transaction() as tx:
            return await tx.scalar(text(sql), values)

    async def rows(self, sql: str, **values: Any) -> list[Any]:
        async with self.house.database.transaction() as tx:
            return list((await tx.execute(text(sql), values)).all())


async def build(database_url: str, redis_url: str, folder: Path) -> Rig:
    """A rig with the test agency: text, mail and live inboxes; Ana (Spanish), Ben, Lu; Sam supervises."""
    settings = Settings(data_dir=folder, database_url=database_url, redis_url=redis_url, redis_prefix=folder.name, log_level="error")
    house = wiring.build("test", settings, CHANNELS)
    clock, rung = Clock(), list[int]()
    object.__setattr__(house.kit, "now", clock)
    object.__setattr__(house.kit, "ring", rung.extend)
    rig = Rig(house, clock, rung)
    described = tomllib.loads(DESCRIPTION.read_text("utf-8"))
    names = {one["username"]: PASSWORD for one in described["staff"]}
    async with house.database.transaction() as tx:
        rig.agency_id = await loading.load(tx, described, names)
    return rig


PASSWORD = "correct horse battery"
