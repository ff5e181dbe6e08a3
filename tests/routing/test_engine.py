"""The engine as a machine: refusals, timers, replay, restart, cost and the conservation of waiting."""

import random
from collections.abc import Callable
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from routing import Engine, Plan, Snapshot, Ticket, events
from routing.choosing import Keys, PlainKeys
from routing.engine import TAKES
from routing.events import Anomaly, Event
from routing.timers import KINDS, MOST_PER_TICK, Timers
from tests.routing.day import a_random_day
from tests.routing.worlds import (
    ANA,
    BEN,
    HOUSING,
    MINUTE,
    NOW,
    RIVERTON,
    SECOND,
    TEAM,
    Agency,
    a_plan,
    a_ticket,
    an_agent,
    given,
    named,
)

IMPOSSIBLE: list[Event] = [
    events.TicketCreated(a_ticket(1)),
    events.TicketCreated(a_ticket(9, waited=0, va=NOW + 1)),
    events.TicketChanged(1, plan=a_plan((HOUSING, 2), channel="sms")),
    events.TicketChanged(7, priority=1),
    events.TicketClosed(2),
    events.WrapUpEnded(1),
    events.Answered(2),
    events.CitizenSilent(2),
    events.TransferAsked(1, 2, a_plan((HOUSING, 2), channel="sms")),
    events.Picked(1, ANA),
    events.Overridden(1, ANA),
    events.OfferAccepted(1, BEN),
    events.OfferDeclined(2, ANA),
    events.ClaimRefused(7),
    events.AgentIntent(7, "available"),
    events.AgentHealth(7, "lost"),
    events.AgentLeft(ANA),
    events.SurgeStarted(TEAM, NOW),
    events.MovedToFront(1),
    events.PolicyChanged(replace(RIVERTON, channels={"sms": RIVERTON.channels["sms"]})),
]


@pytest.mark.parametrize("event", IMPOSSIBLE, ids=lambda event: type(event).__name__)
def test_a_fact_that_does_not_fit_changes_nothing_is_told_in_words_and_stops_nobody(event: Event) -> None:
    agency = Agency(an_agent(ANA), an_agent(BEN, intent="away"))
    agency.comes(a_ticket(1), a_ticket(2, (HOUSING, 5)))
    before = agency.engine.state_hash()
    (anomaly,) = agency.tell(event)
    assert isinstance(anomaly, Anomaly)
    assert (anomaly.event, anomaly.state_hash, agency.engine.state_hash()) == (event, before, before)
    assert anomaly.sentence.endswith(".")
    assert given(agency.comes(a_ticket(3))) == [(3, ANA)]


def test_every_fact_that_can_be_told_is_understood() -> None:
    assert set(TAKES) == set(get_args(Event))


def test_time_never_runs_backwards() -> None:
    engine = Engine(RIVERTON, Snapshot(now=NOW, agents=(an_agent(ANA),)))
    (offer,) = named(engine.apply(events.TicketCreated(a_ticket(1)), NOW - MINUTE), events.Given)
    assert (engine.snapshot().now, offer.expires) == (NOW, NOW + 20 * SECOND)


def test_a_tick_has_a_limit_and_the_rest_follows_at_the_next() -> None:
    waiting = [a_ticket(number, waited=0, sla_deadline=NOW + 100 * SECOND) for number in range(1, MOST_PER_TICK + 11)]
    agency = Agency(an_agent(ANA, intent="away"))
    agency.comes(*waiting)
    agency.now = NOW + 80 * SECOND
    assert len(agency.tell(events.Tick())) == MOST_PER_TICK
    due = agency.engine.next_due()
    assert due is not None
    assert due <= agency.now
    assert len(agency.tell(events.Tick())) == 10
    assert agency.tell(events.Tick()) == []


# ---- timers


armings = st.lists(
    st.tuples(
        st.sampled_from(["arm", "disarm", "strike"]), st.sampled_from(KINDS), st.integers(1, 3), st.integers(0, 9)
    ),
    max_size=60,
)


