"""The supervisor's board: reads the facts, lets ``figures`` count, and says how each figure is made."""

from collections import defaultdict
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from contactcenter.desk import agents
from contactcenter.desk.access import Scope
from contactcenter.desk.book import AgencyEntry, QueueEntry, open_book
from contactcenter.desk.figures import Counts, Stay, Target, reduce

DEFAULT_LIVE, DEFAULT_SLOW = Target(60, 80), Target(4 * 3600, 90)
Key = tuple[int, str]

FORMULAS = {
    "waiting": "Tickets in the queue now, those on offer included.",
    "on_offer": "Of the waiting tickets, those that an agent is being asked to take.",
    "oldest": "Now minus the entry of the ticket that has been in the queue longest.",
    "offered": "Tickets that entered the queue today; a transfer in counts again.",
    "answered": "Tickets a person took today.",
    "asa": "Average speed of answer: sum of waits / answered. Directly assigned work counts until the first human message.",
    "service_level": "Hits / (hits + misses). Hit: answered within T. Miss: not answered at T. Who left before T is excluded.",
    "abandoned": "Live visitors who left today before anybody answered, without those who left within the short limit.",
    "agents": "Each agent is in exactly one state; the states add up to all agents of the scope.",
}

_STAYS = text(
    """
    SELECT queue_id, channel, enter, leave, how, direct, answered_at FROM queue_stay
    WHERE queue_id = ANY(:queues) AND (leave IS NULL OR leave >= :since OR answered_at >= :since
      OR (direct AND how = 'answered' AND answered_at IS NULL AND leave > CAST(:since AS timestamptz) - interval '7 days')
      OR (enter >= CAST(:since AS timestamptz) - interval '2 days'))
    """
)


async def read(tx: AsyncSession, scope: Scope, now: datetime | None = None) -> dict[str, Any]:
    """The board of everything the scope sees, as of ``now`` (the database's clock by default)."""
    at: datetime = now or await tx.scalar(text("SELECT clock_timestamp()"))
    agency = (await open_book(tx)).agencies[scope.agency_id]
    queues = [q for q in agency.queues.values() if scope.role == "admin" or q.id in scope.queue_ids]
    ids = [q.id for q in queues]
    since = start_of_day(at, agency.row.timezone)
    today, half_hour = await _counts(tx, agency, ids, since, at)
    offered = await _on_offer(tx, ids)
    return {
        "pos": await tx.scalar(text("SELECT coalesce(max(pos), 0) FROM event")),
        "at": iso(at),
        "today_since": iso(since),
        "queues": [_queue(q, agency, today, half_hour, offered, at) for q in queues],
        "totals": _totals(today, half_hour, offered),
        "agents": await _agents(tx, scope),
        "formulas": FORMULAS,
    }


def start_of_day(at: datetime, zone: str) -> datetime:
    """The agency's last local midnight, in UTC."""
    local = ZoneInfo(zone)
    return datetime.combine(at.astimezone(local).date(), time(0), local).astimezone(UTC)


def target_of(queue: QueueEntry, channel: str, agency: AgencyEntry) -> Target:
    row = queue.targets.get(channel)
    if row is not None:
        return Target(row.threshold_s, row.target_pct, row.short_abandon_s)
    rule = agency.policy.channels.get(channel)
    return DEFAULT_LIVE if rule is not None and rule.offer_s is not None else DEFAULT_SLOW


async def _counts(
    tx: AsyncSession, agency: AgencyEntry, queue_ids: list[int], since: datetime, at: datetime
) -> tuple[dict[Key, Counts], dict[Key, Counts]]:
    stays: dict[Key, list[Stay]] = defaultdict(list)
    for row in await tx.execute(_STAYS, {"queues": queue_ids, "since": since}):
        stays[row.queue_id, row.channel].append(Stay(row.enter, row.leave, row.how, row.direct, row.answered_at))
    for queue_id in queue_ids:
        for channel in agency.policy.channels:
            stays.setdefault((queue_id, channel), [])
    targets = {key: target_of(agency.queues[key[0]], key[1], agency) for key in stays}
    today = {key: reduce(own, targets[key], since, at) for key, own in stays.items()}
    recent = at - timedelta(minutes=30)
    return today, {key: reduce(own, targets[key], recent, at) for key, own in stays.items()}


