"""Who takes part in a matter: whoever opened it, whoever an agent asked in, and strangers who are held until an agent agrees.

An address in the head of a citizen's mail is shown and no more: it is asked in by an agent, never by a mail.
"""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from contactcenter import events
from contactcenter.desk import reopening, tickets
from contactcenter.desk.access import Scope
from contactcenter.errors import Conflict, Forbidden, NotFound
from contactcenter.models import Message, Staff, Ticket

_NOTE = text(
    """
    INSERT INTO participant (ticket_id, endpoint_id, role, added_by)
    SELECT t.id, t.endpoint_id, 'requester', NULL FROM ticket t WHERE t.id = :ticket AND t.endpoint_id <> :endpoint
    UNION ALL SELECT t.id, :endpoint, CASE WHEN t.endpoint_id = :endpoint THEN 'requester' ELSE :role END, CAST(:staff AS bigint)
      FROM ticket t WHERE t.id = :ticket
    ON CONFLICT (ticket_id, endpoint_id) DO UPDATE SET role = EXCLUDED.role, added_by = EXCLUDED.added_by
      WHERE participant.role = 'held' AND EXCLUDED.role <> 'held'
    """
)


async def note(
    tx: AsyncSession, ticket_id: int, endpoint_id: int, role: Literal["requester", "cc", "held"],
    staff_id: int | None = None,
) -> None:  # fmt: skip
    """Write down that an endpoint takes part, and beside it who opened the matter. Whoever takes part is never held again."""
    await tx.execute(_NOTE, {"ticket": ticket_id, "endpoint": endpoint_id, "role": role, "staff": staff_id})


async def accept(tx: AsyncSession, scope: Scope, staff: Staff, ticket_ref: str, message_id: UUID) -> Ticket:
    """An agent vouches for a held sender: what they wrote is part of the matter, and from now on they are.

    Raises NotFound, Forbidden, Conflict ``not-held``.
    """
    ticket = await tickets.find(tx, scope, ticket_ref, lock=True)
    if "note:ticket" not in scope.can(ticket.status, ticket.owner_id):
        raise Forbidden("You can read this ticket but not change who takes part in it.")
    message = await tx.scalar(select(Message).where(Message.id == message_id, Message.ticket_id == ticket.id))
    if message is None:
        raise NotFound("There is no such message on this ticket.")
    if message.visibility != "held" or message.author_endpoint_id is None:
        raise Conflict("This message is not held.", slug="not-held")
    await note(tx, ticket.id, message.author_endpoint_id, "cc", staff.id)
    accepted = await _publish(tx, ticket, message.author_endpoint_id)
    await events.record(
        tx, "participant.accepted", ticket.id, events.Actor("staff", staff.id), message=message.id,
        messages=[one.id for one in accepted], endpoint=message.author_endpoint_id,
    )  # fmt: skip
    await _wait(tx, ticket, [one for one in accepted if one.automation == "none"])
    return ticket


async def _publish(tx: AsyncSession, ticket: Ticket, endpoint_id: int) -> list[Message]:
    """All that this sender wrote while they were held."""
    held = list(
        await tx.scalars(
            select(Message)
            .where(
                Message.ticket_id == ticket.id, Message.visibility == "held", Message.author_endpoint_id == endpoint_id
            )
            .order_by(Message.seq)
        )
    )
    for one in held:
        one.visibility = "public"
        one.version += 1
    await tx.flush()
    return held


async def _wait(tx: AsyncSession, ticket: Ticket, said: list[Message]) -> None:
    """Somebody now waits for an answer, since they wrote."""
    if not said:
        return
    now: datetime = (await tx.execute(select(func.clock_timestamp()))).scalar_one()
    ticket.waiting_since = min(ticket.waiting_since or said[0].created_at, said[0].created_at)
    ticket.preview, ticket.preview_from = " ".join(said[-1].body_text.split())[:140], "citizen"
    ticket.next_action_at = min(ticket.next_action_at or now + timedelta(days=1), now + timedelta(days=1))
    await tx.flush()
    if ticket.status in reopening.ASLEEP:
        await reopening.wake(tx, ticket, now)
