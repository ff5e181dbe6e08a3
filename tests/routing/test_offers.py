"""Offers: accepted, declined, missed, taken back; lines that are lost; wrap-up."""

from dataclasses import replace

import pytest

from routing import FOREVER, events
from routing.events import Anomaly, Closed, NotResponding, Requeued, Rescinded
from tests.routing.worlds import (
    ANA,
    BEN,
    HOUSING,
    MINUTE,
    NOW,
    PARKING,
    RIVERTON,
    SECOND,
    Agency,
    a_plan,
    a_ticket,
    an_agent,
    given,
    named,
    with_rule,
)


def test_a_ticket_keeps_its_place_after_a_decline() -> None:
    agency = Agency(an_agent(ANA), an_agent(BEN, idle_since=NOW))
    agency.comes(a_ticket(1))
    effects = agency.tell(events.OfferDeclined(1, ANA, "break"))
    assert given(effects) == [(1, BEN)]
    assert agency.ticket(1).va == NOW - 6 * MINUTE


def test_who_declined_is_not_asked_again_for_two_minutes_while_others_are_there() -> None:
    agency = Agency(an_agent(ANA), an_agent(BEN, items={"chat": 3}))
    agency.comes(a_ticket(1))
    agency.tell(events.OfferDeclined(1, ANA))
    assert given(agency.at(119)) == []
    assert given(agency.at(120)) == [(1, ANA)]


def test_who_declined_is_asked_again_after_a_moment_when_nobody_else_is_there() -> None:
    agency = Agency(an_agent(ANA), an_agent(BEN, intent="away"))
    agency.comes(a_ticket(1))
    agency.tell(events.OfferDeclined(1, ANA))
    assert given(agency.at(19)) == []
    assert given(agency.at(20)) == [(1, ANA)]


def test_an_available_agent_of_a_team_that_was_added_counts_as_somebody_else() -> None:
    plan = replace(a_plan((HOUSING, 2)), overflow=((2, 5),))
    agency = Agency(an_agent(ANA), an_agent(BEN, pools=(2,), home_pool=2, items={"chat": 3}))
    agency.comes(replace(a_ticket(1), plan=plan, overflowed=(2,), entered_at=NOW - 10 * SECOND))
    agency.tell(events.OfferDeclined(1, ANA))
    assert given(agency.at(119)) == []


def test_a_decline_is_not_a_miss_and_frees_the_slot() -> None:
    agency = Agency(an_agent(ANA))
    agency.comes(a_ticket(1))
    agency.tell(events.OfferDeclined(1, ANA))
    ana = agency.agent(ANA)
    assert (ana.misses, ana.primary_units, dict(ana.items)) == (0, 0, {})


def test_an_offer_nobody_answers_goes_back_at_its_place_and_to_somebody_else() -> None:
    agency = Agency(an_agent(ANA), an_agent(BEN, idle_since=NOW))
    agency.comes(a_ticket(1))
    effects = agency.at(20)
    assert [one.because.rule for one in named(effects, Requeued)] == ["timed_out"]
    assert given(effects) == [(1, BEN)]
    assert (agency.agent(ANA).misses, agency.ticket(1).va) == (1, NOW - 6 * MINUTE)


def test_two_missed_offers_in_a_row_make_an_agent_away_until_they_act() -> None:
    agency = Agency(an_agent(ANA))
    agency.comes(a_ticket(1), a_ticket(2))
    effects = agency.at(20)
    assert [one.agent for one in named(effects, NotResponding)] == [ANA]
    assert agency.agent(ANA).intent == "away"
    assert given(agency.at(300)) == []
    assert given(agency.tell(events.AgentIntent(ANA, "available"))) == [(1, ANA), (2, ANA)]
    assert agency.agent(ANA).misses == 0


def test_an_accepted_offer_forgets_the_miss_before_it() -> None:
    agency = Agency(an_agent(ANA))
    agency.comes(a_ticket(1))
    agency.at(40)
    agency.tell(events.OfferAccepted(1, ANA))
    assert (agency.ticket(1).state, agency.agent(ANA).misses) == ("assigned", 0)
    assert agency.at(600) == []


def test_accepting_twice_is_once_and_accepting_too_late_is_told() -> None:
    agency = Agency(an_agent(ANA), an_agent(BEN, idle_since=NOW))
    agency.comes(a_ticket(1))
    assert agency.tell(events.OfferAccepted(1, ANA)) == agency.tell(events.OfferAccepted(1, ANA)) == []
    agency.comes(a_ticket(2))
    agency.at(20)
    (late,) = agency.tell(events.OfferAccepted(2, BEN))
    assert isinstance(late, Anomaly)
    assert "no longer" in late.sentence


