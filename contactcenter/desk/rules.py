"""The routing rules of an agency as data: read, checked, saved as a new revision, and turned into policy and plans."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

import routing
from contactcenter import events
from contactcenter.errors import Conflict, Refused
from contactcenter.models import RoutingRules, Staff

Level = Annotated[int, Field(ge=1, le=5)]
Seconds = Annotated[int, Field(ge=1, le=7 * 86_400)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ChannelRules(_Strict):
    """Weight in units of an agent's budget, items at a time, and how an item reaches an agent."""

    weight: int = Field(ge=1, le=100)
    cap: int = Field(ge=0, le=100)
    live: bool
    offer_s: int | None = Field(None, ge=5, le=600, description="Seconds to answer an offer; absent: assigned at once.")


class Relaxation(_Strict):
    """From `after_s` seconds of waiting on, these skills are asked for at a lower level; 0 drops the skill."""

    after_s: Seconds
    lower: dict[str, Annotated[int, Field(ge=0, le=5)]] = Field(min_length=1)


class Overflow(_Strict):
    """After so many seconds the agents of another queue see the ticket too; at once if nobody of its own is there."""

    queue: str
    after_s: Seconds


class QueueRules(_Strict):
    """How one queue routes. Times in seconds, weights in hundredths, shares in per cent."""

    strategy: Literal["spread", "longest_idle", "round_robin", "most_spare", "least_active", "manual"] = "spread"
    secondary_weight: int = Field(50, ge=20, le=100)
    reserve: int = Field(0, ge=0, le=50)
    guard_live_s: Seconds = 1_800
    guard_filler_s: Seconds = 86_400
    emergency_share: int = Field(10, ge=1, le=100)
    auto_accept: bool = False
    preferred: dict[str, Level] = Field(
        default_factory=dict, description="Skills that help; the first relaxation drops them."
    )
    preferred_live_s: Seconds = 30
    preferred_filler_s: Seconds = 1_800
    never_relax: list[str] = Field(default_factory=list)
    relax: list[Relaxation] = Field(default_factory=list, max_length=5)
    overflow: list[Overflow] = Field(default_factory=list, max_length=5)
    sticky_live_s: int = Field(20, ge=0, le=600)
    sticky_filler_s: int = Field(14_400, ge=0, le=86_400)


class Rules(_Strict):
    """The rules of the agency. `queues` holds what differs from the defaults, by queue slug."""

    channels: dict[str, ChannelRules]
    priority_minutes: tuple[int, int, int, int] = (0, 5, 15, 60)
    vulnerable_minutes: int = Field(10, ge=0, le=1_440)
    passed_over_s: int = Field(120, ge=1, le=3_600)
    queues: dict[str, QueueRules] = Field(default_factory=dict)

    def of(self, slug: str) -> QueueRules:
        return self.queues.get(slug, USUAL)


USUAL = QueueRules()


def read(data: Mapping[str, Any]) -> Rules:
    """Rules from JSON. Raises Refused with a sentence that names the entry."""
    try:
        return Rules.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Refused(f"Rule {where}: {first['msg']}.", slug="bad-rule") from None


def usual(channels: Mapping[str, Any]) -> Rules:
    """The rules of an agency that has saved none: its channels and the defaults."""
    return Rules(channels={name: ChannelRules(**rule) for name, rule in channels.items() if isinstance(rule, dict)})


def policy_of(rules: Rules, revision: int, queue_ids: Mapping[str, int]) -> routing.Policy:
    """The engine's policy; a queue's pool carries the queue's id."""
    minutes = rules.priority_minutes
    return routing.Policy(
        revision=revision,
        channels={
            name: routing.ChannelRule(rule.weight, rule.cap, rule.live, rule.offer_s)
            for name, rule in rules.channels.items()
        },
        bonus_ms=(minutes[0] * 60_000, minutes[1] * 60_000, minutes[2] * 60_000, minutes[3] * 60_000),
        flag_bonus_ms=rules.vulnerable_minutes * 60_000,
        excluded_s=rules.passed_over_s,
        pools={queue_ids[slug]: _pool_rule(one) for slug, one in sorted(rules.queues.items()) if slug in queue_ids},
    )


