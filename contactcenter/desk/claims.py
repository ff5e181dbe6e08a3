"""Makes routing decisions true: fenced claims in one transaction, all or nothing, else one by one.

The leader's epoch is read FOR SHARE: a claim of a deposed leader finds nothing, and a change of leader waits for claims
that are under way. Lock order: lease, ticket, agent, channel.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

import routing
from contactcenter import events
from contactcenter.desk import agents
from contactcenter.desk.agents import GRACE_S

_CLAIM = text(
    """
    WITH ok AS MATERIALIZED (SELECT 1 FROM lease WHERE name = 'router' AND epoch = :epoch FOR SHARE),
    want AS (SELECT * FROM unnest(CAST(:tickets AS bigint[]), CAST(:versions AS bigint[]), CAST(:agents AS bigint[]),
      CAST(:channels AS text[]), CAST(:units AS int[]), CAST(:fillers AS boolean[]), CAST(:statuses AS text[]),
      CAST(:before AS int[])) AS w(ticket_id, version, agent_id, channel, units, filler, status, before)),
    mine AS (UPDATE ticket t SET status = w.status, owner_id = w.agent_id, version = t.version + 1, units = w.units,
        filler = w.filler, epoch = :epoch FROM ok, want w
      WHERE t.id = w.ticket_id AND t.status = 'queued' AND t.version = w.version
      RETURNING w.agent_id, w.channel, w.units, w.filler, w.before),
    sums AS (SELECT agent_id, count(*) n, coalesce(sum(units) FILTER (WHERE NOT filler), 0) p,
        coalesce(sum(units) FILTER (WHERE filler), 0) f, coalesce(max(before) FILTER (WHERE filler), 0) b FROM mine GROUP BY agent_id),
    load AS (UPDATE staff l SET primary_units = primary_units + p, filler_units = filler_units + f, version = l.version + 1,
        last_assigned = clock_timestamp() FROM sums s
      WHERE l.id = s.agent_id AND intent = 'available' AND next_intent IS NULL AND health = 'connected'
        AND seen_at > clock_timestamp() - make_interval(secs => :grace) AND primary_units + p <= budget
        AND (f = 0 OR primary_units + b + filler_units + f <= budget) RETURNING s.n),
    slot AS (UPDATE staff_channel c SET items = items + n
      FROM (SELECT agent_id, channel, count(*) n FROM mine GROUP BY 1, 2) m
      WHERE c.staff_id = m.agent_id AND c.channel = m.channel AND c.enabled AND items + n <= cap RETURNING m.n)
    SELECT (SELECT count(*) FROM ok) AS leads, (SELECT count(*) FROM mine) AS tickets,
      (SELECT coalesce(sum(n), 0) FROM load) AS load, (SELECT coalesce(sum(n), 0) FROM slot) AS slots
    """
)


# Locked in the order of their ids, as everybody does: an UPDATE locks in whatever order its plan finds.
_LOCK_TICKETS = text("SELECT id FROM ticket WHERE id = ANY(:ids) ORDER BY id FOR NO KEY UPDATE")
_LOCK_AGENTS = text("SELECT id FROM staff WHERE id = ANY(:ids) ORDER BY id FOR NO KEY UPDATE")


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
    await still_leads(tx, epoch)
    await tx.execute(_LOCK_TICKETS, {"ids": [g.ticket for g in given]})
    await tx.execute(_LOCK_AGENTS, {"ids": [g.agent for g in given]})
    row = (
        await tx.execute(
            _CLAIM,
            {"epoch": epoch, "tickets": [g.ticket for g in given], "versions": [c.version for c in wanted],
             "agents": [g.agent for g in given], "channels": [c.channel for c in wanted],
             "units": [g.units for g in given], "fillers": [g.filler for g in given], "before": _live_before(given),
             "statuses": ["offered" if g.mode == "offer" else "assigned" for g in given], "grace": GRACE_S},
        )
    ).one()  # fmt: skip
    if row.leads != 1:
        raise Deposed
    if not row.tickets == row.load == row.slots == len(wanted):
        raise ClaimRefused
    await _write_down(tx, epoch, wanted)


def _live_before(given: Sequence[routing.Given]) -> list[int]:
    """Live units given to the same agent earlier in the batch: a filler needs room beside those, not beside later ones."""
    held: dict[int, int] = {}
    before = []
    for one in given:
        before.append(held.get(one.agent, 0))
        if not one.filler:
            held[one.agent] = held.get(one.agent, 0) + one.units
    return before


async def still_leads(tx: AsyncSession, epoch: int) -> None:
    """Hold the lease for this transaction. Raises Deposed when another router leads."""
    leads = await tx.scalar(
        text("SELECT true FROM lease WHERE name = 'router' AND epoch = :epoch FOR SHARE"), {"epoch": epoch}
    )
    if not leads:
        raise Deposed


_WRITE_DOWN = text(
    """
    WITH w AS (SELECT * FROM unnest(CAST(:tickets AS bigint[]), CAST(:agents AS bigint[]), CAST(:becauses AS text[]),
      CAST(:expires AS text[])) WITH ORDINALITY AS w(ticket, agent, because, expires, place)),
    t AS (UPDATE ticket t SET event_seq = event_seq + CASE WHEN w.expires IS NULL THEN 2 ELSE 1 END,
        message_seq = message_seq + (w.expires IS NULL)::int, unservable = false, updated_at = clock_timestamp()
      FROM w WHERE t.id = w.ticket RETURNING t.id, t.agency_id, t.queue_id, t.channel, t.inbox_id, t.event_seq, t.message_seq,
        w.agent, w.because::jsonb AS because, w.expires, w.place),
    a AS (INSERT INTO assignment (ticket_id, staff_id, queue_id, channel, because)
      SELECT id, agent, queue_id, channel, because FROM t WHERE expires IS NULL),
    s AS (UPDATE queue_stay q SET leave = greatest(enter, clock_timestamp()), how = 'answered', direct = true
      FROM t WHERE q.ticket_id = t.id AND t.expires IS NULL AND q.leave IS NULL),
    o AS (INSERT INTO offer (ticket_id, staff_id, expires_at, because, epoch)
      SELECT id, agent, expires::timestamptz, because, :epoch FROM t WHERE expires IS NOT NULL RETURNING id, ticket_id),
    m AS (INSERT INTO message (ticket_id, seq, direction, kind, visibility, author_kind, channel, inbox_id, body_text, line)
      SELECT t.id, message_seq, 'internal', 'line', 'public', 'system', t.channel, t.inbox_id, '',
        jsonb_build_object('key', 'assigned', 'params', jsonb_build_object('name', f.name))
      FROM t JOIN staff f ON f.id = t.agent WHERE expires IS NULL RETURNING id, ticket_id)
    INSERT INTO event (agency_id, ticket_id, seq, type, actor_kind, data, correlation)
    SELECT agency_id, id, seq, type, 'system', data, :correlation FROM (
      SELECT place, agency_id, id, event_seq - 1 AS seq, 'ticket.assigned' AS type,
        jsonb_build_object('staff', agent, 'queue', queue_id, 'channel', channel, 'because', because) AS data
        FROM t WHERE expires IS NULL
      UNION ALL SELECT place, agency_id, t.id, event_seq, 'line.added', jsonb_build_object('message', m.id, 'key', 'assigned')
        FROM t JOIN m ON m.ticket_id = t.id
      UNION ALL SELECT place, agency_id, t.id, event_seq, 'ticket.offered',
        jsonb_build_object('offer', o.id, 'staff', agent, 'expires', expires, 'because', because)
        FROM t JOIN o ON o.ticket_id = t.id) facts
    ORDER BY place, seq
    """
)


async def _write_down(tx: AsyncSession, epoch: int, wanted: Sequence[Claim]) -> None:
    """Assignment or offer, the end of the stay, the line in the thread and the facts, for all of them at once."""
    given = [claim.given for claim in wanted]
    expires = [None if g.expires is None else datetime.fromtimestamp(g.expires / 1000, UTC).isoformat() for g in given]
    await tx.execute(
        _WRITE_DOWN,
        {"tickets": [g.ticket for g in given], "agents": [g.agent for g in given], "epoch": epoch, "expires": expires,
         "becauses": [json.dumps(claim.because, default=str) for claim in wanted], "correlation": events.correlation.get()},
    )  # fmt: skip
    tx.info["wrote_events"] = True
    await agents.restate_all(tx, sorted({g.agent for g in given}))


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
