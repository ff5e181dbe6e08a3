"""Expected waits as the router last told them, and how well they have held."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

STALE_S = 30
"""What is older than this is not shown: no router leads, or it has better things to do."""


class Telling(NamedTuple):
    """Seconds from now for half and for nine of ten, and what they rest on."""

    ticket: int
    p50_s: int
    p90_s: int
    basis: str


class Coverage(NamedTuple):
    """The share of waits that stayed below the 90 % mark told at that hour of the day: 0.9 is right."""

    channel: str
    hour: int
    share: float


async def tell(tx: AsyncSession, agency_id: int, told: Sequence[Telling]) -> None:
    """Replace what was told before."""
    await tx.execute(
        text(
            "DELETE FROM expected_wait w USING ticket t WHERE t.id = w.ticket_id AND t.agency_id = :agency "
            "AND (t.status <> 'queued' OR NOT w.ticket_id = ANY(:ids))"
        ),
        {"agency": agency_id, "ids": [one.ticket for one in told]},
    )
    if told:
        await tx.execute(
            text(
                "INSERT INTO expected_wait (ticket_id, p50_s, p90_s, basis) SELECT * FROM unnest(CAST(:tickets AS bigint[]), "
                "CAST(:p50 AS bigint[]), CAST(:p90 AS bigint[]), CAST(:basis AS text[])) ON CONFLICT (ticket_id) DO UPDATE SET "
                "p50_s = excluded.p50_s, p90_s = excluded.p90_s, basis = excluded.basis, told_at = clock_timestamp()"
            ),
            {"tickets": [one.ticket for one in told], "p50": [one.p50_s for one in told],
             "p90": [one.p90_s for one in told], "basis": [one.basis for one in told]},
        )  # fmt: skip


async def calibrate(tx: AsyncSession, agency_id: int, coverage: Sequence[Coverage]) -> None:
    if coverage:
        await tx.execute(
            text(
                "INSERT INTO expected_coverage (agency_id, channel, hour, share) VALUES (:agency, :channel, :hour, :share) "
                "ON CONFLICT (agency_id, channel, hour) DO UPDATE SET share = excluded.share, told_at = clock_timestamp()"
            ),
            [{"agency": agency_id, **one._asdict()} for one in coverage],
        )


async def keep(tx: AsyncSession, agency_id: int, learned: Mapping[str, Mapping[str, Any]]) -> None:
    """What the router has learned about its estimates, by channel, for whoever leads next."""
    for channel, what in learned.items():
        await tx.execute(
            text(
                "INSERT INTO expected_learned (agency_id, channel, learned) VALUES (:agency, :channel, CAST(:learned AS jsonb)) "
                "ON CONFLICT (agency_id, channel) DO UPDATE SET learned = excluded.learned, told_at = clock_timestamp()"
            ),
            {"agency": agency_id, "channel": channel, "learned": json.dumps(what)},
        )


async def learned(tx: AsyncSession) -> dict[int, dict[str, Any]]:
    """By agency and channel."""
    found: dict[int, dict[str, Any]] = {}
    for row in await tx.execute(text("SELECT agency_id, channel, learned FROM expected_learned")):
        found.setdefault(row.agency_id, {})[row.channel] = row.learned
    return found


async def handling_ms(tx: AsyncSession, agency_id: int) -> dict[str, float]:
    """Mean time from assignment to its end per channel, over a week."""
    rows = await tx.execute(
        text(
            "SELECT a.channel, avg(extract(epoch FROM a.ended_at - a.started_at)) * 1000 AS ms FROM assignment a "
            "JOIN queue q ON q.id = a.queue_id WHERE q.agency_id = :agency AND a.ended_at > clock_timestamp() - interval '7 days' "
            "GROUP BY a.channel"
        ),
        {"agency": agency_id},
    )
    return {row.channel: float(row.ms) for row in rows}


async def of(tx: AsyncSession, ticket_id: int) -> Any | None:
    """What the ticket may expect; None when nothing recent was told."""
    return (
        await tx.execute(
            text(
                "SELECT p50_s, p90_s, basis FROM expected_wait WHERE ticket_id = :id "
                "AND told_at > clock_timestamp() - make_interval(secs => :stale)"
            ),
            {"id": ticket_id, "stale": STALE_S},
        )
    ).one_or_none()


async def calibration(tx: AsyncSession, agency_id: int) -> list[Any]:
    rows = await tx.execute(
        text(
            "SELECT channel, hour, share, told_at FROM expected_coverage WHERE agency_id = :agency ORDER BY channel, hour"
        ),
        {"agency": agency_id},
    )
    return list(rows)
