"""How our addresses do: when each was last looked at in full, what is wrong, how much waits, and who holds the watch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from channels import base
from contactcenter import events
from contactcenter.db import Database
from contactcenter.desk import inbox as desk_inbox
from contactcenter.desk.book import channel_inbox, open_book
from contactcenter.desk.kit import Kit
from contactcenter.errors import StoreAway
from contactcenter.models import Inbox

HOLD_S = 30
"""How long a watch is ours without being renewed, by the database's clock."""
SILENT_AFTER_S = 300

_REPORT = text(
    """
    INSERT INTO inbox_health AS h (inbox_id, ok_at, tried_at, problem, problem_since, backlog, token_until)
    VALUES (:inbox, CASE WHEN :problem = '' THEN clock_timestamp() END, clock_timestamp(), :problem,
      CASE WHEN :problem <> '' THEN clock_timestamp() END, CAST(:backlog AS bigint), CAST(:token_until AS timestamptz))
    ON CONFLICT (inbox_id) DO UPDATE SET tried_at = EXCLUDED.tried_at, ok_at = coalesce(EXCLUDED.ok_at, h.ok_at),
      problem = EXCLUDED.problem,
      problem_since = CASE WHEN EXCLUDED.problem <> '' THEN coalesce(h.problem_since, EXCLUDED.problem_since) END,
      backlog = coalesce(EXCLUDED.backlog, h.backlog), token_until = coalesce(EXCLUDED.token_until, h.token_until),
      silent_since = CASE WHEN EXCLUDED.problem = '' THEN NULL ELSE h.silent_since END
    RETURNING (SELECT o.silent_since FROM inbox_health o WHERE o.inbox_id = :inbox) AS was_silent
    """
)
_ROWS = text(
    """
    SELECT i.id, i.slug, i.channel, i.address, i.name, h.ok_at, h.tried_at, coalesce(h.problem, '') AS problem, h.problem_since,
      h.backlog, h.token_until, coalesce(h.gaps, 0) AS gaps, h.listed_until, h.silent_since, coalesce(w.unread, 0) AS unread,
      coalesce(w.unreadable, 0) AS unreadable, w.oldest
    FROM inbox i LEFT JOIN inbox_health h ON h.inbox_id = i.id
      LEFT JOIN (SELECT inbox_id, count(*) FILTER (WHERE state = 'new') AS unread,
          count(*) FILTER (WHERE state = 'failed') AS unreadable, min(received_at) FILTER (WHERE state = 'new') AS oldest
        FROM raw_event WHERE state <> 'done' GROUP BY inbox_id) w ON w.inbox_id = i.id
    WHERE i.agency_id = :agency ORDER BY i.channel, i.slug
    """
)
_HOLD = text(
    """
    INSERT INTO inbox_health AS h (inbox_id, holder, held_until)
    VALUES (:inbox, :holder, clock_timestamp() + make_interval(secs => :hold))
    ON CONFLICT (inbox_id) DO UPDATE SET holder = EXCLUDED.holder, held_until = EXCLUDED.held_until
      WHERE h.holder = EXCLUDED.holder OR h.held_until IS NULL OR h.held_until < clock_timestamp()
    RETURNING h.inbox_id
    """
)
_RELEASE = text("UPDATE inbox_health SET holder = NULL, held_until = NULL WHERE inbox_id = :inbox AND holder = :holder")
_MOVE_ON = text(
    "UPDATE inbox_health SET cursor = :cursor WHERE inbox_id = :inbox AND holder = :holder "
    "AND held_until > clock_timestamp() RETURNING inbox_id"
).bindparams(bindparam("cursor", type_=JSONB))
_SILENT = text(
    """
    INSERT INTO inbox_health AS h (inbox_id) VALUES (:inbox)
    ON CONFLICT (inbox_id) DO UPDATE SET silent_since = coalesce(h.ok_at, h.next_list_at)
      WHERE h.silent_since IS NULL AND coalesce(h.ok_at, h.next_list_at) < clock_timestamp() - make_interval(secs => :after)
    RETURNING h.silent_since, h.problem
    """
)


@dataclass(frozen=True, slots=True)
class State:
    """An inbox as a supervisor reads it. ``lag_s``: how long the oldest thing that we have not read yet has waited; ``backlog``:
    what the other side still keeps for us; ``unreadable``: what needs a look; ``watched``: we go and fetch there."""

    id: int
    slug: str
    channel: str
    address: str
    name: str
    watched: bool
    ok_at: datetime | None
    tried_at: datetime | None
    problem: str
    problem_since: datetime | None
    backlog: int | None
    token_until: datetime | None
    gaps: int
    listed_until: datetime | None
    silent_since: datetime | None
    unread: int
    unreadable: int
    lag_s: float


