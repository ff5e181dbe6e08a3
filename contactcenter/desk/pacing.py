"""How fast a sender may send where each part of a message costs: a bucket that fills by its rate, and a count of the day.

The worker lets deliveries go (``release``), never the desk's own transactions: a sender's bucket is one row, and nobody who
answers a citizen waits for a lock on it. Answers first, then the desk's own words, then what goes to many; within these the
ticket that had its turn longest ago. Nothing is overtaken by something smaller.

Our own rule for a message of more parts than the bucket holds: it goes when the bucket is full, which then owes the rest. So no
window sees more parts than its length times the rate, and the bucket or that one message on top.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from channels.base import Channel, ChannelError, Outbound
from contactcenter import events
from contactcenter.desk import refusals
from contactcenter.desk.book import open_book
from contactcenter.desk.outbox import BEFORE_IT

log = structlog.get_logger()

RATE, BURST = 1.0, 3.0
"""Parts a second of an ordinary long number, and how many may leave at once after a rest."""
AT_ONCE = 100
RECOVERY_S, SLOWEST = 60, 1 / 16
"""Each throttling halves a sender's rate, each minute without one doubles it again."""
PATIENCE_S = 60
"""After so long the desk's own words count as an answer: they come late, but they come."""
SETTLES_S = 3
"""Parts of a long message reach a phone one by one; the next message waits for the report of it, so long at most."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What an inbox's settings allow: ``parts_per_second``, ``burst`` and, where there is a cap, ``parts_per_day``."""

    rate: float = RATE
    burst: float = BURST
    day: int | None = None


def budget_of(config: Mapping[str, Any]) -> Budget:
    """From an inbox's settings; what cannot be read as a positive number is the default."""
    day = _positive(config.get("parts_per_day"), 0.0)
    burst = max(1.0, _positive(config.get("burst"), BURST))
    return Budget(_positive(config.get("parts_per_second"), RATE), burst, int(day) or None)


def _positive(value: Any, otherwise: float) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return otherwise
    return number if 0 < number < 1e6 else otherwise


def parts_of(channel: Channel, outbound: Outbound) -> int:
    """What a message costs of the budget."""
    try:
        return max(1, channel.measure(outbound).parts)
    except ChannelError:
        return 1  # too long for the channel: the send will say so


# --- letting go -------------------------------------------------------------------------------------------------------

_LOCK = """
    SELECT tokens, extract(epoch FROM clock_timestamp() - filled_at)::float AS since, clock_timestamp() AS now, day, sent_today,
      slowed, extract(epoch FROM clock_timestamp() - slowed_at)::float AS slowed_for,
      (clock_timestamp() AT TIME ZONE CAST(:zone AS text))::date AS today, stopped_until
    FROM sender_pace WHERE inbox_id = :inbox FOR UPDATE
"""
_OPEN = text(
    "INSERT INTO sender_pace (inbox_id, tokens, day) VALUES (:inbox, :burst, (clock_timestamp() AT TIME ZONE "
    "CAST(:zone AS text))::date) ON CONFLICT DO NOTHING"
)
_OVERDUE = text(
    "UPDATE delivery SET released_at = clock_timestamp() WHERE inbox_id = :inbox AND state = 'queued' AND released_at IS NULL "
    "AND deadline < clock_timestamp() RETURNING id"
)
_NEXT = text(
    f"""
    WITH waiting AS MATERIALIZED (
      SELECT d.id, d.ticket_id, d.endpoint_id, d.channel, d.parts, d.proactive, d.lane FROM delivery d
      WHERE d.inbox_id = :inbox AND d.state = 'queued' AND d.released_at IS NULL AND d.due_at <= clock_timestamp()
      ORDER BY d.lane, d.id LIMIT 1000),
    late AS (
      SELECT w.id FROM waiting w JOIN delivery d ON d.id = w.id
      WHERE w.lane = 1 AND d.due_at < clock_timestamp() - make_interval(secs => :patience)),
    heads AS (
      SELECT DISTINCT ON (d.ticket_id) d.id, d.ticket_id, d.parts,
        CASE WHEN d.id IN (SELECT id FROM late) THEN 0 ELSE d.lane END AS lane
      FROM waiting d WHERE NOT EXISTS ({BEFORE_IT})
        AND NOT EXISTS (SELECT 1 FROM delivery s WHERE s.ticket_id = d.ticket_id AND s.endpoint_id = d.endpoint_id AND s.parts > 1
          AND s.state = 'sent' AND s.handed_at > clock_timestamp() - make_interval(secs => :settles))
      ORDER BY d.ticket_id, d.lane, d.id)
    SELECT h.id, h.parts FROM heads h
    ORDER BY h.lane, (SELECT max(r.released_at) FROM delivery r WHERE r.ticket_id = h.ticket_id) NULLS FIRST, h.id LIMIT :limit
    """  # noqa: S608 - a constant
)
_UNDERWAY = text(
    "SELECT coalesce(sum(parts), 0)::float FROM delivery WHERE inbox_id = :inbox AND state = 'queued' AND released_at IS NOT NULL "
    "AND deadline > clock_timestamp()"
)
_RELEASE = text(
    "UPDATE delivery SET released_at = clock_timestamp(), rung_at = clock_timestamp(), error_kind = NULL, error_code = NULL, "
    "error_text = NULL WHERE id = ANY(:ids) AND state = 'queued'"
)
_SPEND = text(
    "UPDATE sender_pace SET tokens = :tokens, filled_at = :now, day = :today, sent_today = :sent WHERE inbox_id = :inbox"
)


