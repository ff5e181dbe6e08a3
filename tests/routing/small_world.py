"""The small agency before the day begins: rules, plans and people, drawn by chance."""

from collections.abc import Iterable, Sequence
from random import Random
from typing import Any, Protocol, TypeVar

from routing import (
    Agent,
    ChannelRule,
    Plan,
    Policy,
    PoolRule,
    Req,
    Ring,
    Signature,
)

SECOND = 1000
MOST_AGENTS = 6
CHANNELS, SKILLS, POOLS = ("chat", "sms", "email"), (1, 2, 3, 4), (1, 2)
T = TypeVar("T")


class Draw(Protocol):
    """Where chance comes from: a seed, or hypothesis."""

    def choose(self, some: Sequence[T]) -> T: ...

    def between(self, least: int, most: int) -> int: ...


class Seeded:
    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self.choose = self._random.choice
        self.between = self._random.randint


def once_in(draw: Draw, times: int) -> bool:
    return draw.between(1, times) == 1


def some_of(draw: Draw, some: Iterable[T], least: int = 0) -> tuple[T, ...]:
    left, taken = list(some), []
    for _ in range(draw.between(least, len(left))):
        taken.append(draw.choose(left))
        left.remove(taken[-1])
    return tuple(sorted(taken))  # type: ignore[type-var]  # numbers or words


# ---- rules


def a_policy(draw: Draw, revision: int = 1) -> Policy:
    """All teams choose agents alike, but one may leave the picking to its agents."""
    strategy: Any = draw.choose(["spread"] * 4 + ["longest_idle", "round_robin", "most_spare", "least_active"])
    pools = {pool: a_rule(draw, strategy) for pool in POOLS if draw.between(0, 2)}
    channels = {
        "chat": ChannelRule(8, draw.between(1, 3), True, 5),
        "sms": ChannelRule(4, draw.between(1, 4), True),
        "email": ChannelRule(3, draw.between(1, 4), False, draw.choose([None, None, 4])),
    }
    return Policy(
        revision,
        channels,
        bonus_ms=(0, 2 * SECOND, 6 * SECOND, 12 * SECOND),
        flag_bonus_ms=4 * SECOND,
        max_head_start_live_ms=15 * SECOND,
        max_head_start_filler_ms=40 * SECOND,
        excluded_s=draw.choose([6, 12]),
        second_thought_s=3,
        misses_before_away=draw.choose([1, 2, 2]),
        most_hops=2,
        usual=a_rule(draw, strategy),
        pools=pools,
    )


def a_rule(draw: Draw, strategy: Any) -> PoolRule:
    return PoolRule(
        strategy="manual" if once_in(draw, 9) else strategy,
        secondary_weight=draw.choose([20, 50, 50, 100]),
        reserve=draw.choose([0, 0, 0, 1, 2]),
        guard_live_s=draw.choose([8, 1000]),
        guard_filler_s=draw.choose([16, 1000]),
        emergency_share=draw.choose([10, 30]),
        auto_accept=once_in(draw, 5),
        most_waiting=draw.choose([None, None, None, 2]),
        closing_s=draw.choose([0, 5]),
        wrap_up_s=draw.choose([0, 4]),
    )


def a_plan(draw: Draw, channel: str, pool: int) -> Plan:
    reqs = {skill: draw.between(1, 3) for skill in some_of(draw, SKILLS)[: draw.choose([0, 1, 1, 2])]}
    rings, after_s = [_ring(channel, pool, reqs, 0)], 0
    while reqs and len(rings) < 6 and draw.between(0, 1):
        after_s += draw.between(1, 9)
        skill = draw.choose(sorted(reqs))
        reqs[skill] -= draw.between(1, 3)
        reqs = {skill: level for skill, level in reqs.items() if level > 0}
        rings.append(_ring(channel, pool, reqs, after_s))
    further = [(other, draw.between(1, 12)) for other in POOLS if other != pool and once_in(draw, 3)]
    named = some_of(draw, range(1, MOST_AGENTS + 1), 1)[:3] if once_in(draw, 12) else ()
    return Plan(tuple(rings), tuple(further), named)


def _ring(channel: str, pool: int, reqs: dict[int, int], after_s: int) -> Ring:
    return Ring(Signature(channel, pool, tuple(Req(skill, level) for skill, level in sorted(reqs.items()))), after_s)


def an_agent(draw: Draw, number: int, now: int) -> Agent:
    skills = {skill: draw.choose([1, 2, 3, 3]) for skill in some_of(draw, SKILLS, 2)}
    home = draw.choose(POOLS)
    return Agent(
        number,
        skills=tuple(sorted(skills.items())),
        primary=some_of(draw, sorted(skills)),
        home_pool=home,
        pools=tuple(sorted({home, draw.choose(POOLS)})),
        channels_on=some_of(draw, CHANNELS, 2),
        caps={"chat": draw.between(0, 2)} if once_in(draw, 5) else {},
        budget=draw.choose([8, 16, 24]),
        intent=draw.choose(["available", "available", "available", "available", "away"]),
        idle_since=now - SECOND * draw.between(0, 2),
        last_assigned=now - SECOND * draw.between(0, 2),
    )
