"""An agent has room: which ticket?"""

from dataclasses import replace
from typing import Any

from routing import FOREVER, Given, Plan, Policy, Req, Ring, Signature, events
from tests.routing.worlds import (
    ANA,
    BEN,
    HOUSING,
    MINUTE,
    NOW,
    OTHER_TEAM,
    PARKING,
    RIVERTON,
    SECOND,
    TEAM,
    Agency,
    a_ticket,
    an_agent,
    given,
    named,
    rules,
    with_rule,
)

ONE_AT_A_TIME = replace(
    RIVERTON, channels={name: replace(rule, cap=1, offer_s=None) for name, rule in RIVERTON.channels.items()}
)


def busy(policy: Policy = ONE_AT_A_TIME, **changes: Any) -> Agency:
    """Ana alone, with one conversation in hand (ticket 100)."""
    agency = Agency(an_agent(ANA, budget=8, **changes), policy=policy)
    agency.comes(a_ticket(100, waited=0))
    return agency


def takes_in_turn(agency: Agency, first: int = 100, times: int = 3) -> list[int]:
    """Ana closes what she has, again and again; the tickets she is given."""
    in_hand, turn = first, []
    for _ in range(times):
        ((in_hand, _agent),) = given(agency.done(in_hand))
        turn.append(in_hand)
    return turn


def test_who_counts_as_having_arrived_first_is_served_first() -> None:
    agency = busy()
    agency.comes(a_ticket(1, waited=0), a_ticket(2, waited=MINUTE), a_ticket(3, waited=0, va=NOW - 2 * MINUTE))
    assert takes_in_turn(agency) == [3, 2, 1]


def test_of_two_with_the_same_virtual_arrival_the_one_who_really_came_first_goes_first_and_then_the_lower_number() -> (
    None
):
    agency = busy()
    va = NOW - 5 * MINUTE
    agency.comes(a_ticket(3, waited=0, va=va), a_ticket(2, waited=MINUTE, va=va), a_ticket(1, waited=0, va=va))
    assert takes_in_turn(agency) == [2, 1, 3]


def test_ones_own_kind_of_work_goes_before_other_work_until_that_is_twice_as_old() -> None:
    skills: dict[str, Any] = {"skills": ((HOUSING, 3), (PARKING, 3)), "primary": (HOUSING,)}
    for age_of_other_work, first in ((19 * MINUTE, 1), (21 * MINUTE, 2)):
        agency = busy(**skills)
        agency.comes(a_ticket(1, waited=10 * MINUTE), a_ticket(2, (PARKING, 1), waited=age_of_other_work))
        assert given(agency.done(100)) == [(first, ANA)]


def test_a_queue_may_make_secondary_work_lighter_still() -> None:
    policy = replace(ONE_AT_A_TIME, usual=replace(ONE_AT_A_TIME.usual, secondary_weight=25))
    agency = busy(policy, skills=((HOUSING, 3), (PARKING, 3)), primary=(HOUSING,))
    agency.comes(a_ticket(1, waited=6 * MINUTE), a_ticket(2, (PARKING, 1), waited=23 * MINUTE))
    assert given(agency.done(100)) == [(1, ANA)]


def test_work_of_another_team_is_secondary_even_with_the_same_skill() -> None:
    agency = busy(pools=(TEAM, OTHER_TEAM))
    agency.comes(a_ticket(1, waited=10 * MINUTE), a_ticket(2, pool=OTHER_TEAM, waited=19 * MINUTE))
    assert given(agency.done(100)) == [(1, ANA)]


def test_an_old_secondary_ticket_goes_first_once_in_ten_picks() -> None:
    policy = replace(ONE_AT_A_TIME, usual=replace(ONE_AT_A_TIME.usual, guard_live_s=30 * 60))
    agency = busy(policy, skills=((HOUSING, 3), (PARKING, 3)), primary=(HOUSING,))
    old = [a_ticket(number, (PARKING, 1), waited=31 * MINUTE + number) for number in (3, 2, 1)]
    agency.comes(*old, *(a_ticket(number, waited=20 * MINUTE) for number in range(11, 31)))
    in_hand, by_guard = 100, []
    for turn in range(21):
        effects = agency.done(in_hand)
        ((in_hand, _agent),) = given(effects)
        if rules(effects) == ["guard"]:
            by_guard.append((turn, in_hand))
    assert by_guard == [(0, 3), (10, 2), (20, 1)]


def test_a_ticket_that_is_not_yet_old_has_to_wait_for_its_weight() -> None:
    policy = replace(ONE_AT_A_TIME, usual=replace(ONE_AT_A_TIME.usual, guard_live_s=30 * 60))
    agency = busy(policy, skills=((HOUSING, 3), (PARKING, 3)), primary=(HOUSING,))
    agency.comes(a_ticket(1, (PARKING, 1), waited=29 * MINUTE), a_ticket(2, waited=20 * MINUTE))
    assert given(agency.done(100)) == [(2, ANA)]


def test_an_emergency_goes_before_everybody_but_only_one_at_a_time_in_a_small_team() -> None:
    agency = Agency(an_agent(ANA, budget=8), an_agent(BEN, budget=8), policy=ONE_AT_A_TIME)
    agency.comes(a_ticket(100, waited=0), a_ticket(101, waited=0))
    agency.comes(a_ticket(1, waited=50 * MINUTE))
    agency.comes(*(a_ticket(number, waited=SECOND, priority=4) for number in (2, 3)))
    first, second = agency.done(100), agency.done(101)
    assert (given(first)[0][0], rules(first)) == (2, ["emergency"])
    assert given(second)[0][0] == 1