def test_an_offer_answered_after_its_time_but_before_anybody_acted_counts() -> None:
    agency = Agency(an_agent(ANA))
    agency.comes(a_ticket(1))
    agency.now = NOW + 25 * SECOND
    assert agency.tell(events.OfferAccepted(1, ANA)) == []
    assert agency.tell(events.Tick()) == []
    assert agency.ticket(1).state == "assigned"


def test_an_offer_of_a_cancelled_ticket_is_taken_back() -> None:
    agency = Agency(an_agent(ANA))
    agency.comes(a_ticket(1))
    (effect,) = agency.tell(events.TicketCancelled(1))
    assert isinstance(effect, Rescinded)
    assert agency.agent(ANA).primary_units == 0


def test_an_offer_that_no_longer_fits_the_agent_is_taken_back_and_offered_to_one_it_fits() -> None:
    agency = Agency(an_agent(ANA), an_agent(BEN, skills=((PARKING, 1),)))
    agency.comes(a_ticket(1))
    effects = agency.tell(events.TicketChanged(1, plan=a_plan((PARKING, 1))))
    assert [one.agent for one in named(effects, Rescinded)] == [ANA]
    assert given(effects) == [(1, BEN)]


def test_an_offer_is_taken_back_from_an_agent_who_turns_out_to_be_barred() -> None:
    agency = Agency(an_agent(ANA), an_agent(BEN, idle_since=NOW))
    agency.comes(a_ticket(1))
    assert given(agency.tell(events.Excluded(1, ANA, FOREVER))) == [(1, BEN)]


def test_an_offer_of_a_ticket_passed_on_is_taken_back() -> None:
    """Found by counting how offers end: the console was left with an offer nobody stood behind."""
    agency = Agency(an_agent(ANA))
    agency.comes(a_ticket(1))
    effects = agency.tell(events.TransferAsked(1, 2, a_plan((HOUSING, 2), pool=2)))
    assert [(one.agent, one.because.rule) for one in named(effects, Rescinded)] == [(ANA, "transferred")]


# ---- lost lines


def lost_line(channel: str) -> Agency:
    agency = Agency(an_agent(ANA), an_agent(BEN, idle_since=NOW))
    agency.comes(a_ticket(1, channel=channel))
    return agency


def test_a_lost_line_stops_new_work_at_once_and_after_ten_seconds_its_offers_go_to_others() -> None:
    agency = lost_line("chat")
    agency.tell(events.AgentHealth(ANA, "grace"))
    assert given(agency.comes(a_ticket(2, channel="sms"))) == [(2, BEN)]
    assert agency.at(9) == []
    effects = agency.at(10)
    assert (named(effects, Rescinded)[0].agent, given(effects)) == (ANA, [(1, BEN)])


def test_an_agent_back_before_the_limit_has_lost_nothing() -> None:
    agency = lost_line("chat")
    agency.tell(events.AgentHealth(ANA, "grace"))
    agency.at(9)
    agency.tell(events.AgentHealth(ANA, "connected"))
    assert agency.at(19) == []
    assert agency.ticket(1).agent == ANA


def test_a_line_that_counts_as_lost_at_once_gives_its_offers_back_at_once() -> None:
    agency = lost_line("chat")
    assert given(agency.tell(events.AgentHealth(ANA, "lost"))) == [(1, BEN)]


def test_thirty_seconds_after_the_agent_is_lost_live_work_queues_again_with_a_bonus_and_waits_a_moment_for_them() -> (
    None
):
    agency = lost_line("sms")
    agency.tell(events.AgentHealth(ANA, "lost"))
    assert agency.at(29) == []
    effects = agency.at(30)
    assert [one.because.rule for one in named(effects, Requeued)] == ["line_lost"]
    assert (agency.ticket(1).va, agency.ticket(1).arrived_at) == (NOW - 11 * MINUTE, NOW - 6 * MINUTE)
    assert given(agency.at(49)) == []
    assert given(agency.at(50)) == [(1, BEN)]


def test_an_agent_who_comes_back_in_that_moment_gets_their_conversation_back() -> None:
    agency = lost_line("sms")
    agency.tell(events.AgentHealth(ANA, "lost"))
    agency.at(40)
    assert given(agency.tell(events.AgentHealth(ANA, "connected"))) == [(1, ANA)]


def test_mail_stays_with_an_agent_whose_line_is_lost() -> None:
    agency = lost_line("email")
    agency.tell(events.AgentHealth(ANA, "lost"))
    assert agency.at(3_600) == []
    assert agency.ticket(1).agent == ANA


