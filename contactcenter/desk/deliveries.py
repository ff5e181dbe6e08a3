"""The outbox: one row per message and address, written in the transaction of the message, moving forward only.

``attempts`` claims and records, ``outbox`` says what is next, ``pacing`` how fast, ``receipts`` what became of it, ``undo`` takes
back what has not left.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from channels import base
from channels.base import Capabilities, Outbound
from contactcenter import events
from contactcenter.db import after_commit
from contactcenter.desk import pacing, senders
from contactcenter.desk.attempts import claim as claim
from contactcenter.desk.book import channel_inbox, open_book
from contactcenter.desk.kit import Kit
from contactcenter.desk.receipts import advance as advance
from contactcenter.desk.undo import take_back as take_back
from contactcenter.ids import uuid7
from contactcenter.models import Delivery, Inbox, Message, Ticket

DEADLINE = timedelta(hours=4)
MAIL_DEADLINE = timedelta(hours=48)
FINAL = ("delivered", "undelivered", "failed", "canceled", "read")
ANSWER, OWN_WORDS, TO_MANY = 0, 1, 2
"""The lanes of a paced sender."""
MAX_UNDO_S = 60


def time_allowed(channel: Capabilities) -> timedelta:
    """How long we go on trying; mail servers are given two days."""
    return MAIL_DEADLINE if channel.subjects else DEADLINE


async def hand_over(
    tx: AsyncSession, kit: Kit, ticket: Ticket, message: Message, endpoint_id: int, *, lane: int = ANSWER,
    proactive: bool = False, undo_s: int = 0, cc: Sequence[int] = (), bcc: Sequence[int] = (),
) -> Delivery:  # fmt: skip
    """Write the outbox row of a message, with one for each copy, and ring for it after the commit.

    On a live channel our commit is the sending. ``cc`` and ``bcc`` are endpoints; what the desk itself says goes to nobody but the
    person (ValueError). ``undo_s``: so long it can be taken back.
    """
    if (cc or bcc) and message.author_kind != "staff":
        raise ValueError("automatic messages have no copies")
    capabilities = kit.channels[message.channel].capabilities
    hold = 0 if capabilities.live else min(max(undo_s, 0), MAX_UNDO_S)
    lead = _row(kit, capabilities, ticket, message, endpoint_id, hold)
    lead.lane, lead.proactive = lane or (ANSWER if message.author_kind == "staff" else OWN_WORDS), proactive
    if capabilities.metered:
        box = (await open_book(tx)).inboxes[message.inbox_id]
        lead.inbox_id, lead.parts = box.id, _parts(kit, box, message.body_text)
    tx.add(lead)
    await tx.flush()
    if hold:
        await _hold(tx, lead.id, hold)
    for role, endpoints in (("cc", cc), ("bcc", bcc)):
        for copy_to in endpoints:
            copy = _row(kit, capabilities, ticket, message, copy_to, hold)
            copy.role, copy.with_id = role, lead.id
            tx.add(copy)
    await tx.flush()
    await senders.remember(tx, endpoint_id, message.inbox_id)
    if not capabilities.live and not hold:
        after_commit(tx, lambda: kit.ring([lead.id]))
    return lead


def _row(
    kit: Kit, capabilities: Capabilities, ticket: Ticket, message: Message, endpoint_id: int, hold: int
) -> Delivery:
    return Delivery(
        message_id=message.id, ticket_id=ticket.id, endpoint_id=endpoint_id, channel=message.channel,
        state="sent" if capabilities.live else "held" if hold else "queued",
        deadline=kit.now() + time_allowed(capabilities), correlation=events.correlation.get(),
    )  # fmt: skip


async def _hold(tx: AsyncSession, delivery_id: int, seconds: int) -> None:
    """By the database's clock, by which it is let go."""
    await tx.execute(
        text(
            "UPDATE delivery SET due_at = statement_timestamp() + make_interval(secs => :s), "
            "undo_until = statement_timestamp() + make_interval(secs => :s) WHERE id = :id"
        ),
        {"id": delivery_id, "s": seconds},
    )