def _pool_rule(one: QueueRules) -> routing.PoolRule:
    return routing.PoolRule(
        strategy=one.strategy, secondary_weight=one.secondary_weight, reserve=one.reserve, guard_live_s=one.guard_live_s,
        guard_filler_s=one.guard_filler_s, emergency_share=one.emergency_share, auto_accept=one.auto_accept,
    )  # fmt: skip


# ---- plans


Skills = tuple[tuple[int, int], ...]


@lru_cache(maxsize=4_096)
def _plan(
    channel: str, pool: int, rings: tuple[tuple[int, Skills], ...], overflow: Skills, emergency: bool
) -> routing.Plan:
    return routing.Plan(
        tuple(
            routing.Ring(routing.Signature(channel, pool, tuple(routing.Req(*req) for req in reqs), emergency), after_s)
            for after_s, reqs in rings
        ),
        overflow,
    )


def plan_of(
    one: QueueRules,
    *,
    channel: str,
    live: bool,
    queue: int,
    skills: Iterable[Iterable[int]],
    skill_ids: Mapping[str, int],
    queue_ids: Mapping[str, int],
    emergency: bool = False,
) -> routing.Plan:
    """The rings of a ticket that requires `skills` ((id, level), ...) in a queue with these rules.

    The first ring adds what is preferred; the first later one drops it. Raises ValueError for a relaxation that asks for
    more than the ring before it. Equal plans are one object.
    """
    required = {int(skill): int(level) for skill, level in skills}
    strict = dict(required)
    for slug, level in one.preferred.items():
        strict[skill_ids[slug]] = max(level, strict.get(skill_ids[slug], 0))
    rings: list[tuple[int, Skills]] = [(0, _sorted(strict))]
    steps = [(step.after_s, {skill_ids[slug]: level for slug, level in step.lower.items()}) for step in one.relax]
    if strict != required:
        preferred_s = one.preferred_live_s if live else one.preferred_filler_s
        if not steps or preferred_s < steps[0][0]:
            steps = [(preferred_s, {}), *steps]
    asked = dict(required)
    for after_s, lower in steps:
        asked = {skill: min(level, lower.get(skill, level)) for skill, level in asked.items()}
        asked = {skill: level for skill, level in asked.items() if level}
        if _sorted(asked) != rings[-1][1]:
            rings.append((after_s, _sorted(asked)))
    overflow = tuple((queue_ids[further.queue], further.after_s) for further in one.overflow)
    return _plan(channel, queue, tuple(rings), overflow, emergency)


def _sorted(skills: Mapping[int, int]) -> Skills:
    return tuple(sorted(skills.items()))


# ---- checked and saved


class Known(BaseModel):
    """What rules may name: queue and skill ids by slug, and who has which skill in which queue's pool."""

    queues: dict[str, int]
    skills: dict[str, int]
    needs: dict[str, dict[str, int]]
    """Per queue slug the skills every ticket of it requires, with the level."""
    levels: dict[str, dict[str, int]]
    """Per queue slug the highest level of each skill in its pool."""


def check(rules: Rules, known: Known) -> None:
    """Refuse rules that name what does not exist, grow stricter, ask for what nobody has, or send tickets in a circle."""
    for slug, one in rules.queues.items():
        if slug not in known.queues:
            raise _bad(f"There is no queue {slug!r}.")
        _check_names(slug, one, known)
        _check_relaxations(slug, one, known.needs.get(slug, {}))
        for skill, level in one.preferred.items():
            if known.levels.get(slug, {}).get(skill, 0) < level:
                raise _bad(f"Queue {slug} prefers {skill} {level}, but nobody in it has that.")
    _check_circles(rules)


def _check_names(slug: str, one: QueueRules, known: Known) -> None:
    named = [*one.preferred, *one.never_relax, *(skill for step in one.relax for skill in step.lower)]
    for skill in named:
        if skill not in known.skills:
            raise _bad(f"Queue {slug}: there is no skill {skill!r}.")
    for further in one.overflow:
        if further.queue not in known.queues:
            raise _bad(f"Queue {slug} overflows to {further.queue!r}, which does not exist.")


