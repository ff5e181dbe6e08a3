"""Urgent tickets get a head start, never a free pass."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing import Signature, is_primary, order_of, score, virtual_arrival
from routing.ordering import NOBODY, Lines, ticket_of, turn_of, va_of
from tests.routing.worlds import (
    HOUSING,
    MINUTE,
    NOW,
    OTHER_TEAM,
    PARKING,
    RIVERTON,
    a_plan,
    a_ticket,
    an_agent,
    with_rule,
)

HOUR = 60 * MINUTE

# channel, priority, vulnerable, then in minutes: deadline after arrival, reference of the channel, head start
HEAD_STARTS = [
    ("chat", 0, False, None, 0, 0),
    ("chat", 1, False, None, 0, 5),
    ("chat", 2, False, None, 0, 15),
    ("chat", 3, False, None, 0, 60),
    ("chat", 4, False, None, 0, 60),
    ("chat", 0, True, None, 0, 10),
    ("chat", 2, True, None, 0, 25),
    ("chat", 3, True, None, 0, 60),  # 70 minutes, but live work never gets more than an hour
    ("email", 3, True, None, 0, 70),
    ("email", 0, False, 4 * 60, 8 * 60, 240),  # four hours tighter than the laxest target of the channel
    ("email", 3, True, 7 * 60, 8 * 60, 70),  # the deadline would give an hour, the bonuses give more
    ("email", 0, False, 8 * 60, 8 * 60, 0),
    ("email", 0, False, 9 * 60, 8 * 60, 0),  # a laxer deadline than the reference never makes it arrive later
    ("email", 0, False, 60, 48 * 60, 24 * 60),  # never more than a day
]


@pytest.mark.parametrize(("channel", "priority", "vulnerable", "deadline", "reference", "head_start"), HEAD_STARTS)
def test_a_head_start_is_counted_from_the_real_arrival(
    channel: str, priority: int, vulnerable: bool, deadline: int | None, reference: int, head_start: int
) -> None:
    arrived = virtual_arrival(
        arrived_at=NOW,
        priority=priority,
        vulnerable=vulnerable,
        channel=channel,
        policy=RIVERTON,
        sla_deadline=None if deadline is None else NOW + deadline * MINUTE,
        sla_reference_ms=reference * MINUTE,
    )
    assert arrived == NOW - head_start * MINUTE


@given(
    st.sampled_from(["chat", "email"]), st.integers(0, 4), st.booleans(), st.integers(0, 10**9), st.integers(0, 10**9)
)
def test_nobody_arrives_later_than_they_did_nor_earlier_than_the_limit(
    channel: str, priority: int, vulnerable: bool, deadline: int, reference: int
) -> None:
    def arrival(priority: int, vulnerable: bool, deadline: int) -> int:
        return virtual_arrival(
            arrived_at=NOW,
            priority=priority,
            vulnerable=vulnerable,
            channel=channel,
            policy=RIVERTON,
            sla_deadline=NOW + deadline,
            sla_reference_ms=reference,
        )

    va = arrival(priority, vulnerable, deadline)
    assert NOW - (HOUR if channel == "chat" else 24 * HOUR) <= va <= NOW
    assert arrival(min(priority + 1, 4), vulnerable, deadline) <= va
    assert arrival(priority, True, deadline) <= va
    assert arrival(priority, vulnerable, deadline // 2) <= va


def test_work_is_primary_when_all_its_skills_are_and_it_is_of_the_home_team() -> None:
    agent = an_agent(1, primary=(HOUSING,), pools=(1, OTHER_TEAM), skills=((HOUSING, 3), (PARKING, 3)))
    assert is_primary(a_ticket(1), agent)
    assert is_primary(a_ticket(1, plan=a_plan()), agent)
    assert not is_primary(a_ticket(1, (HOUSING, 1), (PARKING, 1)), agent)
    assert not is_primary(a_ticket(1, pool=OTHER_TEAM), agent)


def test_own_work_weighs_twice_as_much_as_other_work_of_the_same_age() -> None:
    ticket, stranger = a_ticket(1, va=NOW - 3000), an_agent(1, primary=())
    assert score(ticket, an_agent(1), RIVERTON, NOW) == 300_000
    assert score(ticket, stranger, RIVERTON, NOW) == 150_000
    assert score(ticket, stranger, with_rule(secondary_weight=25), NOW) == 75_000


def test_a_ticket_stamped_by_a_fast_clock_has_no_age_yet() -> None:
    assert score(a_ticket(1, va=NOW + 5), an_agent(1), RIVERTON, NOW) == 0


def test_equal_tickets_are_ordered_by_virtual_arrival_then_arrival_then_number() -> None:
    tickets = [
        a_ticket(1, va=5, arrived_at=9),
        a_ticket(2, va=4, arrived_at=9),
        a_ticket(3, va=5, arrived_at=8),
        a_ticket(4, va=5, arrived_at=9),
    ]
    assert [ticket.id for ticket in sorted(tickets, key=order_of)] == [2, 3, 1, 4]


instants = st.integers(-(1 << 41), 1 << 42)
turns = st.lists(st.tuples(instants, st.integers(0, 1 << 42), st.integers(0, (1 << 63) - 1)), min_size=1)


@given(turns)
def test_turns_order_as_their_fields_do_and_give_them_back(fields: list[tuple[int, int, int]]) -> None:
    made = sorted(turn_of(*one) for one in fields)
    assert made == [turn_of(*one) for one in sorted(fields)]
    assert [(va_of(turn), ticket_of(turn)) for turn in made] == [(va, ticket) for va, _, ticket in sorted(fields)]
    assert made[-1] < NOBODY


joins_and_leaves = st.lists(st.tuples(st.integers(0, 5), st.integers(1, 60), st.integers(0, 2)), max_size=400)


@given(joins_and_leaves)
def test_the_head_of_a_line_is_its_first_whoever_left_from_wherever(steps: list[tuple[int, int, int]]) -> None:
    lines, standing = Lines(), dict[int, int]()
    line = lines.open(Signature("sms", 1))
    for va, ticket, _ in steps:
        if ticket in standing:
            lines.leave(line.number, standing[ticket])
            del standing[ticket]
        else:
            standing[ticket] = turn_of(va, va, ticket)
            lines.join(line.number, standing[ticket])
        in_order = sorted(standing.values())
        head = lines.heads[line.number]
        assert head == (in_order[0] if standing else NOBODY)
        assert list(line.in_order()) == in_order
        assert len(line.heap) <= max(33, 2 * len(line) + 1), "ghosts are swept out"
