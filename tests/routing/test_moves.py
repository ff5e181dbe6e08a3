"""Passing on, picking, overruling, opening and closing."""

from dataclasses import replace

from routing import FOREVER, State, events
from routing.events import Anomaly, Diverted, Given, Held, Requeued, SlaAtRisk
from tests.routing.worlds import (
    ANA,
    BEN,
    HOUR,
    HOUSING,
    MINUTE,
    NOW,
    OTHER_TEAM,
    PARKING,
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

THERE = a_plan((HOUSING, 2), channel="sms", pool=OTHER_TEAM)
HERE = a_plan((HOUSING, 2), channel="sms")
COLLEAGUE = {"home_pool": OTHER_TEAM, "pools": (OTHER_TEAM,)}


def in_anas_hands(*others: object, **rules: object) -> Agency:
    agency = Agency(an_agent(ANA), *others, policy=with_rule(**rules))  # type: ignore[arg-type]  # agents
    agency.comes(a_ticket(1, channel="sms"))
    return agency


def test_a_ticket_passed_on_keeps_its_place_and_counts_a_hop() -> None:
    agency = in_anas_hands(an_agent(BEN, **COLLEAGUE))
    effects = agency.tell(events.TransferAsked(1, OTHER_TEAM, THERE))
    assert given(effects) == [(1, BEN)]
    ticket = agency.ticket(1)
    assert (ticket.va, ticket.hops, ticket.visited, ticket.queue) == (NOW - 6 * MINUTE, 1, ((TEAM, NOW),), OTHER_TEAM)
    assert agency.agent(ANA).primary_units == 0


def test_a_ticket_passed_on_to_a_colleague_waits_for_them_a_while() -> None:
    full = {"items": {"sms": 5}, "primary_units": 20}
    agency = in_anas_hands(an_agent(BEN, **COLLEAGUE, **full), an_agent(3, **COLLEAGUE))
    asked = events.TransferAsked(1, OTHER_TEAM, THERE, target=BEN, sticky_until=NOW + 20 * SECOND)
    assert given(agency.tell(asked)) == []
    assert given(agency.at(20)) == [(1, 3)]


def test_a_warm_hand_over_has_one_owner_throughout() -> None:
    agency = in_anas_hands(an_agent(BEN, **COLLEAGUE))
    assert agency.tell(events.TransferAsked(1, OTHER_TEAM, THERE, target=BEN, warm=True)) == []
    assert (agency.ticket(1).agent, agency.agent(ANA).primary_units, agency.agent(BEN).primary_units) == (BEN, 0, 4)


def test_a_warm_hand_over_to_one_who_is_away_or_barred_leaves_the_ticket_where_it_is() -> None:
    warm = events.TransferAsked(1, OTHER_TEAM, THERE, target=BEN, warm=True)
    for colleague in (an_agent(BEN, **COLLEAGUE, intent="away"), an_agent(BEN, **COLLEAGUE)):
        agency = in_anas_hands(colleague)
        agency.tell(events.Excluded(1, BEN, FOREVER))
        assert named(agency.tell(warm), Anomaly)
        assert agency.ticket(1).agent == ANA


def test_a_warm_hand_over_respects_the_named_list_of_the_new_queue() -> None:
    agency = in_anas_hands(an_agent(BEN, **COLLEAGUE))
    warm = events.TransferAsked(1, OTHER_TEAM, replace(THERE, named_only=(9,)), target=BEN, warm=True)
    assert named(agency.tell(warm), Anomaly)


def test_back_to_a_queue_visited_today_only_a_supervisor_may_and_the_refusal_names_the_visits() -> None:
    agency = in_anas_hands()
    agency.tell(events.TransferAsked(1, OTHER_TEAM, THERE))
    back = events.TransferAsked(1, TEAM, HERE)
    (refusal,) = agency.tell(back)
    assert isinstance(refusal, Anomaly)
    assert "only a supervisor" in refusal.sentence
    assert f"queues {TEAM}" in refusal.sentence
    assert given(agency.tell(replace(back, supervisor=True))) == [(1, ANA)]


def test_a_day_later_the_way_back_is_open() -> None:
    agency = in_anas_hands()
    agency.tell(events.TransferAsked(1, OTHER_TEAM, THERE))
    agency.at(24 * 3600)
    assert given(agency.tell(events.TransferAsked(1, TEAM, HERE))) == [(1, ANA)]


def test_after_five_hops_only_a_supervisor_may_pass_a_ticket_on() -> None:
    agency = in_anas_hands()
    for queue in range(11, 16):
        assert not named(agency.tell(events.TransferAsked(1, queue, THERE)), Anomaly)
    assert named(agency.tell(events.TransferAsked(1, 16, THERE)), Anomaly)
    assert not named(agency.tell(events.TransferAsked(1, 16, THERE, supervisor=True)), Anomaly)


def test_a_bonus_for_being_passed_on_is_bounded_by_the_largest_head_start() -> None:
    agency = in_anas_hands()
    agency.tell(events.TransferAsked(1, OTHER_TEAM, THERE, bonus_ms=10 * MINUTE))
    assert agency.ticket(1).va == NOW - 16 * MINUTE
    agency.tell(events.TransferAsked(1, 9, THERE, bonus_ms=5 * HOUR))
    assert agency.ticket(1).va == NOW - 66 * MINUTE


def test_what_a_bot_hands_over_it_owns_no_longer() -> None:
    bot = an_agent(9, home_pool=99, pools=(99,), budget=1_000, caps={"sms": 100})
    agency = Agency(bot, an_agent(ANA, intent="away"))
    agency.comes(a_ticket(1, channel="sms", pool=99))
    agency.tell(events.TransferAsked(1, TEAM, HERE))
    assert (agency.ticket(1).agent, agency.ticket(1).state, agency.agent(9).primary_units) == (None, "queued", 0)


# ---- picks and overrides


def test_an_agent_may_pick_a_waiting_ticket_out_of_turn_if_eligible_with_room_and_not_barred() -> None:
    agency = Agency(an_agent(ANA), an_agent(BEN, skills=()), policy=with_rule(strategy="manual"))
    agency.comes(a_ticket(1), a_ticket(2), a_ticket(3, excluded=((ANA, FOREVER),)))
    for ticket, agent in ((1, BEN), (3, ANA), (4, ANA), (1, 77)):
        assert named(agency.tell(events.Picked(ticket, agent)), Anomaly)
    (pick,) = named(agency.tell(events.Picked(2, ANA)), Given)
    assert (pick.ticket, pick.mode, pick.because.rule) == (2, "direct", "picked")
    assert named(agency.tell(events.Picked(2, ANA)), Anomaly), "taken already"


def test_a_supervisor_gives_a_ticket_to_any_present_agent_and_above_their_limit_only_by_choice() -> None:
    agency = Agency(an_agent(ANA, skills=(), caps={"sms": 1}))
    agency.comes(a_ticket(1, channel="sms"), a_ticket(2, channel="sms"))
    assert given(agency.tell(events.Overridden(1, ANA))) == [(1, ANA)]
    assert named(agency.tell(events.Overridden(2, ANA)), Anomaly)
    assert given(agency.tell(events.Overridden(2, ANA, exceed=True))) == [(2, ANA)]
    assert agency.agent(ANA).overbooked == 1
    agency.done(1)
    assert agency.agent(ANA).overbooked == 0


def test_a_supervisor_may_not_break_an_exclusion_nor_give_to_one_who_is_not_there_nor_what_is_held() -> None:
    agency = Agency(an_agent(ANA), an_agent(BEN, intent="offline"))
    agency.tell(events.QueueClosed(OTHER_TEAM))
    agency.comes(a_ticket(1, (HOUSING, 5), excluded=((ANA, FOREVER),)), a_ticket(2, pool=OTHER_TEAM))
    for ticket, agent in ((1, ANA), (1, BEN), (2, ANA)):
        assert named(agency.tell(events.Overridden(ticket, agent, exceed=True)), Anomaly)


def test_a_supervisor_takes_a_ticket_from_one_agent_and_gives_it_to_another() -> None:
    agency = in_anas_hands(an_agent(BEN, intent="away"))
    assert given(agency.tell(events.Overridden(1, BEN))) == [(1, BEN)]
    assert (agency.agent(ANA).primary_units, agency.agent(BEN).primary_units) == (0, 4)


def test_a_ticket_moved_to_the_front_is_next_in_its_line() -> None:
    agency = Agency(an_agent(ANA, caps={"sms": 1}))
    agency.comes(a_ticket(100, channel="sms"), a_ticket(1, channel="sms", waited=9 * MINUTE))
    agency.comes(a_ticket(2, channel="sms", waited=0))
    agency.tell(events.MovedToFront(2))
    assert given(agency.done(100)) == [(2, ANA)]


def test_a_named_list_and_an_exclusion_for_good_never_relax() -> None:
    agency = Agency(an_agent(ANA), an_agent(BEN))
    only_ben = replace(a_plan((HOUSING, 2)), named_only=(BEN,))
    assert given(agency.comes(a_ticket(1, plan=only_ben))) == [(1, BEN)]
    agency.tell(events.AgentIntent(BEN, "away"))
    agency.comes(a_ticket(2, plan=only_ben), a_ticket(3, excluded=((ANA, FOREVER),)))
    assert given(agency.at(3 * 24 * 3600)) == []


# ---- hours and limits


def test_what_arrives_while_closed_is_held_and_enters_at_opening_at_its_own_place() -> None:
    agency = Agency(an_agent(ANA, caps={"email": 1}))
    agency.tell(events.QueueClosed(TEAM))
    effects = agency.comes(a_ticket(1, channel="email", waited=0), a_ticket(2, channel="email", waited=MINUTE))
    assert len(named(effects, Held)) == 2
    agency.at(9 * 3600)
    assert given(agency.tell(events.QueueOpened(TEAM))) == [(2, ANA)]
    assert (agency.ticket(1).va, agency.ticket(1).state) == (NOW, "queued")


def test_live_tickets_waiting_at_closing_wait_half_an_hour_more_and_get_a_message_then() -> None:
    agency = Agency(an_agent(ANA, intent="away"))
    agency.comes(a_ticket(1), a_ticket(2, channel="email"))
    agency.tell(events.QueueClosed(TEAM))
    assert agency.at(29 * 60) == []
    assert [one.ticket for one in named(agency.at(30 * 60), Diverted)] == [1]
    assert agency.ticket(2).state == "queued"


def test_a_ticket_changed_after_closing_is_not_forgotten_at_the_end() -> None:
    """Found while writing the oracle: a change disarmed the closing timer, and the citizen waited for ever."""
    agency = Agency(an_agent(ANA, intent="away"))
    agency.comes(a_ticket(1))
    agency.tell(events.QueueClosed(TEAM))
    agency.tell(events.TicketChanged(1, priority=1, va=NOW - 11 * MINUTE))
    assert named(agency.at(30 * 60), Diverted)


def test_a_ticket_declined_after_closing_goes_on_waiting_and_is_not_held_until_morning() -> None:
    agency = Agency(an_agent(ANA), an_agent(BEN, items={"chat": 3}))
    agency.comes(a_ticket(1))
    agency.tell(events.QueueClosed(TEAM))
    agency.tell(events.OfferDeclined(1, ANA))
    assert agency.ticket(1).state == "queued"
    assert given(agency.at(120)) == [(1, ANA)]


def test_a_queue_that_opens_again_in_time_diverts_nobody() -> None:
    agency = Agency(an_agent(ANA, intent="away"))
    agency.comes(a_ticket(1))
    agency.tell(events.QueueClosed(TEAM))
    agency.at(60)
    agency.tell(events.QueueOpened(TEAM))
    assert agency.at(2 * 3600) == []


def test_beyond_the_most_that_may_wait_a_new_one_gets_a_message_and_mail_never_does() -> None:
    agency = Agency(an_agent(ANA, intent="away"), policy=with_rule(most_waiting=2))
    effects = agency.comes(*(a_ticket(number) for number in (1, 2, 3)))
    assert [one.ticket for one in named(effects, Diverted)] == [3]
    mail = agency.comes(*(a_ticket(number, channel="email") for number in range(11, 16)))
    assert named(mail, Diverted) == []
    agency.tell(events.TicketCancelled(1))
    assert agency.comes(a_ticket(3)) == [], "who was turned away may come again"


def test_nobody_is_turned_away_while_an_agent_is_free_for_them() -> None:
    agency = Agency(
        an_agent(ANA, skills=((HOUSING, 3),)), an_agent(BEN, skills=((PARKING, 3),)), policy=with_rule(most_waiting=1)
    )
    agency.tell(events.AgentIntent(ANA, "away"))
    agency.comes(a_ticket(1))
    effects = agency.comes(a_ticket(2, (PARKING, 1)), a_ticket(3))
    assert [(one.ticket, one.agent) for one in named(effects, Given)] == [(2, BEN)]
    assert [one.ticket for one in named(effects, Diverted)] == [3]


def test_a_deadline_three_quarters_gone_is_told_once() -> None:
    agency = Agency(an_agent(ANA, intent="away"))
    agency.comes(a_ticket(1, waited=0, sla_deadline=NOW + 100 * SECOND))
    assert agency.at(74) == []
    assert len(named(agency.at(75), SlaAtRisk)) == 1
    assert agency.at(300) == []


# ---- rows


def test_a_refused_claim_is_undone_and_decided_again_when_the_row_was_read() -> None:
    agency = Agency(an_agent(ANA), an_agent(BEN))
    agency.comes(a_ticket(1, channel="sms"))
    agency.tell(events.ClaimRefused(1))
    assert agency.agent(ANA).primary_units == 0
    row = replace(agency.ticket(1), state=State.QUEUED, version=9)
    assert given(agency.tell(events.Reconciled((row,)))) == [(1, BEN)], "Ana just had an item"


def test_rows_that_say_what_is_known_disturb_nothing() -> None:
    agency = in_anas_hands(an_agent(BEN))
    snapshot = agency.engine.snapshot()
    assert agency.tell(events.Reconciled(snapshot.tickets, snapshot.agents)) == []
    assert agency.engine.snapshot() == snapshot


def test_a_ticket_given_back_by_row_does_not_wait_for_the_agent_who_gave_it_back() -> None:
    """Found by a random day: the row named who declined as barred and as the one to wait for."""
    agency = Agency(an_agent(ANA), an_agent(BEN))
    agency.comes(a_ticket(1, preferred_agent=ANA, sticky_until=NOW + 60 * SECOND))
    ana = replace(agency.agent(ANA), items={}, primary_units=0)
    row = replace(
        agency.ticket(1),
        state=State.QUEUED,
        agent=None,
        units=0,
        offer_expires=None,
        excluded=((ANA, NOW + 120 * SECOND),),
    )
    assert given(agency.tell(events.Reconciled((row,), (ana,)))) == [(1, BEN)]


def test_a_ticket_gone_from_the_rows_frees_its_agent() -> None:
    agency = Agency(an_agent(ANA, caps={"sms": 1}))
    agency.comes(a_ticket(1, channel="sms"), a_ticket(2, channel="sms"))
    ana = replace(agency.agent(ANA), items={}, primary_units=0)
    assert given(agency.tell(events.Reconciled(agents=(ana,), gone=(1,)))) == [(2, ANA)]


def test_a_lost_line_read_from_a_row_starts_the_same_clock() -> None:
    agency = in_anas_hands(an_agent(BEN, idle_since=NOW))
    lost = replace(agency.agent(ANA), health="lost", health_since=NOW)
    agency.tell(events.Reconciled(agents=(lost,)))
    assert [one.because.rule for one in named(agency.at(30), Requeued)] == ["line_lost"]
