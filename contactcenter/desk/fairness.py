"""The fairness ledger: who had the idle time and who the hard work, who waited longest, over a period. All from the log."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

ON_DUTY = frozenset({"ready", "working", "full"})
IDLE = "ready"


@dataclass(frozen=True, slots=True)
class Share:
    """One agent: seconds on duty and idle, tickets given, and those among them that came relaxed, by overflow or by override."""

    staff_id: int
    name: str
    pool: int | None
    on_duty_s: float
    idle_s: float
    given: int
    hard: int
    interrupted: int

    @property
    def idle_share(self) -> float | None:
        return self.idle_s / self.on_duty_s if self.on_duty_s else None


def jain(values: Sequence[float]) -> float | None:
    """Jain's index of fairness: 1 when all are equal, 1/n when one has everything (Jain, Chiu and Hawe, 1984)."""
    total = sum(values)
    return total * total / (len(values) * sum(value * value for value in values)) if total else None


def times(changes: Iterable[tuple[datetime, str, str]], since: datetime, until: datetime) -> tuple[float, float]:
    """Seconds on duty and idle in [since, until) from one agent's changes (when, before, after), oldest first.

    The state at `since` is the `before` of the first change in the period; with none in it nothing is known: 0, 0.
    """
    on_duty = idle = 0.0
    at, state = since, None
    for when, before, after in [*changes, (until, "", "")]:
        state = before if state is None else state
        seconds = (when - at).total_seconds()
        on_duty += seconds if state in ON_DUTY else 0
        idle += seconds if state == IDLE else 0
        at, state = when, after
    return on_duty, idle


async def ledger(tx: AsyncSession, agency_id: int, now: datetime, hours: int) -> dict[str, Any]:
    """Idle time and work per agent, Jain's index per pool, waits per language and channel."""
    since = now - timedelta(hours=hours)
    shares = await _shares(tx, agency_id, since, now)
    pools: dict[int, list[float]] = {}
    for share in shares:
        if share.pool is not None and share.idle_share is not None:
            pools.setdefault(share.pool, []).append(share.idle_share)
    return {"since": since, "agents": shares, "pools": {pool: jain(idle) for pool, idle in sorted(pools.items())},
            "waits": await _waits(tx, agency_id, since)}  # fmt: skip


async def _shares(tx: AsyncSession, agency_id: int, since: datetime, now: datetime) -> list[Share]:
    values = {"agency": agency_id, "since": since}
    changes: dict[int, list[tuple[datetime, str, str]]] = {}
    for row in await tx.execute(_CHANGES, values):
        changes.setdefault(row.staff, []).append((row.at, row.before, row.after))
    shares = []
    for row in await tx.execute(_GIVEN, values):
        on_duty, idle = times(changes.get(row.id, ()), since, now)
        shares.append(Share(row.id, row.name, row.pool, on_duty, idle, row.given, row.hard, row.interrupted))
    return shares


async def _waits(tx: AsyncSession, agency_id: int, since: datetime) -> list[Mapping[str, Any]]:
    rows = await tx.execute(_WAITS, {"agency": agency_id, "since": since})
    return [dict(row._mapping) for row in rows]


_CHANGES = text(
    "SELECT (data->>'staff')::bigint AS staff, at, data->>'before' AS before, data->>'after' AS after FROM event "
    "WHERE agency_id = :agency AND type = 'agent.state_changed' AND at >= :since ORDER BY id"
)
_GIVEN = text(
    """
    SELECT s.id, s.name, (SELECT min(q.queue_id) FROM staff_queue q WHERE q.staff_id = s.id AND q.home) AS pool,
      count(a.id) AS given,
      count(a.id) FILTER (WHERE coalesce((a.because->>'ring')::int, 0) > 0 OR a.because->>'rule' IN ('override', 'emergency')
        OR NOT EXISTS (SELECT 1 FROM staff_queue q WHERE q.staff_id = s.id AND q.queue_id = a.queue_id AND q.home)) AS hard,
      count(a.id) FILTER (WHERE EXISTS (SELECT 1 FROM assignment b WHERE b.staff_id = a.staff_id AND b.started_at < a.started_at
        AND coalesce(b.ended_at, 'infinity') > a.started_at)) AS interrupted
    FROM staff s LEFT JOIN assignment a ON a.staff_id = s.id AND a.started_at >= :since
    WHERE s.agency_id = :agency AND s.role = 'agent' AND s.disabled_at IS NULL GROUP BY s.id, s.name ORDER BY s.name
    """
)
_WAITS = text(
    """
    SELECT t.language, q.channel, count(*) AS tickets,
      avg(extract(epoch FROM q.leave - q.enter))::float AS mean_s,
      percentile_cont(0.9) WITHIN GROUP (ORDER BY extract(epoch FROM q.leave - q.enter))::float AS p90_s
    FROM queue_stay q JOIN ticket t ON t.id = q.ticket_id
    WHERE t.agency_id = :agency AND q.how = 'answered' AND q.leave >= :since GROUP BY 1, 2 ORDER BY 1, 2
    """
)
