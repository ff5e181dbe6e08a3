"""Offers: accepted, declined, timed out or rescinded, exactly one of them. The first commit wins."""

from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from contactcenter import events
from contactcenter.desk import agents, lines, tickets, work
from contactcenter.errors import Conflict, NotFound
from contactcenter.models import Offer, Staff, Ticket

REFUSAL_REASONS = ("busy", "wrong_skill", "conflict", "other")
MISSES_BEFORE_AWAY = 2
GONE = "This offer is no longer yours: it was answered, withdrawn or timed out."


async def accept(tx: AsyncSession, staff: Staff, offer_id: int) -> Ticket:
    """Take what was offered. Repeating it is harmless; too late gives ``no-longer-yours``. Works past the time limit too, as
    long as nobody acted on it."""
    offer, ticket = await _locked(tx, staff, offer_id)
    if offer.result == "accepted" and ticket.owner_id == staff.id:
        return ticket
    if not await _decide(tx, offer, "accepted"):
        raise Conflict(GONE, slug="no-longer-yours")
    ticket.status = "assigned"
    ticket.version += 1
    await tx.flush()
    await tx.execute(text("UPDATE staff SET misses = 0 WHERE id = :id"), {"id": staff.id})
    await tickets.close_stay(tx, ticket.id, "answered")
    actor = events.Actor("staff", staff.id)
    await events.record(tx, "offer.accepted", ticket.id, actor, offer=offer.id, staff=staff.id)
    await work.begin_assignment(tx, ticket, offer.because, actor)
    await lines.add(tx, ticket, "assigned", actor=actor, name=staff.name)
    return ticket


async def decline(tx: AsyncSession, staff: Staff, offer_id: int, reason: str, now: datetime) -> None:
    """Give it back to the queue at its own place; not a miss. The agent is passed over for this ticket for two minutes."""
    offer, ticket = await _locked(tx, staff, offer_id)
    if offer.result == "declined":
        return
    await _return(tx, offer, ticket, "declined", reason, events.Actor("staff", staff.id), now)


async def time_out(tx: AsyncSession, offer_id: int, now: datetime) -> bool:
    """Nobody answered in time. After two misses in a row the agent is set to away (not responding)."""
    offer = await tx.get(Offer, offer_id)
    if offer is None:
        return False
    ticket = await tickets.lock(tx, offer.ticket_id)
    try:
        await _return(tx, offer, ticket, "timed_out", "", events.DESK, now)
    except Conflict:
        return False  # the agent was faster
    await _count_miss(tx, offer.staff_id)
    return True


async def rescind(tx: AsyncSession, offer_id: int, why: str, now: datetime) -> bool:
    """Take an offer back before it was answered, for instance because the agent's line is lost."""
    offer = await tx.get(Offer, offer_id)
    if offer is None:
        return False
    ticket = await tickets.lock(tx, offer.ticket_id)
    try:
        await _return(tx, offer, ticket, "rescinded", why, events.DESK, now)
    except Conflict:
        return False
    return True


async def _locked(tx: AsyncSession, staff: Staff, offer_id: int) -> tuple[Offer, Ticket]:
    offer = await tx.scalar(select(Offer).where(Offer.id == offer_id, Offer.staff_id == staff.id))
    if offer is None:
        raise NotFound("There is no such offer for you.")
    ticket = await tickets.lock(tx, offer.ticket_id)
    await tx.refresh(offer)
    return offer, ticket


async def _decide(tx: AsyncSession, offer: Offer, result: str, reason: str = "") -> bool:
    """Compare and set: only one result ever stands."""
    decided = await tx.scalar(
        text(
            "UPDATE offer SET result = :result, reason = :reason, decided_at = clock_timestamp() "
            "WHERE id = :id AND result IS NULL RETURNING true"
        ),
        {"result": result, "reason": reason or None, "id": offer.id},
    )
    return bool(decided)


async def _return(
    tx: AsyncSession, offer: Offer, ticket: Ticket, result: str, reason: str, actor: events.Actor, now: datetime
) -> None:
    if not await _decide(tx, offer, result, reason):
        raise Conflict(GONE, slug="no-longer-yours")
    await work.give_back(tx, ticket)
    ticket.owner_id = None
    ticket.status = "queued"
    ticket.version += 1
    await tx.flush()
    await events.record(
        tx,
        f"offer.{result}",
        ticket.id,
        actor,
        offer=offer.id,
        staff=offer.staff_id,
        **({"why": reason} if reason else {}),
    )
    await agents.restate(tx, offer.staff_id)


async def _count_miss(tx: AsyncSession, staff_id: int) -> None:
    misses = await tx.scalar(
        text("UPDATE staff SET misses = misses + 1 WHERE id = :id RETURNING misses"), {"id": staff_id}
    )
    if misses >= MISSES_BEFORE_AWAY:
        await tx.execute(
            text(
                "UPDATE staff SET intent = 'away', away_reason = 'not_responding', version = version + 1 "
                "WHERE id = :id AND intent = 'available'"
            ),
            {"id": staff_id},
        )
        await agents.restate(tx, staff_id)
