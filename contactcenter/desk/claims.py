"""Makes routing decisions true: fenced claims in one transaction, all or nothing, else one by one.

The leader's epoch is read FOR SHARE: a claim of a deposed leader finds nothing, and a change of leader waits for claims
that are under way. Lock order: lease, ticket, agent, channel.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

import routing
from contactcenter import events
from contactcenter.desk import agents, lines, tickets, work
from contactcenter.desk.agents import GRACE_S
from contactcenter.models import Offer, Staff

_CLAIM = text(
    """
    WITH ok AS MATERIALIZED (SELECT 1 FROM lease WHERE name = 'router' AND epoch = :epoch FOR SHARE),
    want AS (SELECT * FROM unnest(CAST(:tickets AS bigint[]), CAST(:versions AS bigint[]), CAST(:agents AS bigint[]),
      CAST(:channels AS text[]), CAST(:units AS int[]), CAST(:fillers AS boolean[]), CAST(:statuses AS text[]))
      AS w(ticket_id, version, agent_id, channel, units, filler, status)),
    mine AS (UPDATE ticket t SET status = w.status, owner_id = w.agent_id, version = t.version + 1, units = w.units,
        filler = w.filler, epoch = :epoch FROM ok, want w
      WHERE t.id = w.ticket_id AND t.status = 'queued' AND t.version = w.version
      RETURNING w.agent_id, w.channel, w.units, w.filler),
    sums AS (SELECT agent_id, count(*) n, coalesce(sum(units) FILTER (WHERE NOT filler), 0) p,
        coalesce(sum(units) FILTER (WHERE filler), 0) f FROM mine GROUP BY agent_id),
    load AS (UPDATE staff l SET primary_units = primary_units + p, filler_units = filler_units + f, version = l.version + 1,
        last_assigned = clock_timestamp() FROM sums s
      WHERE l.id = s.agent_id AND intent = 'available' AND next_intent IS NULL AND health = 'connected'
        AND seen_at > clock_timestamp() - make_interval(secs => :grace) AND primary_units + p <= budget
        AND (f = 0 OR primary_units + p + filler_units + f <= budget) RETURNING s.n),
    slot AS (UPDATE staff_channel c SET items = items + n
      FROM (SELECT agent_id, channel, count(*) n FROM mine GROUP BY 1, 2) m
      WHERE c.staff_id = m.agent_id AND c.channel = m.channel AND c.enabled AND items + n <= cap RETURNING m.n)
    SELECT (SELECT count(*) FROM ok) AS leads, (SELECT count(*) FROM mine) AS tickets,
      (SELECT coalesce(sum(n), 0) FROM load) AS load, (SELECT coalesce(sum(n), 0) FROM slot) AS slots
    """
)


class Deposed(Exception):
    """Another router leads: drop everything in memory and stand by."""


class ClaimRefused(Exception):
    """The rows are not as the decision believed. Nothing was changed; read the floor again."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A decision with the channel and the version of its ticket when it was taken, and its reasons in full."""

    given: routing.Given
    channel: str
    version: int
    because: dict[str, Any]


async def claim(tx: AsyncSession, epoch: int, wanted: Sequence[Claim]) -> None:
    """Make all of these decisions true in this transaction. Raises Deposed or ClaimRefused: then roll back."""
    given = [claim.given for claim in wanted]
    row = (
        await tx.execute(
            _CLAIM,
            {"epoch": epoch, "tickets": [g.ticket for g in given], "versions": [c.version for c in wanted],
             "agents": [g.agent for g in given], "channels": [c.channel for c in wanted],
             "units": [g.units for g in given], "fillers": [g.filler for g in given],
             "statuses": ["offered" if g.mode == "offer" else "assigned" for g in given], "grace": GRACE_S},
        )
    ).one()  # fmt: skip
    if row.leads != 1:
        raise Deposed
    if not row.tickets == row.load == row.slots == len(wanted):
        raise ClaimRefused
    for one in wanted:
        await _write_down(tx, epoch, one)


async def still_leads(tx: AsyncSession, epoch: int) -> None:
    """Hold the lease for this transaction. Raises Deposed when another router leads."""
    leads = await tx.scalar(
        text("SELECT true FROM lease WHERE name = 'router' AND epoch = :epoch FOR SHARE"), {"epoch": epoch}
    )
    if not leads:
        raise Deposed


async def _write_down(tx: AsyncSession, epoch: int, claim: Claim) -> None:
    given = claim.given
    ticket = await tickets.lock(tx, given.ticket)
    ticket.unservable = False
    if given.mode == "direct":
        await tickets.close_stay(tx, ticket.id, "answered", direct=True)
        await work.begin_assignment(tx, ticket, claim.because, events.DESK)
        staff = await tx.get_one(Staff, given.agent)
        await lines.add(tx, ticket, "assigned", name=staff.name)
        return
    assert given.expires is not None
    expires = datetime.fromtimestamp(given.expires / 1000, UTC)
    offer = Offer(ticket_id=ticket.id, staff_id=given.agent, expires_at=expires, because=claim.because, epoch=epoch)
    tx.add(offer)
    await tx.flush()
    await events.record(
        tx, "ticket.offered", ticket.id, events.DESK, offer=offer.id, staff=given.agent, expires=expires.isoformat(),
        because=claim.because,
    )  # fmt: skip
    await agents.restate(tx, given.agent)


async def breaches(tx: AsyncSession) -> dict[str, int]:
    """What must be zero, counted from the rows: the sentinel's questions."""
    row = (await tx.execute(_BREACHES)).mappings().one()
    return {name: int(count) for name, count in row.items()}


_BREACHES = text(
    """
    SELECT
      (SELECT count(*) FROM staff s WHERE s.primary_units <> coalesce((SELECT sum(t.units) FROM ticket t WHERE t.owner_id = s.id
          AND t.units > 0 AND NOT t.filler AND t.status IN ('offered','assigned')), 0)) AS units_drift,
      (SELECT count(*) FROM staff s WHERE s.filler_units <> coalesce((SELECT sum(t.units) FROM ticket t WHERE t.owner_id = s.id
          AND t.units > 0 AND t.filler AND t.status IN ('offered','assigned')), 0)) AS filler_drift,
      (SELECT count(*) FROM staff_channel c WHERE c.items <> (SELECT count(*) FROM ticket t WHERE t.owner_id = c.staff_id
          AND t.channel = c.channel AND t.units > 0 AND t.status IN ('offered','assigned'))) AS items_drift,
      (SELECT count(*) FROM staff WHERE primary_units > budget + overbook) AS over_capacity,
      (SELECT count(*) FROM ticket WHERE status = 'assigned' AND NOT EXISTS (SELECT 1 FROM assignment a
          WHERE a.ticket_id = ticket.id AND a.staff_id = ticket.owner_id AND a.ended_at IS NULL)) AS unassigned_owner,
      (SELECT count(*) FROM ticket WHERE status = 'offered' AND NOT EXISTS (SELECT 1 FROM offer o
          WHERE o.ticket_id = ticket.id AND o.result IS NULL)) AS offered_without_offer,
      (SELECT count(*) FROM offer WHERE result IS NULL AND expires_at < clock_timestamp() - interval '30 seconds') AS stale_offers,
      (SELECT count(*) FROM ticket WHERE status NOT IN ('closed','cancelled') AND next_action_at IS NULL) AS no_next_action,
      (SELECT count(*) FROM ticket WHERE status IN ('waiting_citizen','parked') AND owner_id IS NULL) AS ownerless
    """
)