# ---- wrap-up


@pytest.fixture
def wrapping_up() -> Agency:
    agency = Agency(an_agent(ANA, caps={"sms": 1}), policy=with_rule(wrap_up_s=60))
    agency.comes(a_ticket(1, channel="sms"), a_ticket(2, channel="sms"))
    agency.done(1)
    return agency


def test_wrap_up_holds_its_units_and_ends_with_its_time(wrapping_up: Agency) -> None:
    assert (wrapping_up.ticket(1).state, wrapping_up.agent(ANA).primary_units) == ("wrapup", 4)
    assert wrapping_up.at(59) == []
    effects = wrapping_up.at(60)
    assert (len(named(effects, Closed)), given(effects)) == (1, [(2, ANA)])


def test_wrap_up_ends_when_the_agent_or_a_supervisor_says_so(wrapping_up: Agency) -> None:
    assert given(wrapping_up.tell(events.WrapUpEnded(1))) == [(2, ANA)]


def test_closing_a_ticket_again_does_not_end_its_wrap_up(wrapping_up: Agency) -> None:
    assert named(wrapping_up.done(1), Anomaly)
    assert wrapping_up.ticket(1).state == "wrapup"


# ---- parked and woken


def test_a_quiet_conversation_gives_its_units_back_and_takes_them_again_when_the_citizen_writes() -> None:
    agency = Agency(an_agent(ANA, caps={"chat": 1}))
    agency.comes(a_ticket(1), a_ticket(2))
    agency.tell(events.OfferAccepted(1, ANA))
    assert given(agency.tell(events.CitizenSilent(1))) == [(2, ANA)]
    agency.tell(events.CitizenReplied(1))
    ana = agency.agent(ANA)
    assert (agency.ticket(1).state, dict(ana.items), ana.overbooked) == ("assigned", {"chat": 2}, 1)


def test_an_agent_is_over_the_limit_by_one_at_most_and_gets_nothing_new_meanwhile() -> None:
    agency = Agency(an_agent(ANA, caps={"sms": 1}))
    for number in (1, 2, 3):
        agency.comes(a_ticket(number, channel="sms"))
        agency.tell(events.Answered(number))
    for number in (1, 2, 3):
        agency.tell(events.CitizenReplied(number, NOW, NOW))
    assert [agency.ticket(number).state for number in (1, 2, 3)] == ["assigned", "assigned", "queued"]
    assert given(agency.comes(a_ticket(4))) == []
    assert given(agency.done(1)) == [(4, ANA)], "there is room for a chat again, but none for a text message"


def test_a_reply_to_an_absent_agent_is_a_new_arrival_and_a_parked_one_keeps_its_place() -> None:
    agency = Agency(an_agent(ANA))
    agency.comes(a_ticket(1, channel="sms"), a_ticket(2, channel="sms"))
    agency.tell(events.Answered(1))
    agency.tell(events.CitizenSilent(2))
    agency.tell(events.AgentIntent(ANA, "away"))
    agency.tell(events.CitizenReplied(1, NOW, NOW - MINUTE))
    agency.tell(events.CitizenReplied(2))
    assert (agency.ticket(1).arrived_at, agency.ticket(1).va) == (NOW, NOW - MINUTE)
    assert (agency.ticket(2).arrived_at, agency.ticket(2).va) == (NOW - 6 * MINUTE, NOW - 6 * MINUTE)


def test_a_woken_ticket_does_not_return_to_an_agent_barred_from_it_meanwhile() -> None:
    """Found while writing the oracle: the way back past an exclusion was open."""
    agency = Agency(an_agent(ANA), an_agent(BEN, idle_since=NOW))
    agency.comes(a_ticket(1, channel="sms"))
    agency.tell(events.CitizenSilent(1))
    agency.tell(events.Excluded(1, ANA, FOREVER))
    assert given(agency.tell(events.CitizenReplied(1))) == [(1, BEN)]


def test_a_raised_limit_ends_the_over_booking() -> None:
    agency = Agency(an_agent(ANA, caps={"sms": 1}), policy=RIVERTON)
    agency.comes(a_ticket(1, channel="sms"))
    agency.tell(events.Overridden(1, ANA))
    agency.comes(a_ticket(2, channel="sms"))
    agency.tell(events.Overridden(2, ANA, exceed=True))
    assert agency.agent(ANA).overbooked == 1
    agency.comes(a_ticket(3, channel="sms"))
    assert given(agency.tell(events.AgentChanged(an_agent(ANA, caps={"sms": 3})))) == [(3, ANA)]
