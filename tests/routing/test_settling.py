"""Nobody waits while somebody who can help is free, and everybody gets what is right for them."""

import random
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routing import Agent, Decision, Policy, Req, Ticket, settle
from tests.routing import oracle
from tests.routing.worlds import HOUSING, MINUTE, NOW, PARKING, RIVERTON, SPANISH, a_ticket, an_agent, worlds

World = tuple[list[Ticket], list[Agent], Policy]

many = settings(max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
some = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def who_gets_what(decisions: Sequence[Decision]) -> list[tuple[int, int]]:
    return [(decision.ticket, decision.agent) for decision in decisions]


@many
@given(worlds())
def test_every_decision_is_the_one_a_patient_clerk_would_make(world: World) -> None:
    tickets, agents, policy = world
    expected = oracle.all_choices(tickets, agents, policy, NOW)
    decisions = settle(tickets, agents, policy, NOW)
    assert who_gets_what(decisions) == [(choice.ticket, choice.agent) for choice in expected]
    for decision, choice in zip(decisions, expected, strict=True):
        assert list(decision.because.winner_key) == choice.key
        assert decision.because.runner_up == choice.runner_up
        assert decision.because.qualified == len(choice.could_take_it)
        assert dict(decision.because.excluded) == choice.reasons


@some
@given(worlds())
def test_nobody_waits_while_somebody_who_can_help_has_room(world: World) -> None:
    tickets, agents, policy = world
    people, waiting = after(world, settle(tickets, agents, policy, NOW))
    for ticket in waiting:
        for person in people.values():
            assert oracle.first_failure(person, ticket, policy, NOW) is not None


@some
@given(worlds())
def test_a_ticket_is_decided_once_and_nobody_is_given_more_than_they_can_hold(world: World) -> None:
    tickets, agents, policy = world
    by_id = {ticket.id: ticket for ticket in tickets}
    people = {agent.id: oracle.seat(agent) for agent in agents}
    decisions = settle(tickets, agents, policy, NOW)
    assert max(Counter(decision.ticket for decision in decisions).values(), default=1) == 1
    for decision in decisions:
        ticket, person = by_id[decision.ticket], people[decision.agent]
        assert oracle.first_failure(person, ticket, policy, NOW) is None
        oracle.give(person, ticket, policy, NOW)


@some
@given(worlds())
def test_tickets_of_one_kind_are_served_in_their_order(world: World) -> None:
    tickets, agents, policy = world
    open_to_all = [replace(ticket, excluded=()) for ticket in tickets]
    by_id = {ticket.id: ticket for ticket in open_to_all}
    served: dict[object, list[Ticket]] = {}
    for decision in settle(open_to_all, agents, policy, NOW):
        ticket = by_id[decision.ticket]
        served.setdefault((ticket.channel, ticket.pool, ticket.reqs), []).append(ticket)
    for kind, line in served.items():
        same_kind = [ticket for ticket in open_to_all if (ticket.channel, ticket.pool, ticket.reqs) == kind]
        in_order = sorted(same_kind, key=lambda ticket: (ticket.va, ticket.arrived_at, ticket.id))
        assert line == in_order[: len(line)]


@some
@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_in_which_people_are_listed_changes_nothing(world: World, chance: random.Random) -> None:
    tickets, agents, policy = world
    shuffled_tickets, shuffled_agents = list(tickets), list(agents)
    chance.shuffle(shuffled_tickets)
    chance.shuffle(shuffled_agents)
    assert settle(shuffled_tickets, shuffled_agents, policy, NOW) == settle(tickets, agents, policy, NOW)


@some
@given(worlds())
def test_what_is_settled_stays_settled(world: World) -> None:
    tickets, agents, policy = world
    people, waiting = after(world, settle(tickets, agents, policy, NOW))
    standing = [
        replace(person.agent, items=person.items, primary_units=person.live_units, filler_units=person.filler_units)
        for person in people.values()
    ]
    assert settle(waiting, standing, policy, NOW) == []


def after(world: World, decisions: Sequence[Decision]) -> tuple[dict[int, oracle.Person], list[Ticket]]:
    tickets, agents, policy = world
    people = {agent.id: oracle.seat(agent) for agent in agents}
    by_id = {ticket.id: ticket for ticket in tickets}
    for decision in decisions:
        oracle.give(people[decision.agent], by_id.pop(decision.ticket), policy, NOW)
    return people, list(by_id.values())


def test_live_work_is_offered_for_twenty_seconds_and_the_rest_assigned_at_once() -> None:
    offer, direct = (
        settle([a_ticket(1, channel=channel)], [an_agent(1)], RIVERTON, NOW)[0] for channel in ("chat", "email")
    )
    assert (offer.mode, offer.units, offer.filler, offer.expires_ms) == ("offer", 8, False, NOW + 20_000)
    assert (direct.mode, direct.units, direct.filler, direct.expires_ms) == ("direct", 3, True, None)


def test_three_chats_spread_over_three_agents() -> None:
    decisions = settle([a_ticket(n) for n in (1, 2, 3)], [an_agent(n) for n in (1, 2, 3)], RIVERTON, NOW)
    assert who_gets_what(decisions) == [(1, 1), (2, 2), (3, 3)]


def test_a_specialist_is_taken_before_a_generalist_who_waited_longer() -> None:
    generalist = an_agent(1, skills=((HOUSING, 5), (PARKING, 5)), idle_since=0)
    specialist = an_agent(2, idle_since=NOW)
    assert who_gets_what(settle([a_ticket(1)], [generalist, specialist], RIVERTON, NOW)) == [(1, 2)]


def test_an_agent_prefers_their_own_work_until_the_other_is_twice_as_old() -> None:
    agent = an_agent(1, skills=((HOUSING, 3), (PARKING, 3)), items={"chat": 2}, primary_units=16)
    own = a_ticket(1, va=NOW - 5 * MINUTE)
    younger_than_twice = a_ticket(2, reqs=(Req(PARKING, 1),), va=NOW - 9 * MINUTE)
    older_than_twice = a_ticket(3, reqs=(Req(PARKING, 1),), va=NOW - 11 * MINUTE)
    assert who_gets_what(settle([own, younger_than_twice], [agent], RIVERTON, NOW)) == [(1, 1)]
    assert who_gets_what(settle([own, older_than_twice], [agent], RIVERTON, NOW)) == [(3, 1)]


def test_an_agent_with_a_more_pressing_ticket_leaves_the_other_to_a_colleague() -> None:
    both = an_agent(1, skills=((HOUSING, 3), (SPANISH, 3)), primary=(HOUSING, SPANISH))
    housing = an_agent(2, items={"chat": 1}, primary_units=8)
    spanish = a_ticket(1, reqs=(Req(SPANISH, 1),), va=NOW - 8 * MINUTE)
    english = a_ticket(2, va=NOW - 7 * MINUTE)
    decisions = settle([english, spanish], [both, housing], RIVERTON, NOW)
    assert who_gets_what(decisions) == [(1, 1), (2, 2)]


def test_a_declined_ticket_goes_to_the_next_agent_and_comes_back_when_the_exclusion_ends() -> None:
    ticket = a_ticket(1, excluded=((1, NOW + 1),))
    ana, ben = an_agent(1), an_agent(2, idle_since=NOW)
    assert who_gets_what(settle([ticket], [ana, ben], RIVERTON, NOW)) == [(1, 2)]
    assert who_gets_what(settle([ticket], [ana], RIVERTON, NOW)) == []
    assert who_gets_what(settle([ticket], [ana], RIVERTON, NOW + 1)) == [(1, 1)]


def test_a_ticket_of_an_unknown_channel_stops_nobody_else() -> None:
    strange, plain = a_ticket(1, channel="pigeon"), a_ticket(2)
    agent = an_agent(1, channels_on=("chat", "pigeon"))
    assert who_gets_what(settle([strange, plain], [agent], RIVERTON, NOW)) == [(2, 1)]


def test_a_better_placed_agent_who_was_full_is_recorded() -> None:
    full_specialist = an_agent(2, items={"chat": 3}, primary_units=24)
    generalist = an_agent(1, skills=((HOUSING, 3), (PARKING, 1)))
    home = an_agent(3, signed_in=False, available=False, connected=False, idle_since=0)
    stranger = an_agent(4, skills=((PARKING, 5),), idle_since=0)
    because = settle([a_ticket(1)], [generalist, full_specialist, home, stranger], RIVERTON, NOW)[0].because
    assert because.better_placed == ((2, "room"), (3, "signed_in"))
    assert because.excluded == (("room", 1), ("signed_in", 1), ("skill", 1))
    assert (because.qualified, because.runner_up, because.separated_by) == (1, None, None)


def test_the_field_that_separates_the_two_best_is_recorded() -> None:
    ana = an_agent(1)
    rivals = {
        "load": an_agent(2, items={"sms": 1}, primary_units=4),
        "rank": an_agent(2, primary=(), skills=((HOUSING, 3),)),
        "units": an_agent(2, items={"email": 1}, filler_units=3),
        "flexibility": an_agent(2, skills=((HOUSING, 3), (PARKING, 1))),
        "idle_since": an_agent(2, idle_since=ana.idle_since + 1),
        "id": an_agent(2),
    }
    for name, ben in rivals.items():
        because = settle([a_ticket(1)], [ben, ana], RIVERTON, NOW)[0].because
        assert (because.winner_key[-1], because.runner_up, because.separated_by) == (1, 2, name)


def test_at_most_five_better_placed_agents_are_recorded() -> None:
    away = [an_agent(n, available=False) for n in range(1, 9)]
    because = settle([a_ticket(1)], [*away, an_agent(9)], RIVERTON, NOW)[0].because
    assert because.better_placed == tuple((n, "available") for n in range(1, 6))
    assert because.excluded == (("available", 8),)


def test_a_backlog_costs_a_look_at_the_heads_of_the_lines_and_not_at_every_ticket() -> None:
    tickets, agents = a_busy_agency(random.Random(5))
    decisions, calls = counting_calls(lambda: settle(tickets, agents, RIVERTON, NOW))
    lines = len({ticket.signature for ticket in tickets})
    assert (len(tickets), len(agents)) == (5000, 200)
    assert lines > 90
    assert len(decisions) > 200
    assert calls["score"] <= len(agents) * (lines + len(decisions))
    assert calls["misfit"] <= len(agents) * (lines + len(decisions))


def counting_calls(work: Callable[[], list[Decision]]) -> tuple[list[Decision], Counter[str]]:
    calls: Counter[str] = Counter()
    sys.setprofile(lambda frame, event, _: calls.update([frame.f_code.co_name] if event == "call" else []))
    try:
        return work(), calls
    finally:
        sys.setprofile(None)


def a_busy_agency(chance: random.Random) -> tuple[list[Ticket], list[Agent]]:
    kinds = [
        (chance.choice(["chat", "email"]), tuple(Req(s, chance.choice([1, 1, 2, 3])) for s in sorted(needs)))
        for needs in (chance.sample(range(1, 21), chance.choice([1, 1, 2, 3])) for _ in range(100))
    ]
    tickets = []
    for number in range(5000):
        channel, reqs = chance.choice(kinds)
        va = NOW - chance.randrange(3_600_000)
        tickets.append(a_ticket(number, channel=channel, reqs=reqs, arrived_at=va, va=va))
    agents = []
    for number in range(200):
        has = sorted(chance.sample(range(1, 21), chance.randint(3, 8)))
        agents.append(
            an_agent(number, skills=tuple((s, chance.choice([1, 2, 3, 3, 4, 5])) for s in has), primary=tuple(has[:2]))
        )
    return tickets, agents
