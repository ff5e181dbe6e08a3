"""The worlds of the scenarios: staffs and citizens of the textbooks, in the terms of the router.

Minutes; Poisson arrivals, exponential times, one contact at a time unless a world says otherwise. Each type of work is a
skill, and where it matters who is at home, a pool of its own.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from routing.model import Agent, ChannelRule, Plan, Policy, PoolRule
from routing.simulate.worlds import MINUTE, Kind, World

LIVE, FILLER = "live", "filler"
ONE_AT_A_TIME = {LIVE: ChannelRule(weight=24, cap=1, live=True)}
AT_A_SCREEN = {LIVE: ChannelRule(weight=24, cap=1, live=True, offer_s=20)}
"""Only who waits at a screen, for an agent who is asked, may be turned away; here agents accept at once."""


def team(
    first: int, count: int, primary: Sequence[int], secondary: Sequence[int] = (), home: int | None = None
) -> list[Agent]:
    """Agents numbered from `first`. Each type of work is a skill, and a pool of its own unless `home` names one for all."""
    types = (*primary, *secondary)
    pools = tuple(sorted(types)) if home is None else (home,)
    return [
        Agent(number, tuple((one, 1) for one in sorted(types)), tuple(primary), home or primary[0], pools, (LIVE,))
        for number in range(first, first + count)
    ]


def calls(type_: int, rate: float, *, pool: int | None = None, **more: Any) -> Kind:
    plan = Plan.simple(LIVE, pool or type_, (type_, 1))
    return replace(Kind(f"type {type_}", plan, ((0.0, rate),)), **more)


def world(agents: Sequence[Agent], kinds: Sequence[Kind], rule: PoolRule | None = None, **more: Any) -> World:
    policy = Policy(revision=1, channels=ONE_AT_A_TIME, usual=rule or PoolRule())
    groups: dict[str, list[int]] = {}
    for agent in agents:
        groups.setdefault("+".join(str(skill) for skill, _level in agent.skills), []).append(agent.id)
    made = World(policy, tuple(agents), tuple(kinds), {name: tuple(ids) for name, ids in groups.items()})
    return replace(made, **more)


def one_pool(agents: int, arrival_rate: float, service_rate: float, patience_rate: float | None = None) -> World:
    """M/M/N, with a patience rate M/M/N+M."""
    patience = None if patience_rate is None else 1 / patience_rate
    return world(team(1, agents, [1]), [calls(1, arrival_rate, work=1 / service_rate, patience=patience)])


def cross_trained(total_rate: float, skills: int, **more: Any) -> World:
    """Six types, 15 agents at home in each; the further skills of an agent are spread evenly over the other types."""
    agents: list[Agent] = []
    for home in range(6):
        for j in range(15):
            others = [(home + 1 + (j + i - 1) % 5) % 6 + 1 for i in range(1, skills)]
            agents += team(len(agents) + 1, 1, [home + 1], others)
    kinds = [calls(one, total_rate / 6, work=10.0) for one in range(1, 7)]
    made = world(agents, kinds, PoolRule(most_waiting=30, auto_accept=True), **more)
    return replace(made, policy=replace(made.policy, channels=AT_A_SCREEN))


def n_design(reserve: int = 0) -> World:
    agents = [*team(1, 20, [1]), *team(21, 30, [2], [1])]
    return world(agents, [calls(1, 20), calls(2, 25)], PoolRule(reserve=reserve))


def x_design(rate: float, secondary_pace: float = 1.0, rule: PoolRule | None = None) -> World:
    agents = [*team(1, 25, [1], [2]), *team(26, 25, [2], [1])]
    return world(agents, [calls(1, rate), calls(2, rate)], rule, secondary_pace=secondary_pace)


def w_design(reserve: int = 0) -> World:
    agents = [*team(1, 25, [1], [2]), *team(26, 25, [3], [2])]
    return world(agents, [calls(one, 15) for one in (1, 2, 3)], PoolRule(reserve=reserve))


def m_design(rule: PoolRule | None = None) -> World:
    agents = [*team(1, 18, [1], home=1), *team(19, 18, [2], home=1), *team(37, 12, [1, 2], home=1)]
    return world(agents, [calls(1, 22, pool=1), calls(2, 22, pool=1)], rule)


STRICTLY = 1e6
"""A head start (minutes) that no waiting catches up with: strict priority."""


def classes(rates: Sequence[float], head_starts: Sequence[float] = (0, 0, 0), agents: int = 10) -> World:
    """One pool, classes told apart by their head start alone (minutes, up to three, the most urgent first)."""
    bonus = [0, *(int(start * MINUTE) for start in reversed(head_starts[:-1]))]
    bonus += [bonus[-1]] * (4 - len(bonus))
    policy = Policy(
        1, ONE_AT_A_TIME, bonus_ms=(bonus[0], bonus[1], bonus[2], bonus[3]), max_head_start_live_ms=bonus[3]
    )
    names = ("urgent", "normal", "low") if len(rates) == 3 else ("urgent", "low")
    kinds = [
        calls(1, rate, name=name, priority=len(rates) - 1 - place)
        for place, (name, rate) in enumerate(zip(names, rates, strict=True))
    ]
    return replace(world(team(1, agents, [1]), kinds), policy=policy)


def blended(letters: float, *, talks: float = 5.0, shared: bool = False) -> World:
    """30 agents who talk to three citizens at most and answer letters in what attention is left."""
    channels = {LIVE: ChannelRule(8, 3, live=True), FILLER: ChannelRule(3, 8, live=shared)}
    agents = tuple(replace(agent, channels_on=(FILLER, LIVE)) for agent in team(1, 30, [1]))
    kinds = [Kind("talks", Plan.simple(LIVE, 1, (1, 1)), ((0.0, talks),), work=10.0)]
    kinds += [Kind("letters", Plan.simple(FILLER, 1, (1, 1)), ((0.0, letters),), work=60.0)]
    return World(Policy(1, channels), agents, tuple(kind for kind in kinds if kind.rates[0][1]), pace=_blended_pace)


def _blended_pace(held: Sequence[int]) -> Sequence[float]:
    if len(held) == 1:
        return (1.0,)
    talks, letters = held
    return 1.0, min(1.0, (24 - 8 * talks) / (3 * letters)) if letters else 0.0


def several_talks(rate: float) -> World:
    """30 agents with up to three citizens at once; the more, the less each of them gets."""
    agents = tuple(team(1, 30, [1]))
    policy = Policy(1, {LIVE: ChannelRule(8, 3, live=True)})
    return World(policy, agents, (calls(1, rate, work=6.0),), pace=_talking_pace)


def _talking_pace(held: Sequence[int]) -> Sequence[float]:
    return ((0.0, 1.0, 1.6, 2.0)[held[0]] / max(1, held[0]),)


def known_callers(hold: float) -> World:
    """30 % of the citizens know one agent, for whom they wait alone for `hold` minutes at most."""
    return world(team(1, 50, [1]), [calls(1, 45, known=0.3, hold=hold)])


def rush() -> World:
    """The X design with slow helpers, far too many citizens for 100 minutes, then as many as can be served."""
    made = x_design(30, 0.8, PoolRule(guard_live_s=300))
    return replace(made, kinds=tuple(replace(kind, rates=((0.0, 30.0), (100.0, 22.0))) for kind in made.kinds))
