"""Which agent is best placed, and the first thing that keeps one from taking a ticket."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing import agent_key, first_failing_check
from routing.choosing import LEAD_SHIFT, NO_ROOM, SECONDARY, Choice, Keys, PlainKeys
from tests.routing.worlds import HOUSING, NOW, OTHER_TEAM, PARKING, RIVERTON, SPANISH, a_ticket, an_agent

# Everything is wrong with the first agent; each further line mends one thing, in the order in which it is asked.
MENDED: list[tuple[str | None, dict[str, Any]]] = [
    ("signed_in", {}),
    ("signed_in", {"intent": "available"}),
    ("available", {"intent": "away", "health": "grace"}),
    ("connected", {"intent": "available"}),
    ("channel", {"health": "connected"}),
    ("pool", {"channels_on": ("chat",)}),
    ("skill", {"pools": (1,)}),
    ("level", {"skills": ((HOUSING, 1), (SPANISH, 1))}),
    ("exclusion", {"skills": ((HOUSING, 2), (SPANISH, 1))}),
    ("room", {"id": 2}),
    (None, {"items": {}}),
]


@pytest.mark.parametrize("step", range(len(MENDED)))
def test_the_first_failing_check_is_the_one_that_is_told(step: int) -> None:
    facts: dict[str, Any] = {
        "id": 1,
        "intent": "offline",
        "health": "lost",
        "channels_on": (),
        "pools": (OTHER_TEAM,),
        "skills": ((HOUSING, 1), (PARKING, 1)),
        "items": {"chat": 3},
    }
    for _, repair in MENDED[: step + 1]:
        facts.update(repair)
    agent = an_agent(facts.pop("id"), **facts)
    ticket = a_ticket(1, (HOUSING, 2), (SPANISH, 1), excluded=((1, NOW + 1),))
    assert first_failing_check(agent, ticket, RIVERTON, NOW) == MENDED[step][0]


def test_live_work_looks_at_live_load_and_filler_at_everything() -> None:
    agent = an_agent(9, primary_units=8, filler_units=6, idle_since=123)
    assert agent_key(agent, a_ticket(1), RIVERTON) == (333, 0, 37, 1, 123, 9)
    assert agent_key(agent, a_ticket(1, channel="email"), RIVERTON) == (14, 0, 37, 1, 123, 9)


def test_secondary_work_ranks_second() -> None:
    assert agent_key(an_agent(1, primary=()), a_ticket(1), RIVERTON)[1] == 1


def test_the_key_stays_in_its_bounds_for_an_overbooked_generalist() -> None:
    agent = an_agent(1, skills=tuple((n, 1) for n in range(40)), primary_units=32, budget=24)
    assert agent_key(agent, a_ticket(1), RIVERTON)[:4] == (1023, 0, 63, 15)


def test_an_agent_without_a_budget_has_a_key_too() -> None:
    assert agent_key(an_agent(1, budget=0), a_ticket(1), RIVERTON)[0] == 0


def test_what_comes_after_a_spread_key_is_ordered_as_the_queue_chose() -> None:
    agent = an_agent(9, items={"chat": 1, "sms": 1}, primary_units=12, idle_since=123, last_assigned=77)
    ticket = a_ticket(1)
    assert agent_key(agent, ticket, RIVERTON, "longest_idle") == (500, 0, 123, 9)
    assert agent_key(agent, ticket, RIVERTON, "round_robin") == (0, 77, 9)
    assert agent_key(agent, ticket, RIVERTON, "most_spare") == (1023 - 12, 0, 123, 9)
    assert agent_key(agent, ticket, RIVERTON, "least_active") == (2, 0, 123, 9)


keys_of_primary_work = st.one_of(
    st.integers(0, 3),
    st.builds(lambda lead, rest: lead << LEAD_SHIFT | rest, st.integers(0, 1023), st.integers(0, SECONDARY - 1)),
    st.just(NO_ROOM),
)


@given(st.lists(keys_of_primary_work, min_size=2, max_size=90), st.randoms(use_true_random=False))
def test_the_arrays_with_and_without_numpy_name_the_same_seat(keys: list[int], chance: Any) -> None:
    seats = chance.sample(range(len(keys)), chance.randint(1, len(keys)))
    primary, secondary = (sorted(seats[half::2]) for half in (0, 1))
    plain, fast = PlainKeys(), Keys()
    both: list[Choice] = [plain, fast]
    for choice in both:
        choice.grow(len(keys))
        for seat, key in enumerate(keys):
            choice.write(seat, key)
    of_both = [(keys[seat], seat) for seat in primary] + [(keys[seat] + SECONDARY, seat) for seat in secondary]
    in_order = sorted(one for one in of_both if one[0] < NO_ROOM)
    for choice in both:
        asked = choice.of(primary, secondary)
        assert choice.ranked(asked) == in_order
        assert choice.first(asked) == in_order[0] if in_order else choice.first(asked)[0] >= NO_ROOM
