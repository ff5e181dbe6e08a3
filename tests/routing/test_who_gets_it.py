"""A ticket waits: which agent?"""

from dataclasses import replace
from typing import Any

import pytest

from routing import Given, State, events
from tests.routing.worlds import (
    ANA,
    BEN,
    CRUZ,
    HOUSING,
    MINUTE,
    NOW,
    OTHER_TEAM,
    PARKING,
    RIVERTON,
    SECOND,
    TEAM,
    Agency,
    a_plan,
    a_ticket,
    an_agent,
    given,
    named,
    with_rule,
)

CHAT: dict[str, Any] = {"items": {"chat": 1}, "primary_units": 8}
EMAIL: dict[str, Any] = {"items": {"email": 1}, "filler_units": 3}


@pytest.mark.parametrize(
    ("less", "more"),
    [
        ({"idle_since": NOW}, CHAT),  # the least loaded, however short they have been idle
        ({"idle_since": NOW}, {"primary": ()}),  # their own kind of work
        ({"idle_since": NOW}, EMAIL),  # less work of any kind
        ({"idle_since": NOW}, {"skills": ((HOUSING, 3), (PARKING, 3))}),  # the specialist
        ({"idle_since": NOW - 9 * MINUTE}, {"idle_since": NOW - 8 * MINUTE}),  # the longest idle
        ({}, {}),  # the lower number
    ],
)
def test_of_two_free_agents_the_less_loaded_closer_more_special_longer_idle_one_gets_it(
    less: dict[str, Any], more: dict[str, Any]
) -> None:
    agency = Agency(an_agent(ANA, **less), an_agent(BEN, **more))
    assert given(agency.comes(a_ticket(1))) == [(1, ANA)]


@pytest.mark.parametrize(
    ("strategy", "winner", "loser"),
    [
        ("longest_idle", {"skills": ((HOUSING, 3), (PARKING, 3))}, {"idle_since": NOW}),
        ("longest_idle", {"idle_since": NOW}, {**CHAT, "idle_since": 0}),
        ("round_robin", {**CHAT, "last_assigned": 1}, {"last_assigned": 2}),
        ("round_robin", {"last_assigned": 2}, {"last_assigned": 1, "primary": ()}),
        ("most_spare", {**CHAT, "budget": 40}, {"budget": 24}),
        ("least_active", {**EMAIL, "filler_units": 24}, {"items": {"sms": 2}, "primary_units": 8}),
    ],
)
def test_a_queue_may_choose_its_agents_by_another_strategy(
    strategy: str, winner: dict[str, Any], loser: dict[str, Any]
) -> None:
    agency = Agency(an_agent(ANA, **loser), an_agent(BEN, **winner), policy=with_rule(strategy=strategy))
    assert given(agency.comes(a_ticket(1))) == [(1, BEN)]


def test_three_conversations_spread_over_three_agents() -> None:
    agency = Agency(*(an_agent(number) for number in (ANA, BEN, CRUZ)))
    assert given(agency.comes(*(a_ticket(number) for number in (1, 2, 3)))) == [(1, ANA), (2, BEN), (3, CRUZ)]


def test_an_agent_is_idle_since_the_last_ended_item_or_since_they_came_and_while_busy_since_the_last_assignment() -> (
    None
):
    agency = Agency(an_agent(ANA), an_agent(BEN, intent="away"))
    agency.comes(a_ticket(1, channel="sms"))
    agency.at(10)
    agency.comes(a_ticket(2, channel="sms"))
    agency.at(20)
    agency.done(1)
    agency.tell(events.AgentIntent(BEN, "available"))
    assert agency.agent(BEN).idle_since == NOW + 20 * SECOND
    assert agency.agent(ANA).idle_since == NOW + 10 * SECOND
    agency.at(30)
    agency.done(2)
    assert agency.agent(ANA).idle_since == NOW + 30 * SECOND


def test_a_pause_with_work_in_hand_does_not_change_since_when_an_agent_is_idle() -> None:
    agency = Agency(an_agent(ANA))
    agency.comes(a_ticket(1, channel="sms"))
    agency.at(10)
    agency.tell(events.AgentIntent(ANA, "away"))
    agency.tell(events.AgentIntent(ANA, "available"))
    assert agency.agent(ANA).idle_since == NOW