async def release_waiting(tx: AsyncSession, *, wait: bool = True) -> list[int]:
    """Let go of what may leave now, for every sender for whom something waits. ``wait`` False: not where somebody is at it."""
    waiting = await tx.scalars(
        text(
            "SELECT DISTINCT inbox_id FROM delivery WHERE state = 'queued' AND released_at IS NULL AND inbox_id IS NOT NULL "
            "AND due_at <= clock_timestamp() ORDER BY 1"
        )
    )
    return [one for inbox_id in list(waiting) for one in await release(tx, inbox_id, wait=wait)]


async def release(tx: AsyncSession, inbox_id: int, *, wait: bool = True) -> list[int]:
    """Spend what the sender's bucket holds on those whose turn it is; gives their ids. Takes the row lock of the bucket."""
    book = await open_book(tx)
    inbox = book.inboxes[inbox_id]
    zone = book.agencies[inbox.agency_id].row.timezone
    budget = budget_of(inbox.config)
    pace = await _locked(tx, inbox_id, budget, zone, wait)
    if pace is None:
        return []
    late = list(await tx.scalars(_OVERDUE, {"inbox": inbox_id}))  # these fail when they are claimed, and cost nothing
    if pace.stopped_until is not None and pace.stopped_until > pace.now:
        return late
    purse = Purse.of(budget, pace)
    if purse.tokens < 1:
        return late
    return late + await _let_go(tx, inbox_id, zone, purse, pace.now)


async def _locked(tx: AsyncSession, inbox_id: int, budget: Budget, zone: str, wait: bool) -> Any:
    query = text(_LOCK + ("" if wait else " SKIP LOCKED"))
    row = (await tx.execute(query, {"inbox": inbox_id, "zone": zone})).one_or_none()
    if row is None:
        await tx.execute(_OPEN, {"inbox": inbox_id, "burst": budget.burst, "zone": zone})
        row = (await tx.execute(query, {"inbox": inbox_id, "zone": zone})).one_or_none()
    return row


@dataclass(slots=True)
class Purse:
    """What may be spent now: parts in the bucket and parts of the day."""

    budget: Budget
    tokens: float
    today: date
    sent: int
    capped: bool = False

    @classmethod
    def of(cls, budget: Budget, pace: Any) -> "Purse":
        share = min(1.0, pace.slowed * 2 ** (max(pace.slowed_for, 0.0) / RECOVERY_S))
        filled = min(budget.burst, pace.tokens + max(pace.since, 0.0) * budget.rate * share)
        return cls(budget, filled, pace.today, pace.sent_today if pace.day == pace.today else 0)

    def pay(self, parts: int) -> bool:
        """Take the price of a message, if it is there."""
        if self.tokens < min(parts, self.budget.burst):
            return False
        if self.budget.day is not None and self.sent and self.sent + parts > self.budget.day:
            self.capped = True
            return False
        self.tokens -= parts
        self.sent += parts
        return True


