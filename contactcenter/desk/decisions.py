"""Makes the router's effects true in the database: one effect, one change, beside the event that tells it."""

import json
from collections.abc import Collection

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from contactcenter import events
from contactcenter.desk import claims, offers
from contactcenter.desk.kit import Kit
from routing.events import Effect, Overflowed, Relaxed, Requeued, Rescinded, SlaAtRisk, Unservable


async def carry_out(tx: AsyncSession, kit: Kit, epoch: int, effect: Effect) -> bool:
    """Do what one effect other than a claim says, if the lease is still ours. False when the rows were ahead of it."""
    match effect:
        case Requeued(because=because) if because.rule == "timed_out":
            return await _end_offer(tx, kit, effect.ticket, "timed_out")
        case Requeued():
            return False  # the leader's chores take work off an agent who is gone; the row will say so
        case Rescinded():
            return await _end_offer(tx, kit, effect.ticket, effect.because.rule)
        case Relaxed():
            return await _relax(tx, epoch, effect)
        case Overflowed():
            return await _overflow(tx, epoch, effect)
        case SlaAtRisk():
            await claims.still_leads(tx, epoch)
            await events.record(tx, "ticket.sla_at_risk", effect.ticket, events.DESK)
        case Unservable():
            return await _flag(tx, epoch, effect)
        case _:
            pass  # told for the console's sake; nothing to write
    return True


async def _end_offer(tx: AsyncSession, kit: Kit, ticket_id: int, why: str) -> bool:
    offer_id = await tx.scalar(
        text("SELECT id FROM offer WHERE ticket_id = :ticket AND result IS NULL"), {"ticket": ticket_id}
    )
    if offer_id is None:
        return False
    if why == "timed_out":
        return await offers.time_out(tx, offer_id, kit.now())
    return await offers.rescind(tx, offer_id, why, kit.now())


async def _relax(tx: AsyncSession, epoch: int, effect: Relaxed) -> bool:
    await claims.still_leads(tx, epoch)
    moved = await tx.scalar(
        text(
            "UPDATE ticket SET ring = :ring, asked = CAST(:asked AS jsonb) WHERE id = :id AND status = 'queued' "
            "AND ring < :ring RETURNING true"
        ),
        {"id": effect.ticket, "ring": effect.ring, "asked": json.dumps([list(req) for req in effect.reqs])},
    )
    if moved:
        await events.record(
            tx, "ticket.relaxed", effect.ticket, events.DESK, ring=effect.ring, skipped=effect.skipped,
            why=effect.because.rule, revision=effect.because.revision,
        )  # fmt: skip
    return bool(moved)


async def _overflow(tx: AsyncSession, epoch: int, effect: Overflowed) -> bool:
    await claims.still_leads(tx, epoch)
    moved = await tx.scalar(
        text(
            "UPDATE ticket SET pools = pools || to_jsonb(CAST(:pool AS bigint)) WHERE id = :id AND status = 'queued' "
            "AND NOT pools @> to_jsonb(CAST(:pool AS bigint)) RETURNING true"
        ),
        {"id": effect.ticket, "pool": effect.pool},
    )
    if moved:
        await events.record(
            tx, "ticket.overflowed", effect.ticket, events.DESK, queue=effect.pool, revision=effect.because.revision
        )
    return bool(moved)


async def _flag(tx: AsyncSession, epoch: int, effect: Unservable) -> bool:
    """Nobody on the books may serve it: said once, shown until somebody can."""
    await claims.still_leads(tx, epoch)
    flagged = await tx.scalar(
        text(
            "UPDATE ticket SET unservable = true WHERE id = :id AND status = 'queued' AND NOT unservable RETURNING true"
        ),
        {"id": effect.ticket},
    )
    if flagged:
        await events.record(tx, "ticket.unservable", effect.ticket, events.DESK, revision=effect.because.revision)
    return bool(flagged)


async def unflag(tx: AsyncSession, agency_id: int, still: Collection[int]) -> None:
    """Tickets flagged once that somebody on the books may serve again."""
    cleared = await tx.scalars(
        text(
            "UPDATE ticket SET unservable = false WHERE status = 'queued' AND unservable AND agency_id = :agency "
            "AND NOT id = ANY(:still) RETURNING id"
        ),
        {"agency": agency_id, "still": sorted(still)},
    )
    for ticket_id in sorted(cleared):
        await events.record(tx, "ticket.servable", ticket_id, events.DESK)
