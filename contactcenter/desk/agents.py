"""Agents: what they want (intent), whether they are there (health), and the one state that follows."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from contactcenter import events
from contactcenter.models import Staff

GRACE_S, LOST_S = 10, 30
"""Seconds since the last heartbeat after which no new work is given, and after which the person is not there."""

AWAY_REASONS = ("break", "lunch", "meeting", "training", "other")
STATES = ("lost", "not_responding", "offline", "finishing", "away", "wrap_up", "full", "working", "ready")

_STATE = """CASE WHEN health = 'lost' AND live_items > 0 THEN 'lost'
  WHEN health = 'lost' THEN 'offline'
  WHEN intent = 'offline' AND live_items = 0 THEN 'offline'
  WHEN intent = 'away' AND away_reason = 'not_responding' THEN 'not_responding'
  WHEN intent <> 'available' AND live_items > 0 THEN 'finishing'
  WHEN intent = 'away' THEN 'away'
  WHEN primary_units + filler_units >= budget THEN 'full'
  WHEN primary_units + filler_units > 0 THEN 'working'
  ELSE 'ready' END"""
"""The nine states partition the agents; the first that fits counts."""

_RESTATE = text(
    f"""
    WITH me AS (SELECT s.*, (SELECT count(*) FROM ticket t WHERE t.owner_id = s.id AND t.status = 'assigned' AND NOT t.filler
        AND t.units > 0) AS live_items FROM staff s WHERE s.id = :staff FOR UPDATE OF s),
    new AS (SELECT id, agency_id, state AS before, state_since, {_STATE} AS after FROM me)
    UPDATE staff s SET state = new.after, state_since = clock_timestamp(), version = s.version + 1
    FROM new WHERE s.id = new.id AND new.after <> new.before
    RETURNING new.agency_id, new.before, new.after, new.state_since
    """  # noqa: S608 - a constant
)


_RESTATE_ALL = text(
    f"""
    WITH me AS (SELECT s.*, (SELECT count(*) FROM ticket t WHERE t.owner_id = s.id AND t.status = 'assigned' AND NOT t.filler
        AND t.units > 0) AS live_items FROM staff s WHERE s.id = ANY(:staff) FOR NO KEY UPDATE OF s),
    new AS (SELECT id, agency_id, state AS before, state_since, {_STATE} AS after FROM me),
    changed AS (UPDATE staff s SET state = new.after, state_since = clock_timestamp(), version = s.version + 1
    FROM new WHERE s.id = new.id AND new.after <> new.before
    RETURNING s.id, new.agency_id, new.before, new.after, new.state_since)
    INSERT INTO event (agency_id, type, actor_kind, data, correlation)
    SELECT agency_id, 'agent.state_changed', 'system', jsonb_build_object('staff', id, 'before', before, 'after', after,
      'since', state_since), :correlation FROM changed ORDER BY id
    """  # noqa: S608 - a constant
)


async def restate_all(tx: AsyncSession, staff_ids: list[int]) -> None:
    """`restate` for several agents, whose rows are locked already, in one statement."""
    await tx.execute(_RESTATE_ALL, {"staff": staff_ids, "correlation": events.correlation.get()})
    tx.info["wrote_events"] = True
    tx.info.setdefault("agents_changed", set()).update(staff_ids)


async def restate(tx: AsyncSession, staff_id: int, actor: events.Actor = events.DESK) -> None:
    """Derive the display state afresh; a change is a fact on the log. The nine states partition the agents."""
    row = (await tx.execute(_RESTATE, {"staff": staff_id})).one_or_none()
    if row is not None:
        await events.record_beside(
            tx, "agent.state_changed", row.agency_id, actor, staff=staff_id, before=row.before, after=row.after,
            since=row.state_since.isoformat(),
        )  # fmt: skip
    else:
        tx.info.setdefault("agents_changed", set()).add(staff_id)


async def set_intent(tx: AsyncSession, staff: Staff, intent: str, reason: str | None) -> None:
    """What the agent wants, at once. Going back to available forgets missed offers; away never takes work from anybody."""
    await tx.execute(
        text(
            "UPDATE staff SET intent = :intent, away_reason = :reason, next_intent = NULL, misses = 0, version = version + 1, "
            "idle_since = CASE WHEN :intent = 'available' AND intent <> 'available' THEN clock_timestamp() ELSE idle_since END, "
            "health = CASE WHEN seen_at > clock_timestamp() - make_interval(secs => :lost) THEN 'connected' ELSE health END "
            "WHERE id = :staff"
        ),
        {"intent": intent, "reason": reason if intent == "away" else None, "staff": staff.id, "lost": LOST_S},
    )
    actor = events.Actor("staff", staff.id)
    await events.record_beside(
        tx,
        "agent.intent_changed",
        staff.agency_id,
        actor,
        staff=staff.id,
        before=staff.intent,
        after=intent,
        why=reason,
    )
    await restate(tx, staff.id, actor)


async def end_skills(tx: AsyncSession) -> list[int]:
    """Skills whose last day is over where the agency is lapse; gives the people. They keep the work they have."""
    rows = await tx.execute(
        text(
            "UPDATE staff_skill h SET lapsed_at = clock_timestamp() FROM staff s, agency a, skill k "
            "WHERE s.id = h.staff_id AND a.id = s.agency_id AND k.id = h.skill_id AND h.lapsed_at IS NULL "
            "AND h.until < (clock_timestamp() AT TIME ZONE a.timezone)::date "
            "RETURNING s.id, s.agency_id, k.slug, h.level, h.until"
        )
    )
    lapsed = sorted(rows)
    for staff_id, agency_id, skill, level, until in lapsed:
        await events.record_beside(
            tx, "agent.skill_lapsed", agency_id, events.DESK,
            staff=staff_id, skill=skill, level=level, until=until.isoformat(),
        )  # fmt: skip
    people = sorted({row[0] for row in lapsed})
    await tx.execute(text("UPDATE staff SET version = version + 1 WHERE id = ANY(:ids)"), {"ids": people})
    return people


async def heartbeat(tx: AsyncSession, staff_ids: list[int]) -> None:
    """These people's consoles were heard of just now. Who was lost is connected again."""
    back = await tx.scalars(
        text(
            "UPDATE staff SET seen_at = clock_timestamp(), health = 'connected' FROM "
            "(SELECT id, health AS before FROM staff WHERE id = ANY(:ids) ORDER BY id FOR UPDATE) old "
            "WHERE staff.id = old.id RETURNING CASE WHEN old.before <> 'connected' THEN staff.id END"
        ),
        {"ids": staff_ids},
    )
    for staff_id in [staff_id for staff_id in back if staff_id is not None]:
        await restate(tx, staff_id)


async def find_lost(tx: AsyncSession) -> list[int]:
    """Mark those as lost whose last heartbeat is too old; gives them."""
    rows = await tx.scalars(
        text(
            "UPDATE staff SET health = 'lost', version = version + 1 WHERE health <> 'lost' AND "
            "(seen_at IS NULL OR seen_at < clock_timestamp() - make_interval(secs => :lost)) RETURNING id"
        ),
        {"lost": LOST_S},
    )
    lost = list(rows)
    for staff_id in lost:
        await restate(tx, staff_id)
    return lost