async def _let_go(tx: AsyncSession, inbox_id: int, zone: str, purse: Purse, now: datetime) -> list[int]:
    """What was let go and has not left yet counts as well: nothing piles up while the provider is slow."""
    underway = await tx.scalar(_UNDERWAY, {"inbox": inbox_id}) or 0.0
    values = {"inbox": inbox_id, "patience": PATIENCE_S, "settles": SETTLES_S, "limit": AT_ONCE}
    chosen: list[int] = []
    for row in (await tx.execute(_NEXT, values)).all():
        if (underway and underway + row.parts > purse.budget.burst) or not purse.pay(row.parts):
            break
        underway += row.parts
        chosen.append(row.id)
    if chosen:
        await tx.execute(_RELEASE, {"ids": chosen})
        await tx.execute(
            _SPEND,
            {"inbox": inbox_id, "tokens": purse.tokens, "now": now, "today": purse.today, "sent": purse.sent},
        )
    if purse.capped:
        await _say_capped(tx, inbox_id, zone, purse)
    return chosen


async def waits_for(tx: AsyncSession, delivery_id: int) -> int | None:
    """The sender for whose turn a delivery waits; None where it does not."""
    found: int | None = await tx.scalar(
        text(
            "SELECT inbox_id FROM delivery WHERE id = :id AND state = 'queued' AND released_at IS NULL AND due_at <= clock_timestamp()"
        ),
        {"id": delivery_id},
    )
    return found


# --- slower, and no more today ----------------------------------------------------------------------------------------


async def slow(tx: AsyncSession, inbox_id: int) -> None:
    """The provider asked for less: half the rate from now on, and an empty bucket."""
    await tx.execute(
        text(
            "UPDATE sender_pace SET slowed = greatest(:slowest, least(1, slowed * power(2, "
            "extract(epoch FROM clock_timestamp() - slowed_at)::float / :recovery)) / 2), slowed_at = clock_timestamp(), "
            "tokens = least(tokens, 0), filled_at = clock_timestamp() WHERE inbox_id = :inbox"
        ),
        {"inbox": inbox_id, "slowest": SLOWEST, "recovery": float(RECOVERY_S)},
    )
    log.info("sender_slowed", inbox=inbox_id)


_CAPPED = "The sender has sent what it may send in a day. This goes out tomorrow."
_MARK_CAPPED = text(
    """
    UPDATE delivery SET error_kind = 'throttled', error_text = :words,
      deadline = greatest(deadline, (date_trunc('day', clock_timestamp() AT TIME ZONE CAST(:zone AS text)) + interval '28 hours')
        AT TIME ZONE CAST(:zone AS text))
    WHERE id IN (SELECT id FROM delivery WHERE inbox_id = :inbox AND state = 'queued' AND released_at IS NULL
      AND error_text IS DISTINCT FROM :words ORDER BY lane, id LIMIT 200 FOR UPDATE SKIP LOCKED)
    RETURNING ticket_id, message_id, lane
    """
)


async def _say_capped(tx: AsyncSession, inbox_id: int, zone: str, purse: Purse) -> None:
    """The reason stands at whatever waits, with time until tomorrow; once a day it is a fact on the log."""
    marked = await tx.execute(_MARK_CAPPED, {"inbox": inbox_id, "zone": zone, "words": _CAPPED})
    for ticket_id, message_id, lane in sorted(marked.all(), key=lambda row: (row[0], str(row[1]))):
        if lane < 2:
            await refusals.tell(tx, ticket_id, message_id, "queued", _CAPPED)
    inbox = (await open_book(tx)).inboxes[inbox_id]
    known = {"agency": inbox.agency_id, "inbox": str(inbox_id), "day": purse.today.isoformat()}
    told = await tx.scalar(
        text(
            "SELECT true FROM event WHERE agency_id = :agency AND type = 'sender.capped' AND data->>'inbox' = :inbox "
            "AND data->>'day' = :day LIMIT 1"
        ),
        known,
    )
    if not told:
        await events.record_beside(
            tx, "sender.capped", inbox.agency_id, events.DESK, inbox=inbox_id, day=purse.today, parts=purse.budget.day
        )