async def report(tx: AsyncSession, inbox_id: int, health: base.Health) -> None:
    """Write down how it goes. Without a problem it counts as a full look, and ends a silence that was told."""
    values = {"inbox": inbox_id, "problem": health.problem[:500], "backlog": health.backlog,
              "token_until": health.token_until}  # fmt: skip
    was_silent = (await tx.execute(_REPORT, values)).scalar_one()
    if was_silent is not None and not health.problem:
        box = (await open_book(tx)).inboxes[inbox_id]
        await events.record_beside(
            tx, "inbox.heard", box.agency_id, events.DESK, inbox=box.slug, channel=box.channel, since=was_silent
        )


async def of(tx: AsyncSession, kit: Kit, agency_id: int) -> list[State]:
    """Every inbox of an agency."""
    boxes = (await open_book(tx)).inboxes
    rows = (await tx.execute(_ROWS, {"agency": agency_id})).mappings().all()
    return [_state(kit, boxes.get(row["id"]), row) for row in rows]


def _state(kit: Kit, box: Inbox | None, row: Mapping[Any, Any]) -> State:
    values = {str(name): value for name, value in row.items() if name != "oldest"}
    lag = max(0.0, (kit.now() - row["oldest"]).total_seconds()) if row["oldest"] else 0.0
    return State(watched=box is not None and watched(kit, box), lag_s=lag, **values)


def watched(kit: Kit, box: Inbox) -> bool:
    """Whether it is for us to go and look in this inbox."""
    channel = kit.channels.get(box.channel)
    return channel is not None and channel.watches(channel_inbox(box))


async def watch_over(tx: AsyncSession, kit: Kit) -> None:
    """A chore: an inbox into which nobody has had a full look for five minutes is an alarm. Expired sign-ins raise no error."""
    for box in (await open_book(tx)).inboxes.values():
        if not watched(kit, box):
            continue
        row = (await tx.execute(_SILENT, {"inbox": box.id, "after": SILENT_AFTER_S})).one_or_none()
        if row is not None and row.silent_since is not None:
            await events.record_beside(
                tx, "inbox.silent", box.agency_id, events.DESK, inbox=box.slug, channel=box.channel, since=row.silent_since,
                why=row.problem,
            )  # fmt: skip


# --- the watch --------------------------------------------------------------------------------------------------------------


class WatchLost(base.ChannelError):
    """Somebody else holds the watch by now: what we have in hand is theirs to bring in."""


async def hold(tx: AsyncSession, inbox_id: int, holder: str) -> bool:
    """Take or renew the watch of an inbox. False while somebody else has it."""
    values = {"inbox": inbox_id, "holder": holder, "hold": HOLD_S}
    return (await tx.execute(_HOLD, values)).one_or_none() is not None


async def release(tx: AsyncSession, inbox_id: int, holder: str) -> None:
    """Let somebody else watch at once."""
    await tx.execute(_RELEASE, {"inbox": inbox_id, "holder": holder})


class Pigeonhole(base.Post):
    """What a watch is lent: where it stood, and a place for what it brings. Arrivals and cursor are kept together or not at all,
    and only by whoever holds the watch. ``told``: called after something was kept."""

    def __init__(self, database: Database, kit: Kit, box: Inbox, holder: str, told: Any = None) -> None:
        self._database, self._kit, self._box, self._holder, self._told = database, kit, box, holder, told

    async def cursor(self) -> Mapping[str, Any]:
        try:
            async with self._database.transaction() as tx:
                found = await tx.scalar(
                    text("SELECT cursor FROM inbox_health WHERE inbox_id = :inbox"), {"inbox": self._box.id}
                )
        except StoreAway as error:
            raise base.StoreAway(error.detail) from error
        return dict(found or {})

    async def keep(self, arrivals: Sequence[base.Arrival], cursor: Mapping[str, Any]) -> None:
        """Raises StoreAway, or WatchLost when the watch is not ours any more."""
        try:
            async with self._database.transaction() as tx:
                await self._move_on(tx, cursor)
                for arrival in arrivals:
                    await desk_inbox.store(tx, self._kit, raw_of(self._kit, self._box, arrival))
        except (StoreAway, OSError) as error:
            raise base.StoreAway(str(error)) from error
        if arrivals and self._told is not None:
            self._told()

    async def _move_on(self, tx: AsyncSession, cursor: Mapping[str, Any]) -> None:
        values = {"cursor": dict(cursor), "inbox": self._box.id, "holder": self._holder}
        if (await tx.execute(_MOVE_ON, values)).one_or_none() is None:
            raise WatchLost("another process watches this inbox by now")

    async def report(self, health: base.Health) -> None:
        try:
            async with self._database.transaction() as tx:
                await report(tx, self._box.id, health)
        except StoreAway as error:
            raise base.StoreAway(error.detail) from error


def raw_of(kit: Kit, box: Inbox, arrival: base.Arrival) -> base.Raw:
    """An arrival as a raw event of an inbox."""
    source = f"{box.channel}:{box.slug}"
    return base.Raw(source, arrival.source_key, channel_inbox(box), arrival.envelope, kit.now(), arrival.body)
