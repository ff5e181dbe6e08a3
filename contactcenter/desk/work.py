"""Who holds what: the one place where an agent's units and items go up and down, always beside the ticket's own change.

Lock order everywhere: ticket, then agent, then the agent's channel.
"""

from typing import Any

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

import routing
from contactcenter import events
from contactcenter.desk import agents
from contactcenter.errors import Conflict
from contactcenter.models import Assignment, Offer, Ticket

_TAKE_UNITS = text(
    """
    UPDATE staff SET primary_units = primary_units + :primary, filler_units = filler_units + :filler,
      last_assigned = clock_timestamp(), version = version + 1,
      overbook = greatest(overbook, CASE WHEN :force THEN primary_units + :primary - budget ELSE 0 END)
    WHERE id = :staff AND (:force OR (primary_units + :primary <= budget
      AND (:filler = 0 OR primary_units + filler_units + :filler <= budget)))
    RETURNING id
    """
)
_TAKE_SLOT = text(
    """
    UPDATE staff_channel SET items = items + 1,
      overbook_items = greatest(overbook_items, CASE WHEN :force THEN items + 1 - cap ELSE 0 END)
    WHERE staff_id = :staff AND channel = :channel AND (:force OR (enabled AND items + 1 <= cap)) RETURNING staff_id
    """
)
_GIVE_BACK_UNITS = text(
    """
    UPDATE staff SET primary_units = primary_units - :primary, filler_units = filler_units - :filler,
      overbook = greatest(0, least(overbook, primary_units - :primary - budget)),
      idle_since = CASE WHEN primary_units + filler_units > :primary + :filler THEN coalesce(last_assigned, idle_since)
        ELSE clock_timestamp() END,
      version = version + 1
    WHERE id = :staff
    """
)
_GIVE_BACK_SLOT = text(
    """
    UPDATE staff_channel SET items = items - 1, overbook_items = greatest(0, least(overbook_items, items - 1 - cap))
    WHERE staff_id = :staff AND channel = :channel
    """
)


async def take(
    tx: AsyncSession, ticket: Ticket, staff_id: int, rule: routing.ChannelRule, *, over: bool = False
) -> None:
    """Give a locked ticket's weight to an agent. ``over``: the citizen wrote again to their own agent, who is full.

    Raises Conflict ``no-room`` when the agent has no room.
    """
    primary, filler = (rule.weight, 0) if rule.live else (0, rule.weight)
    got = await tx.scalar(_TAKE_UNITS, {"staff": staff_id, "primary": primary, "filler": filler, "force": over})
    slot = got and await tx.scalar(_TAKE_SLOT, {"staff": staff_id, "channel": ticket.channel, "force": over})
    if not slot:
        raise Conflict("There is no room for another conversation of this kind.", slug="no-room")
    ticket.owner_id, ticket.units, ticket.filler = staff_id, rule.weight, not rule.live


async def give_back(tx: AsyncSession, ticket: Ticket) -> None:
    """Take a locked ticket's weight off its owner; the owner stays written on the ticket."""
    if ticket.owner_id is None or not ticket.units:
        return
    primary, filler = (0, ticket.units) if ticket.filler else (ticket.units, 0)
    await tx.execute(_GIVE_BACK_UNITS, {"staff": ticket.owner_id, "primary": primary, "filler": filler})
    await tx.execute(_GIVE_BACK_SLOT, {"staff": ticket.owner_id, "channel": ticket.channel})
    ticket.units = 0


async def begin_assignment(tx: AsyncSession, ticket: Ticket, because: dict[str, Any], actor: events.Actor) -> None:
    """Write down that the ticket's owner has it from now on."""
    assert ticket.owner_id is not None
    tx.add(
        Assignment(
            ticket_id=ticket.id,
            staff_id=ticket.owner_id,
            queue_id=ticket.queue_id,
            channel=ticket.channel,
            because=because,
        )
    )
    await tx.flush()
    await events.record(
        tx, "ticket.assigned", ticket.id, actor, staff=ticket.owner_id, queue=ticket.queue_id, channel=ticket.channel,
        because=because,
    )  # fmt: skip
    await agents.restate(tx, ticket.owner_id)


async def end_assignment(tx: AsyncSession, ticket: Ticket, how: str) -> None:
    await tx.execute(
        text(
            "UPDATE assignment SET ended_at = greatest(clock_timestamp(), started_at), end_how = :how "
            "WHERE ticket_id = :ticket AND ended_at IS NULL"
        ),
        {"ticket": ticket.id, "how": how},
    )


async def rescind_offer(tx: AsyncSession, ticket: Ticket, result: str, reason: str = "") -> Offer | None:
    """End the ticket's live offer, if there is one, with ``result``."""
    offer = await tx.scalar(select(Offer).where(Offer.ticket_id == ticket.id, Offer.result.is_(None)).with_for_update())
    if offer is None:
        return None
    await tx.execute(
        text("UPDATE offer SET result = :result, reason = :reason, decided_at = clock_timestamp() WHERE id = :id"),
        {"result": result, "reason": reason or None, "id": offer.id},
    )
    return offer


async def let_go(tx: AsyncSession, ticket: Ticket, how: str) -> int | None:
    """Free a locked ticket from offer, assignment and owner; the caller says where it goes. Gives the former owner."""
    former = ticket.owner_id
    if ticket.status == "offered":
        offer = await rescind_offer(tx, ticket, "rescinded", how)
        if offer is not None:
            await events.record(
                tx, "offer.rescinded", ticket.id, events.DESK, offer=offer.id, staff=offer.staff_id, why=how
            )
    await give_back(tx, ticket)
    await end_assignment(tx, ticket, how)
    ticket.owner_id = None
    ticket.status = "queued"
    if former is not None:
        await tx.flush()
        await agents.restate(tx, former)
    return former