def test_the_reserve_keeps_an_agent_free_for_their_own_team() -> None:
    helper = {"pools": (TEAM, OTHER_TEAM), "home_pool": OTHER_TEAM}
    agency = Agency(an_agent(ANA, **helper), an_agent(BEN, **helper), policy=with_rule(reserve=1))
    assert given(agency.comes(a_ticket(1))) == [(1, ANA)], "Ben keeps room"
    agency.tell(events.AgentIntent(BEN, "away"))
    assert given(agency.comes(a_ticket(2))) == [], "nobody else would be left"
    assert given(agency.comes(a_ticket(3, pool=OTHER_TEAM))) == [(3, ANA)], "their own work is not held back"


def test_the_reserve_no_longer_keeps_a_ticket_whose_time_is_half_gone() -> None:
    agency = Agency(an_agent(ANA, pools=(TEAM, OTHER_TEAM)), policy=with_rule(reserve=1))
    ticket = a_ticket(1, pool=OTHER_TEAM, waited=0, sla_deadline=NOW + 60 * SECOND)
    assert given(agency.comes(ticket)) == []
    assert given(agency.at(29.999)) == []
    assert given(agency.at(30)) == [(1, ANA)]


def test_when_another_agent_of_the_team_gets_room_the_reserve_lets_go() -> None:
    agency = Agency(an_agent(ANA, pools=(TEAM, OTHER_TEAM)), an_agent(BEN, intent="away"), policy=with_rule(reserve=1))
    assert given(agency.comes(a_ticket(1, pool=OTHER_TEAM))) == []
    assert given(agency.tell(events.AgentIntent(BEN, "available"))) == [(1, ANA)]


def test_only_an_agent_who_wants_work_is_connected_and_takes_the_channel_gets_any() -> None:
    absent: list[dict[str, Any]] = [
        {"intent": "away"},
        {"intent": "offline"},
        {"health": "grace", "health_since": NOW},
        {"health": "lost", "health_since": NOW},
        {"next_intent": "away"},
        {"channels_on": ("email",)},
        {"pools": (OTHER_TEAM,)},
        {"skills": ((HOUSING, 1),)},
        {"items": {"chat": 3}, "primary_units": 24},
    ]
    for changes in absent:
        assert given(Agency(an_agent(ANA, **changes)).comes(a_ticket(1))) == []


def test_a_break_announced_stops_new_work_and_begins_when_the_live_work_ends() -> None:
    agency = Agency(an_agent(ANA))
    agency.comes(a_ticket(1), a_ticket(2, channel="email"))
    agency.tell(events.OfferAccepted(1, ANA))
    agency.tell(events.AgentIntent(ANA, "available", "away"))
    assert given(agency.comes(a_ticket(3))) == []
    assert (agency.agent(ANA).intent, agency.agent(ANA).next_intent) == ("available", "away")
    agency.done(1)
    assert (agency.agent(ANA).intent, agency.agent(ANA).next_intent) == ("away", None)
    assert agency.ticket(2).state == "assigned", "the mail is theirs still"


def test_going_away_takes_no_work_away_and_ends_no_wrap_up() -> None:
    agency = Agency(an_agent(ANA), policy=with_rule(wrap_up_s=60))
    agency.comes(a_ticket(1, channel="sms"), a_ticket(2, channel="sms"))
    agency.done(1)
    agency.tell(events.AgentIntent(ANA, "away"))
    assert (agency.ticket(1).state, agency.ticket(2).state) == ("wrapup", "assigned")


def test_live_work_is_admitted_as_if_the_mail_were_not_there() -> None:
    buried = an_agent(ANA, items={"email": 8}, filler_units=24)
    agency = Agency(buried)
    assert given(agency.comes(a_ticket(1))) == [(1, ANA)]
    assert given(agency.comes(a_ticket(2, channel="email"))) == []


def test_lowering_a_cap_takes_nothing_away_and_lets_it_drain() -> None:
    agency = Agency(an_agent(ANA))
    agency.comes(*(a_ticket(number, channel="sms") for number in (1, 2, 3)))
    agency.tell(events.AgentChanged(an_agent(ANA, caps={"sms": 2})))
    assert [agency.ticket(number).state for number in (1, 2, 3)] == ["assigned"] * 3
    agency.comes(a_ticket(4, channel="sms"))
    assert given(agency.done(1)) == []
    assert given(agency.done(2)) == [(4, ANA)]


