"""Scenarios of several teams: who helps whom, when, and what that costs."""

from collections.abc import Iterator

from routing.model import PoolRule
from routing.simulate import controls, designs
from routing.simulate.controls import first_come, longest_idle, specialists_first, weighted
from routing.simulate.promises import Scenario, about, control, exact, least, most, shown
from routing.simulate.textbook import Textbook
from routing.simulate.worlds import World

M = 1_000_000
FIRST_COME = PoolRule(secondary_weight=100)


def _n_design() -> Iterator[Scenario]:
    text = "20 agents for type 1; 30 for type 2 who help with type 1"
    yield Scenario(
        "S4", text, designs.n_design,
        most(w=0.106) + least(jain=0.965) + shown(w=0.103, w1=0.071, w2=0.128) + about(0.01, busy1=0.879, busy12=0.914), M,
    )  # fmt: skip
    yield Scenario(
        "S4 reserve",
        f"{text}; one is kept free",
        lambda: designs.n_design(1),
        about(0.05, w=0.099, w1=0.105, w2=0.094),
        M,
    )
    yield control("S4 longest idle", text, designs.n_design, shown(w=0.113, jain=0.838), first_come, longest_idle, M)
    yield Scenario(
        "S4 random", f"{text}; control", designs.n_design, shown(w=0.123, jain=0.666), M, router=controls.random_agent
    )


def _x_design() -> Iterator[Scenario]:
    text = "25 + 25 agents with both skills, each at home in one"
    yield Scenario("S5", text, lambda: designs.x_design(22.5), exact(w=0.072773), 400_000, textbook=Textbook(50))
    yield Scenario(
        "S5 first come",
        f"{text}; no weights",
        lambda: designs.x_design(22.5, rule=FIRST_COME),
        exact(w=0.072773),
        400_000,
        textbook=Textbook(50),
    )


def _slow_helpers() -> Iterator[Scenario]:
    text = "as S5, but helping out takes a quarter longer"

    def slow(rate: float, rule: PoolRule | None = None) -> World:
        return designs.x_design(rate, 0.8, rule)

    yield Scenario("S6", text, lambda: slow(22.5), most(w=0.155) + about(0.05, w=0.145), 400_000)
    yield Scenario(
        "S6 weight 25", text, lambda: slow(22.5, PoolRule(secondary_weight=25)), about(0.05, w=0.130), 400_000
    )
    yield Scenario(
        "S6 reserve", text, lambda: slow(22.5, PoolRule(reserve=1)), most(w=0.12) + about(0.05, w=0.112), 400_000
    )
    yield Scenario(
        "S6 first come", f"{text}; no weights: unstable", lambda: slow(22.5, FIRST_COME), least(w=2.0), 400_000
    )
    yield control(
        "S6 no rank", text, lambda: slow(22.5), about(0.1, w=0.202), weighted(0.5), specialists_first, 400_000
    )
    yield Scenario("S6 at 21", text, lambda: slow(21), most(w=0.046) + about(0.05, w=0.041), 400_000)
    yield Scenario("S6 at 21 first come", text, lambda: slow(21, FIRST_COME), shown(w=0.148), M)
    text = "100 minutes of 60 contacts, then 44 a minute, helpers slow, guard at 5 min; the backlog at minute 500"
    yield Scenario("S6 rush", text, designs.rush, most(backlog=50), warm_up=0.0, until=500.0)
    yield Scenario(
        "S6 rush unlimited",
        f"{text}; control",
        designs.rush,
        least(backlog=500),
        warm_up=0.0,
        until=500.0,
        router=controls.unlimited_guard,
    )


def _w_design() -> Iterator[Scenario]:
    text = "25 agents for types 1 and, helping, 2; 25 for 3 and, helping, 2"
    promises = most(w=0.085, apart=0.02) + about(0.05, w=0.082, w1=0.077, w2=0.092, w3=0.077)
    yield Scenario("S7", text, designs.w_design, promises, M)
    yield Scenario(
        "S7 reserve", f"{text}; one is kept free", lambda: designs.w_design(1), about(0.05, w=0.104, w2=0.247), M
    )


def _m_design() -> Iterator[Scenario]:
    text = "18 agents for type 1, 18 for type 2, 12 for both"
    yield Scenario(
        "S8",
        text,
        designs.m_design,
        most(w=0.135) + shown(w=0.131) + about(0.01, busy1=0.935, busy2=0.935, busy12=0.863),
        600_000,
    )
    yield Scenario(
        "S8 longest idle", text, lambda: designs.m_design(PoolRule(strategy="longest_idle")),
        most(w=0.135) + shown(w=0.132) + about(0.01, busy1=0.909, busy2=0.909, busy12=0.939, jain=0.977), 600_000,
    )  # fmt: skip


PARTS = (_n_design, _x_design, _slow_helpers, _w_design, _m_design)