def paced(kit: Kit, box: Inbox, words: str) -> dict[str, Any]:
    """What the one statement of the hot door writes of an acknowledgement's pace: its sender, where that is paced, and its parts."""
    if not kit.channels[box.channel].capabilities.metered:
        return {"delivery_inbox": None, "delivery_parts": 1}
    return {"delivery_inbox": box.id, "delivery_parts": _parts(kit, box, words)}


def _parts(kit: Kit, box: Inbox, words: str) -> int:
    inbox: base.Inbox = channel_inbox(box)
    return pacing.parts_of(kit.channels[box.channel], Outbound(uuid7(), inbox, "", words))


async def cancel_unsent(tx: AsyncSession, endpoint_id: int) -> None:
    """The person asked us not to write: what has not left will not leave, nor the copies of it."""
    rows = await tx.execute(
        text(
            "WITH gone AS (UPDATE delivery SET state = 'canceled', error_kind = 'opted_out', updated_at = clock_timestamp() "
            "WHERE endpoint_id = :endpoint AND state IN ('held', 'queued') RETURNING id, ticket_id, message_id, role), "
            "copies AS (UPDATE delivery SET state = 'canceled', updated_at = clock_timestamp() FROM gone "
            "WHERE delivery.with_id = gone.id AND delivery.state IN ('held', 'queued')) "
            "SELECT ticket_id, message_id, role FROM gone"
        ),
        {"endpoint": endpoint_id},
    )
    gone = rows.all()
    for ticket_id in sorted({row.ticket_id for row in gone}):
        mine = [row for row in gone if row.ticket_id == ticket_id]
        await _tell_canceled(tx, ticket_id, [row.message_id for row in mine if row.role == "to"], None)
        await _tell_canceled(tx, ticket_id, [row.message_id for row in mine if row.role != "to"], endpoint_id)


_TELL_CANCELED = text(
    """
    WITH said AS (SELECT id, row_number() OVER (ORDER BY id) AS nth FROM unnest(CAST(:messages AS uuid[])) id),
    m AS (UPDATE message SET version = version + 1 WHERE id = ANY(:messages)),
    t AS (UPDATE ticket SET event_seq = event_seq + :many, updated_at = clock_timestamp() WHERE id = :ticket
      RETURNING agency_id, event_seq - :many AS before)
    INSERT INTO event (agency_id, ticket_id, seq, type, actor_kind, data, correlation)
    SELECT t.agency_id, :ticket, t.before + said.nth, 'delivery.changed', 'system', jsonb_strip_nulls(jsonb_build_object(
      'message', said.id, 'after', 'canceled', 'why', 'opted_out', 'copy_to', CAST(:copy_to AS bigint))), :correlation
    FROM t, said ORDER BY said.nth
    """
)


async def _tell_canceled(tx: AsyncSession, ticket_id: int, messages: Sequence[UUID], copy_to: int | None) -> None:
    """``refusals.tell`` for many at once: a burst that is stopped must not hold its ticket while every line of it is told."""
    if messages:
        tx.info["wrote_events"] = True
        await tx.execute(
            _TELL_CANCELED,
            {"messages": list(messages), "many": len(messages), "ticket": ticket_id, "copy_to": copy_to,
             "correlation": events.correlation.get()},
        )  # fmt: skip


async def arrived(tx: AsyncSession, message_id: UUID, endpoint_id: int) -> bool:
    """Whether a message is known to have reached this address."""
    sql = "SELECT true FROM delivery WHERE message_id = :message AND endpoint_id = :endpoint AND state IN ('delivered', 'read')"
    return bool(await tx.scalar(text(sql), {"message": message_id, "endpoint": endpoint_id}))