@for_all(armings)
def test_a_timer_fires_once_for_each_arming_in_the_order_of_instant_kind_and_number(
    steps: list[tuple[str, str, int, int]],
) -> None:
    timers, armed = Timers(), dict[tuple[str, int], int]()
    for step, kind, of, at in steps:
        if step == "arm":
            timers.arm(kind, of, at)
            armed[kind, of] = at
        elif step == "disarm":
            timers.disarm(kind, of)
            armed.pop((kind, of), None)
        else:
            due = sorted((when, KINDS.index(what), whose) for (what, whose), when in armed.items() if when <= at)
            fired = []
            while (one := timers.pop_due(at)) is not None:
                fired.append((armed.pop(one), KINDS.index(one[0]), one[1]))
            assert fired == due
        assert timers.next_due() == min(armed.values(), default=None)
        assert len(timers) == len(armed)


# ---- replay and restart


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("keys", [Keys, PlainKeys])
def test_the_same_facts_give_the_same_answers_and_the_same_state(seed: int, keys: type) -> None:
    day = a_random_day(seed, 150)
    again = Engine(day.policy, keys=keys)
    assert again.replay(day.log) == day.effects
    assert again.state_hash() == day.engine.state_hash()


@pytest.mark.parametrize("seed", range(12))
def test_a_router_made_from_a_snapshot_goes_on_like_the_first(seed: int) -> None:
    day = a_random_day(seed, 150)
    half = len(day.log) // 2
    first = Engine(day.policy)
    first.replay(day.log[:half])
    while (due := first.next_due()) is not None and due <= first.snapshot().now:
        first.apply(events.Tick(), due)
    second = Engine(first.floor.policy, first.snapshot())
    assert second.stirred == []
    for now, event in day.log[half:]:
        assert first.apply(event, now) == second.apply(event, now)
        assert first.state_hash() == second.state_hash()


def test_a_successor_tells_what_follows_in_the_same_order_as_the_first() -> None:
    """Found by the state machine: the order was that in which lines had been opened, which a successor cannot know."""
    full = {"items": {"chat": 3, "email": 8}, "primary_units": 24}
    first = Agency(an_agent(ANA, **full)).engine
    for number, channel in ((5, "email"), (3, "chat")):
        assert first.apply(events.TicketCreated(a_ticket(number, channel=channel)), NOW) == []
    second = Engine(RIVERTON, first.snapshot())
    told = first.apply(events.AgentLeft(ANA), NOW)
    assert [effect.ticket for effect in named(told, events.Unservable)] == [3, 5]
    assert second.apply(events.AgentLeft(ANA), NOW) == told


def test_the_state_hash_tells_states_apart() -> None:
    agency = Agency(an_agent(ANA), an_agent(BEN))
    agency.comes(a_ticket(1))
    seen = {agency.engine.state_hash()}
    for event in (events.OfferAccepted(1, ANA), events.AgentIntent(BEN, "away"), events.QueueClosed(9)):
        agency.tell(event)
        seen.add(agency.engine.state_hash())
    assert len(seen) == 4


# ---- cost


def test_a_decision_looks_at_the_heads_of_lines_and_not_at_every_ticket() -> None:
    for backlog in (200, 2_000):
        agency = Agency(an_agent(ANA, caps={"sms": 1}, skills=((1, 3), (2, 3), (3, 3)), primary=(1, 2, 3)))
        agency.comes(a_ticket(10_000, channel="sms"))
        agency.comes(*(a_ticket(n, (1 + n % 3, 1), channel="sms", waited=n * SECOND) for n in range(1, backlog + 1)))
        before = dict(agency.engine.floor.work)
        assert len(given(agency.done(10_000))) == 1
        after = agency.engine.floor.work
        assert after["heads"] - before["heads"] <= 4 * 3, "a few looks at three lines"
        assert after["scanned"] - before["scanned"] == 0
        assert after["keys"] - before["keys"] <= 2


