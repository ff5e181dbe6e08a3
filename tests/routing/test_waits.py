"""A ticket that waits can say why."""

from dataclasses import replace
from typing import Any

import pytest

from routing import FOREVER, Plan, Req, Ring, Signature, State, Waiting, in_words, why_waiting
from routing.waits import Change
from tests.routing.day import a_random_day
from tests.routing.worlds import (
    HOUSING,
    MINUTE,
    NOW,
    OTHER_TEAM,
    RIVERTON,
    SECOND,
    TEAM,
    a_plan,
    a_ticket,
    an_agent,
    with_rule,
)

FULL: dict[str, Any] = {"items": {"chat": 3}, "primary_units": 24}


def waiting(**changes: Any) -> Waiting:
    facts: dict[str, Any] = {
        "position": 3,
        "of": 9,
        "with_room": 0,
        "full": 5,
        "away": 0,
        "offline": 0,
        "unservable": False,
        "hold": None,
        "waited_ms": 6 * MINUTE + 59_999,
    }
    return Waiting(**{**facts, **changes})


WORDS = [
    (
        waiting(),
        "Waiting 6 min, 3rd of 9: 5 agents qualify, all full.",
        "En espera desde hace 6 min, 3.º de 9: 5 agentes cumplen los requisitos, todos al máximo de su capacidad.",
    ),
    (
        waiting(position=1, of=1, full=2, away=1, offline=4),
        "Waiting 6 min, 1st of 1: 7 agents qualify, 2 full, 1 away, 4 offline.",
        "En espera desde hace 6 min, 1.º de 1: 7 agentes cumplen los requisitos, "
        "2 al máximo de su capacidad, 1 en pausa, 4 sin conexión.",
    ),
    (
        waiting(position=12, of=22, full=0, away=1, waited_ms=59_999),
        "Waiting less than a minute, 12th of 22: 1 agent qualifies, away.",
        "En espera desde hace menos de un minuto, 12.º de 22: 1 agente cumple los requisitos, en pausa.",
    ),
    (
        waiting(position=22, of=22, full=1, with_room=2, hold="exclusion", waited_ms=125 * MINUTE),
        "Waiting 2 h 5 min, 22nd of 22: 3 agents qualify, 2 with room but not allowed this ticket for now, 1 full.",
        "En espera desde hace 2 h 5 min, 22.º de 22: 3 agentes cumplen los requisitos, "
        "2 con capacidad, pero sin poder llevar este caso por ahora, 1 al máximo de su capacidad.",
    ),
    (
        waiting(position=1, of=4, full=0, unservable=True, waited_ms=(2 * 24 * 60 + 5) * MINUTE),
        "Waiting 2 d, 1st of 4: no agent has the team, channel and skills it needs, so nobody can take it.",
        "En espera desde hace 2 d, 1.º de 4: nadie tiene el equipo, el canal y las competencias que requiere, "
        "así que nadie puede atenderlo.",
    ),
]


@pytest.mark.parametrize(("wait", "english", "spanish"), WORDS)
def test_a_wait_is_told_in_one_sentence(wait: Waiting, english: str, spanish: str) -> None:
    assert in_words(wait, "en") == english
    assert in_words(wait, "es") == spanish
    assert in_words(wait, "fr") == english


@pytest.mark.parametrize(
    ("position", "word"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (13, "13th"), (21, "21st"), (111, "111th")],
)
def test_places_in_the_line_are_counted_in_plain_english(position: int, word: str) -> None:
    assert f", {word} of 200:" in in_words(waiting(position=position, of=200), "en")


def test_the_place_is_counted_among_tickets_of_the_same_kind() -> None:
    ticket = a_ticket(5)
    ahead, behind = a_ticket(4), a_ticket(6)
    urgent = a_ticket(9, va=ticket.va - MINUTE)
    other_kinds = [a_ticket(1, plan=a_plan()), a_ticket(2, pool=OTHER_TEAM), a_ticket(3, channel="email")]
    everybody = [behind, ahead, ticket, urgent, *other_kinds]
    told = why_waiting(ticket, everybody, [an_agent(1)], RIVERTON, NOW)
    assert (told.position, told.of, told.waited_ms) == (3, 4, 6 * MINUTE)
    assert told == why_waiting(ticket, [behind, ahead, urgent], [an_agent(1)], RIVERTON, NOW)


