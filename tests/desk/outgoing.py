"""What tests of outgoing post share: answers with everything an answer can have, and hands that send, report and let time pass."""

from typing import Any
from uuid import UUID, uuid4

from channels.base import Receipt
from contactcenter.desk import deliveries, outbox, replies
from contactcenter.jobs import sender
from contactcenter.models import Delivery
from tests.desk_rig import Rig


async def answer(rig: Rig, username: str, reference: str, words: str = "We come on Friday.", **more: Any) -> UUID:
    """An agent answers; gives the message's id."""
    seen = (await rig.ticket(reference)).message_seq
    letter = replies.Letter(more.pop("key", None) or uuid4(), words, "reply", seen, **more)
    written = await rig.act(
        username, lambda tx, staff, scope: replies.write(tx, rig.house.kit, scope, staff, reference, letter)
    )
    return written.message.id


async def deliver(rig: Rig, delivery_id: int) -> bool:
    did = await sender.deliver(rig.house.database, rig.house.kit, delivery_id)
    await rig.house.database.settled()
    return did


async def deliver_all(rig: Rig) -> None:
    """What is queued and due leaves, in its order."""
    for one in await rig.rows("SELECT id FROM delivery WHERE state = 'queued' AND with_id IS NULL ORDER BY id"):
        await deliver(rig, one[0])


async def row(rig: Rig, delivery_id: int) -> Delivery:
    async with rig.house.database.transaction() as tx:
        return await tx.get_one(Delivery, delivery_id)


async def row_of(rig: Rig, message_id: UUID, role: str = "to") -> Delivery:
    found = await rig.value("SELECT id FROM delivery WHERE message_id = :m AND role = :r", m=message_id, r=role)
    return await row(rig, found)


async def report(rig: Rig, channel: str, receipt: Receipt, **more: Any) -> None:
    async with rig.house.database.transaction() as tx:
        await deliveries.advance(tx, channel, receipt, **more)


async def undo_ends(rig: Rig) -> list[int]:
    """The worker's sweep looks at what is held."""
    async with rig.house.database.transaction() as tx:
        return await outbox.end_undo(tx)


async def facts(rig: Rig, kind: str) -> list[dict[str, Any]]:
    return [found[0] for found in await rig.rows("SELECT data FROM event WHERE type = :kind ORDER BY id", kind=kind)]


async def lines(rig: Rig, reference: str) -> list[str]:
    return [m.line["key"] for m in await rig.messages(reference) if m.kind == "line" and m.line]