def test_an_arrival_asks_one_array_and_rewrites_one_key_however_many_agents_there_are() -> None:
    for staff in (20, 400):
        agency = Agency(*(an_agent(number) for number in range(1, staff + 1)))
        agency.comes(a_ticket(10_000, channel="sms"))
        before = dict(agency.engine.floor.work)
        assert given(agency.comes(a_ticket(1, channel="sms"))) != []
        after = agency.engine.floor.work
        assert after["keys"] - before["keys"] <= 1
        assert after["scanned"] - before["scanned"] <= 2
        assert after["heads"] == before["heads"]


def test_a_barred_backlog_is_walked_only_as_far_as_the_first_ticket_that_is_not() -> None:
    agency = Agency(an_agent(ANA, caps={"sms": 1}))
    agency.comes(a_ticket(10_000, channel="sms"))
    barred = [a_ticket(n, channel="sms", waited=HOURS_AGO + n, excluded=((ANA, 1 << 60),)) for n in range(1, 6)]
    agency.comes(*barred, *(a_ticket(n, channel="sms", waited=MINUTE) for n in range(100, 1_100)))
    before = agency.engine.floor.work["scanned"]
    assert given(agency.done(10_000)) == [(100, ANA)]
    assert agency.engine.floor.work["scanned"] - before <= 2 * 6


HOURS_AGO = 60 * 60 * SECOND

# ---- the conservation of waiting


def total_wait(priority: Callable[[random.Random], int]) -> int:
    """Two agents, 400 citizens from empty to empty; how long each service takes is drawn when it starts."""
    arrivals, services, ranks = random.Random(1), random.Random(2), random.Random(3)
    agency = Agency(an_agent(ANA, caps={"sms": 1}), an_agent(BEN, caps={"sms": 1}))
    now, coming = 0, []
    for number in range(1, 401):
        now += arrivals.randrange(1, 1_000)
        coming.append((now, number))
    busy: list[tuple[int, int]] = []
    arrived, waited = dict[int, int](), 0
    while coming or busy:
        if not coming or (busy and min(busy)[0] <= coming[0][0]):
            now, number = min(busy)
            busy.remove((now, number))
            event: Event = events.TicketClosed(number)
        else:
            now, number = coming.pop(0)
            arrived[number], rank = now, priority(ranks)
            event = events.TicketCreated(_urgent(number, NOW + now, rank))
        for ticket, _agent in given(agency.engine.apply(event, NOW + now)):
            waited += now - arrived[ticket]
            busy.append((now + services.randrange(1, 1_900), ticket))
    assert len(agency.engine.snapshot().tickets) == 0
    return waited


def _urgent(number: int, at: int, rank: int) -> Ticket:
    head_start = (0, 700, 5_000)[min(rank, 2)]
    return Ticket(number, TEAM, Plan.simple("sms", TEAM), at, at - head_start, priority=4 if rank == 3 else 0)


def test_the_total_wait_is_the_same_under_every_order_of_service_to_the_millisecond() -> None:
    totals = [
        total_wait(lambda chance: 0),
        total_wait(lambda chance: chance.randrange(2)),
        total_wait(lambda chance: chance.choice([0, 1, 2])),
        total_wait(lambda chance: chance.choice([0, 3])),
    ]
    assert totals == [totals[0]] * 4
    assert totals[0] > 400 * 100, "there was waiting to distribute"


def test_an_agent_who_leaves_is_forgotten_and_may_come_again() -> None:
    agency = Agency(an_agent(ANA), an_agent(BEN))
    agency.tell(events.AgentLeft(ANA))
    assert given(agency.comes(a_ticket(1))) == [(1, BEN)]
    agency.tell(events.AgentChanged(an_agent(ANA)))
    assert given(agency.comes(a_ticket(2))) == [(2, ANA)]
    assert named(agency.tell(events.AgentLeft(BEN)), Anomaly), "Ben still has an offer"