def test_a_second_emergency_counts_as_urgent_by_its_head_start() -> None:
    agency = Agency(an_agent(ANA, budget=8), an_agent(BEN, budget=8), policy=ONE_AT_A_TIME)
    agency.comes(a_ticket(100, waited=0), a_ticket(101, waited=0), a_ticket(1, waited=50 * MINUTE))
    agency.comes(*(a_ticket(number, waited=0, va=NOW - 60 * MINUTE, priority=4) for number in (2, 3)))
    assert given(agency.done(100))[0][0] == 2
    assert given(agency.done(101))[0][0] == 3


def test_of_two_emergencies_released_at_opening_one_goes_before_an_older_ordinary_ticket() -> None:
    agency = Agency(an_agent(ANA, budget=8), policy=ONE_AT_A_TIME)
    agency.tell(events.QueueClosed(TEAM))
    agency.comes(a_ticket(1, waited=30 * MINUTE), a_ticket(2, waited=0, priority=4))
    assert given(agency.tell(events.QueueOpened(TEAM))) == [(2, ANA)]


def test_more_than_the_minimum_level_is_no_advantage() -> None:
    agency = Agency(an_agent(ANA, skills=((HOUSING, 5),), idle_since=NOW), an_agent(BEN, skills=((HOUSING, 2),)))
    assert given(agency.comes(a_ticket(1))) == [(1, BEN)]


def test_a_ticket_barred_to_an_agent_gives_way_to_the_next_in_its_line() -> None:
    agency = busy()
    agency.comes(a_ticket(1, waited=9 * MINUTE, excluded=((ANA, FOREVER),)), a_ticket(2, waited=MINUTE))
    assert given(agency.done(100)) == [(2, ANA)]


def test_what_is_passed_over_for_good_reason_is_served_once_the_reason_is_gone() -> None:
    agency = busy()
    agency.comes(a_ticket(1, excluded=((ANA, NOW + 90 * SECOND),)))
    assert given(agency.done(100)) == []
    assert given(agency.at(89)) == []
    assert given(agency.at(90)) == [(1, ANA)]


def test_of_two_exclusions_that_end_apart_each_end_is_noticed_even_when_a_ring_changes_at_the_same_instant() -> None:
    """Found by a random day: arming the timers again at the very instant an exclusion ended forgot that end."""
    rings = (
        Ring(Signature("sms", TEAM, (Req(HOUSING, 2),))),
        Ring(Signature("sms", TEAM, (Req(HOUSING, 1),)), 10),
    )
    agency = Agency(an_agent(ANA), an_agent(BEN))
    barred = ((ANA, NOW + 10 * SECOND), (BEN, NOW + 60 * SECOND))
    agency.comes(a_ticket(1, plan=Plan(rings), excluded=barred))
    assert given(agency.at(10)) == [(1, ANA)]


def test_one_who_frees_a_slot_takes_the_best_ticket_and_the_others_keep_waiting() -> None:
    agency = busy()
    agency.comes(*(a_ticket(number, waited=number * MINUTE) for number in (1, 2, 3)))
    assert given(agency.done(100)) == [(3, ANA)]
    waiting = [ticket.id for ticket in agency.engine.snapshot().tickets if ticket.state == "queued"]
    assert waiting == [1, 2]


def test_a_virtual_arrival_moves_forward_when_urgency_grows_and_back_only_when_a_supervisor_lowers_it() -> None:
    agency = busy()
    agency.comes(a_ticket(1, waited=5 * MINUTE, va=NOW - 9 * MINUTE))
    later = events.TicketChanged(1, va=NOW - 6 * MINUTE)
    assert named(agency.tell(later), events.Anomaly)
    assert not named(agency.tell(replace(later, lowered=True)), events.Anomaly)
    assert named(agency.tell(events.TicketChanged(1, va=NOW - 4 * MINUTE, lowered=True)), events.Anomaly)
    assert agency.ticket(1).va == NOW - 6 * MINUTE
    agency.tell(events.TicketChanged(1, va=NOW - 8 * MINUTE, priority=2))
    assert (agency.ticket(1).va, agency.ticket(1).priority) == (NOW - 8 * MINUTE, 2)


def test_a_manual_queue_offers_nothing_and_its_agents_pick() -> None:
    agency = Agency(an_agent(ANA), policy=with_rule(strategy="manual"))
    assert given(agency.comes(a_ticket(1, preferred_agent=ANA, sticky_until=NOW + SECOND))) == []
    assert given(agency.at(60)) == []
    assert given(agency.tell(events.Picked(1, ANA))) == [(1, ANA)]


def test_a_ticket_seen_through_two_pools_is_not_its_own_rival() -> None:
    agency = Agency(an_agent(ANA, pools=(TEAM, OTHER_TEAM), caps={"sms": 1}))
    agency.comes(a_ticket(10_000, channel="sms"))
    both = replace(a_ticket(1, channel="sms").plan, overflow=((OTHER_TEAM, 1),))
    agency.comes(replace(a_ticket(1, channel="sms", waited=MINUTE), plan=both))
    agency.at(2)
    assert agency.ticket(1).overflowed == (OTHER_TEAM,)
    (told,) = [effect for effect in agency.done(10_000) if isinstance(effect, Given)]
    assert (told.ticket, told.because.rule, told.because.rival) == (1, "pick", None)