def _check_relaxations(slug: str, one: QueueRules, needs: Mapping[str, int]) -> None:
    levels, before = dict(needs), 0
    for number, step in enumerate(one.relax, start=1):
        if step.after_s <= before:
            raise _bad(f"Queue {slug}, relaxation {number} must come later than {before} s.")
        before = step.after_s
        for skill, level in step.lower.items():
            if skill in one.never_relax:
                raise _bad(f"Queue {slug}, relaxation {number} lowers {skill}, which must never be relaxed.")
            if skill in levels and level > levels[skill]:
                raise _bad(
                    f"Queue {slug}, relaxation {number} asks for {skill} {level}, more than {levels[skill]} before it."
                )
            levels[skill] = level


def _check_circles(rules: Rules) -> None:
    """A queue may take from many, but following overflow from queue to queue must come to an end."""
    further = {slug: [one.queue for one in queue.overflow] for slug, queue in rules.queues.items()}

    def walk(slug: str, path: tuple[str, ...]) -> None:
        if slug in path:
            circle = " to ".join((*path[path.index(slug) :], slug))
            raise _bad(f"Overflow goes in a circle: {circle}.")
        for following in further.get(slug, []):
            walk(following, (*path, slug))

    for slug in sorted(further):
        walk(slug, ())


def _bad(sentence: str) -> Refused:
    return Refused(sentence, slug="bad-rule")


async def known_of(tx: AsyncSession, agency_id: int) -> Known:
    """What the agency's rules may name, read from its rows."""
    queues = await tx.execute(text("SELECT slug, id FROM queue WHERE agency_id = :a"), {"a": agency_id})
    skills = await tx.execute(text("SELECT slug, id FROM skill WHERE agency_id = :a"), {"a": agency_id})
    needs = await tx.execute(_NEEDS, {"a": agency_id})
    levels = await tx.execute(_LEVELS, {"a": agency_id})
    known = Known(
        queues={slug: id_ for slug, id_ in queues}, skills={slug: id_ for slug, id_ in skills}, needs={}, levels={}
    )
    for rows, into in ((needs, known.needs), (levels, known.levels)):
        for queue, skill, level in rows:
            into.setdefault(queue, {})[skill] = level
    return known


_NEEDS = text(
    "SELECT q.slug, k.slug, n.min_level FROM queue_skill n JOIN queue q ON q.id = n.queue_id JOIN skill k ON k.id = n.skill_id "
    "WHERE q.agency_id = :a"
)
_LEVELS = text(
    "SELECT q.slug, k.slug, max(h.level) FROM staff_queue m JOIN queue q ON q.id = m.queue_id "
    "JOIN staff s ON s.id = m.staff_id AND s.role = 'agent' AND s.disabled_at IS NULL "
    "JOIN staff_skill h ON h.staff_id = m.staff_id AND h.lapsed_at IS NULL "
    "JOIN skill k ON k.id = h.skill_id WHERE q.agency_id = :a GROUP BY 1, 2"
)


async def save(tx: AsyncSession, staff: Staff, rules: Rules, why: str, base: int) -> int:
    """Write a new revision on top of `base` and give its number. Raises Refused for bad rules, Conflict when somebody was
    faster."""
    check(rules, await known_of(tx, staff.agency_id))
    await tx.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended('rules', :agency))"), {"agency": staff.agency_id}
    )
    current = await newest(tx, staff.agency_id)
    if current != base:
        raise Conflict(
            f"The rules are at revision {current} by now, not {base}.", slug="rules-changed", revision=current
        )
    tx.add(
        RoutingRules(
            agency_id=staff.agency_id,
            revision=current + 1,
            rules=rules.model_dump(mode="json"),
            why=why,
            made_by=staff.id,
        )
    )
    await tx.flush()
    await events.record_beside(
        tx, "routing.rules_changed", staff.agency_id, events.Actor("staff", staff.id), revision=current + 1, why=why
    )
    return current + 1


async def newest(tx: AsyncSession, agency_id: int) -> int:
    """The number of the revision in force; 1 stands for the defaults."""
    number = await tx.scalar(select(func.max(RoutingRules.revision)).where(RoutingRules.agency_id == agency_id))
    return int(number or 1)