def test_agents_who_could_serve_it_are_counted_by_what_they_are_doing() -> None:
    agents = [
        an_agent(1),
        an_agent(2, **FULL),
        an_agent(3, intent="away", **FULL),
        an_agent(4, health="grace"),
        an_agent(5, intent="offline", health="lost"),
        an_agent(6, skills=((HOUSING, 1),)),
        an_agent(7, pools=(OTHER_TEAM,)),
    ]
    told = why_waiting(a_ticket(1), [a_ticket(1)], agents, RIVERTON, NOW)
    assert (told.with_room, told.full, told.away, told.offline) == (1, 1, 1, 2)
    assert not told.unservable


def test_a_ticket_nobody_on_the_books_can_serve_says_so() -> None:
    too_hard = a_ticket(1, (HOUSING, 5))
    assert why_waiting(too_hard, [], [an_agent(1)], RIVERTON, NOW).unservable
    off_duty_expert = an_agent(2, skills=((HOUSING, 5),), intent="offline")
    assert not why_waiting(too_hard, [], [an_agent(1), off_duty_expert], RIVERTON, NOW).unservable


def test_a_hold_is_named_only_while_it_is_what_blocks() -> None:
    ticket = a_ticket(1, excluded=((1, NOW + 1),))
    assert why_waiting(ticket, [], [an_agent(1)], RIVERTON, NOW).hold == "exclusion"
    assert why_waiting(ticket, [], [an_agent(1)], RIVERTON, NOW + 1).hold is None
    assert why_waiting(ticket, [], [an_agent(1), an_agent(2)], RIVERTON, NOW).hold is None
    assert why_waiting(ticket, [], [an_agent(1, **FULL)], RIVERTON, NOW).hold is None


def test_a_ticket_of_a_manual_queue_says_that_agents_pick() -> None:
    told = why_waiting(a_ticket(1), [], [an_agent(1)], with_rule(strategy="manual"), NOW)
    assert "agents pick from this queue themselves" in in_words(told, "en")
    assert "se elige a mano" in in_words(told, "es")


def test_a_ticket_that_waits_for_one_agent_says_so_and_when_that_ends() -> None:
    ticket = a_ticket(1, preferred_agent=1, sticky_until=NOW + 15 * SECOND)
    told = why_waiting(ticket, [], [an_agent(1, **FULL), an_agent(2)], RIVERTON, NOW)
    assert (told.hold, told.next_change) == ("sticky", Change("sticky", 15 * SECOND, 1))
    assert in_words(told, "en").endswith(
        "1 with room, but it waits for the agent who knows it, 1 full; in 15 s it goes to everybody and 1 more qualifies."
    )


def test_what_changes_next_and_for_how_many_is_told() -> None:
    rings = (
        Ring(Signature("chat", TEAM, (Req(HOUSING, 3),))),
        Ring(Signature("chat", TEAM, (Req(HOUSING, 1),)), 90),
    )
    ticket = a_ticket(1, plan=Plan(rings, ((OTHER_TEAM, 600),)), entered_at=NOW)
    team = [an_agent(1, **FULL), an_agent(2, skills=((HOUSING, 1),)), an_agent(3, pools=(OTHER_TEAM,))]
    told = why_waiting(ticket, [], team, RIVERTON, NOW)
    assert told.next_change == Change("ring", 90 * SECOND, 1)
    assert in_words(told, "en").endswith("1 agent qualifies, full; in 2 min it asks for less and 1 more qualifies.")
    assert in_words(told, "es").endswith("; en 2 min pedirá menos y 1 más cumplirá los requisitos.")
    after = why_waiting(replace(ticket, ring=1), [], team, RIVERTON, NOW)
    assert after.next_change == Change("overflow", 600 * SECOND, 1)


def test_an_exclusion_for_good_is_not_announced_as_one_that_ends() -> None:
    for until, change in ((FOREVER, None), (NOW + 5 * SECOND, Change("exclusion", 5 * SECOND, 1))):
        told = why_waiting(a_ticket(1, excluded=((1, until),)), [], [an_agent(1)], RIVERTON, NOW)
        assert (told.hold, told.next_change) == ("exclusion", change)


@pytest.mark.parametrize("seed", range(3))
def test_a_ticket_that_waits_beside_an_agent_with_room_always_names_the_hold(seed: int) -> None:
    day = a_random_day(seed, 200, and_then_home=False)
    snapshot, policy = day.agency.seen, day.engine.floor.policy
    waiting_now = [ticket for ticket in snapshot.tickets if ticket.state is State.QUEUED]
    assert waiting_now != []
    for ticket in waiting_now:
        told = why_waiting(ticket, waiting_now, snapshot.agents, policy, snapshot.now)
        assert told.hold is not None or told.with_room == 0