async def _on_offer(tx: AsyncSession, queue_ids: list[int]) -> dict[Key, int]:
    rows = await tx.execute(
        text(
            "SELECT queue_id, channel, count(*) FROM ticket WHERE status = 'offered' AND queue_id = ANY(:ids) GROUP BY 1, 2"
        ),
        {"ids": queue_ids},
    )
    return {(queue, channel): int(count) for queue, channel, count in rows}


def _queue(
    queue: QueueEntry, agency: AgencyEntry, today: dict[Key, Counts], recent: dict[Key, Counts], offered: dict[Key, int],
    at: datetime,
) -> dict[str, Any]:  # fmt: skip
    channels = []
    for name in agency.policy.channels:
        key, target = (queue.id, name), target_of(queue, name, agency)
        channels.append({"channel": name, **_cell(today[key], recent[key], offered.get(key, 0), target)})
    return {"slug": queue.row.slug, "name": queue.row.name, "open": queue.calendar.is_open(at), "channels": channels}


def _cell(today: Counts, recent: Counts, on_offer: int, target: Target | None = None) -> dict[str, Any]:
    level = {"hits": today.hits, "decisions": today.decisions, "pct": today.service_level(), "window": "today"}
    return {
        "waiting": today.waiting,
        "on_offer": on_offer,
        "oldest_since": iso(today.oldest) if today.oldest else None,
        "offered_today": today.offered,
        "answered_today": today.answered,
        "abandoned_today": today.abandoned,
        "asa_s": today.asa_s(),
        "sl": {
            **level,
            "target_pct": target.target_pct if target else None,
            "threshold_s": target.threshold_s if target else None,
        },
        "sl30": {"hits": recent.hits, "decisions": recent.decisions, "pct": recent.service_level()},
    }


def _totals(today: dict[Key, Counts], recent: dict[Key, Counts], offered: dict[Key, int]) -> dict[str, Any]:
    """Totals are made from counts and sums, never from percentages."""
    whole, half_hour = Counts(), Counts()
    for counts in today.values():
        whole.add(counts)
    for counts in recent.values():
        half_hour.add(counts)
    return _cell(whole, half_hour, sum(offered.values()))


_AGENTS = text(
    """
    SELECT s.id, s.name, s.state, s.state_since, s.intent, s.away_reason, s.primary_units, s.filler_units, s.budget,
      (SELECT jsonb_agg(jsonb_build_object('channel', c.channel, 'items', c.items, 'cap', c.cap) ORDER BY c.channel)
         FROM staff_channel c WHERE c.staff_id = s.id) AS items
    FROM staff s WHERE s.agency_id = :agency AND s.role = 'agent' AND s.disabled_at IS NULL
      AND (:all OR EXISTS (SELECT 1 FROM staff_queue q WHERE q.staff_id = s.id AND q.queue_id = ANY(:queues)))
    ORDER BY s.name
    """
)


async def _agents(tx: AsyncSession, scope: Scope) -> dict[str, Any]:
    rows = await tx.execute(
        _AGENTS, {"agency": scope.agency_id, "all": scope.role == "admin", "queues": list(scope.queue_ids)}
    )
    people = [
        {"id": r.id, "name": r.name, "state": r.state, "since": iso(r.state_since), "intent": r.intent,
         "away_reason": r.away_reason, "primary_units": r.primary_units, "filler_units": r.filler_units, "budget": r.budget,
         "items": r.items or []}
        for r in rows
    ]  # fmt: skip
    by_state = {state: sum(person["state"] == state for person in people) for state in agents.STATES}
    return {"by_state": by_state, "list": people}


def iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