def test_an_agent_whose_room_was_taken_by_a_lower_limit_is_given_nothing_in_the_same_instant() -> None:
    """Found while writing the oracle: the arrays still said that there was room."""
    agency = Agency(an_agent(ANA), an_agent(BEN, idle_since=NOW))
    agency.comes(a_ticket(1, (HOUSING, 1), channel="email"))
    agency.tell(events.AgentChanged(an_agent(ANA, caps={"email": 0})))
    assert given(agency.comes(a_ticket(2, channel="email"))) == [(2, BEN)]
    agency.tell(events.AgentChanged(an_agent(BEN, caps={"email": 0}, channels_on=("email",))))
    assert given(agency.comes(a_ticket(3, channel="email"))) == []


def test_a_ticket_of_a_channel_without_rules_is_refused_and_stops_nobody_else() -> None:
    agency = Agency(an_agent(ANA))
    assert named(agency.comes(a_ticket(1, channel="pigeon")), events.Anomaly)
    assert given(agency.comes(a_ticket(2))) == [(2, ANA)]


def test_several_tickets_of_one_event_are_placed_in_their_order() -> None:
    agency = Agency(an_agent(ANA, caps={"sms": 1}))
    urgent = a_ticket(2, channel="sms", waited=0, va=NOW - 9 * MINUTE)
    both = agency.comes_at_once(a_ticket(1, channel="sms", waited=MINUTE), urgent)
    assert given(both) == [(2, ANA)]


def test_when_many_get_room_at_once_the_most_pressing_pair_is_made_first() -> None:
    agency = Agency(an_agent(ANA, intent="away"), an_agent(BEN, intent="away", primary=()))
    agency.comes(a_ticket(1, waited=5 * MINUTE), a_ticket(2, waited=MINUTE))
    both = [replace(agency.agent(number), intent="available") for number in (ANA, BEN)]
    assert given(agency.tell(events.Reconciled(agents=tuple(both)))) == [(1, ANA), (2, BEN)]


def test_live_work_is_offered_for_a_while_and_the_rest_assigned_at_once() -> None:
    agency = Agency(an_agent(ANA))
    both = named(agency.comes(a_ticket(1), a_ticket(2, channel="email")), Given)
    assert [decision[:-1] for decision in both] == [
        (1, ANA, "offer", 8, False, NOW + 20 * SECOND),
        (2, ANA, "direct", 3, True, None),
    ]
    accepting = Agency(an_agent(ANA), policy=with_rule(auto_accept=True))
    assert [decision.mode for decision in named(accepting.comes(a_ticket(1)), Given)] == ["direct"]


def test_a_skill_learnt_brings_the_waiting_ticket_at_once() -> None:
    agency = Agency(an_agent(ANA, skills=((HOUSING, 1),)))
    assert given(agency.comes(a_ticket(1, plan=a_plan((HOUSING, 2))))) == []
    assert given(agency.tell(events.AgentChanged(an_agent(ANA)))) == [(1, ANA)]


def test_new_rules_apply_to_those_who_wait_and_leave_offers_alone() -> None:
    agency = Agency(an_agent(ANA, caps={}), policy=RIVERTON)
    agency.comes(*(a_ticket(number) for number in (1, 2, 3, 4)))
    wider = replace(
        RIVERTON,
        revision=8,
        channels={**RIVERTON.channels, "chat": replace(RIVERTON.channels["chat"], weight=4, cap=4)},
    )
    effects = agency.tell(events.PolicyChanged(wider))
    assert given(effects) == []
    assert agency.agent(ANA).primary_units == 24, "what was given holds the units it was given with"
    agency.tell(events.OfferDeclined(1, ANA))
    assert agency.ticket(4).state == "offered"


def test_whom_a_ticket_would_go_to_first_gets_what_has_waited_longer() -> None:
    """Ana may not have the older one. Ben, longer idle, would get the younger one from her pick, and the older would go on waiting."""
    ana = an_agent(ANA, caps={"sms": 1}, idle_since=NOW)
    agency = Agency(ana, an_agent(BEN, caps={"sms": 1}, idle_since=NOW - MINUTE))
    older = a_ticket(1, channel="sms", waited=2 * MINUTE, excluded=((ANA, NOW + MINUTE),))
    rows = tuple(replace(one, state=State.QUEUED) for one in (older, a_ticket(2, channel="sms", waited=MINUTE)))
    assert given(agency.tell(events.Reconciled(rows, (ana,)))) == [(1, BEN), (2, ANA)]
