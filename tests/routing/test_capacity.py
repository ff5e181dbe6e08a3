"""An agent has room by items and by units; live work does not see the filler."""

import pytest

from routing import has_room, units_of, with_work
from tests.routing.worlds import NOW, RIVERTON, an_agent


def test_a_third_chat_fits_and_a_fourth_does_not() -> None:
    assert has_room(an_agent(1, items={"chat": 2}, primary_units=16), "chat", RIVERTON)
    assert not has_room(an_agent(1, items={"chat": 3}, primary_units=24, budget=99), "chat", RIVERTON)


def test_an_agent_may_have_a_cap_of_their_own() -> None:
    trainee = an_agent(1, caps={"chat": 1}, items={"chat": 1}, primary_units=8)
    assert not has_room(trainee, "chat", RIVERTON)
    assert has_room(trainee, "sms", RIVERTON)
    assert not has_room(an_agent(1, caps={"sms": 0}), "sms", RIVERTON)


def test_an_agent_above_their_limit_has_no_room_for_anything() -> None:
    assert not has_room(an_agent(1, overbooked=1), "email", RIVERTON)


def test_live_work_is_admitted_as_if_filler_were_not_there() -> None:
    buried_in_mail = an_agent(1, items={"email": 8}, filler_units=24)
    assert has_room(buried_in_mail, "chat", RIVERTON)


def test_filler_takes_only_what_everything_else_leaves() -> None:
    assert has_room(an_agent(1, primary_units=16, filler_units=5), "email", RIVERTON)
    assert not has_room(an_agent(1, primary_units=16, filler_units=6), "email", RIVERTON)


def test_live_units_may_fill_the_budget_to_the_last_unit() -> None:
    assert has_room(an_agent(1, primary_units=20), "sms", RIVERTON)
    assert not has_room(an_agent(1, primary_units=21), "sms", RIVERTON)


def test_work_taken_holds_units_of_its_kind_and_ends_the_idle_time() -> None:
    agent = an_agent(1, items={"chat": 1}, primary_units=8)
    chatting = with_work(agent, "chat", RIVERTON, NOW)
    mailing = with_work(agent, "email", RIVERTON, NOW)
    assert (chatting.items, chatting.primary_units, chatting.filler_units) == ({"chat": 2}, 16, 0)
    assert (mailing.items, mailing.primary_units, mailing.filler_units) == ({"chat": 1, "email": 1}, 8, 3)
    assert (chatting.idle_since, chatting.last_assigned) == (NOW, NOW)
    assert agent.items == {"chat": 1}


@pytest.mark.parametrize(("channel", "units"), [("chat", (8, False)), ("sms", (4, False)), ("email", (3, True))])
def test_units_follow_the_channel(channel: str, units: tuple[int, bool]) -> None:
    assert units_of(channel, RIVERTON) == units
