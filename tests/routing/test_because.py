"""A decision can say why, years later and in the reader's language."""

import json
from dataclasses import replace
from typing import Any

import pytest

from routing import Because, Engine, Req, Ticket, because_of, why_not, why_this_agent
from routing.events import Given
from routing.model import KEY_FIELDS
from tests.routing.day import a_random_day
from tests.routing.worlds import (
    ENGLISH,
    HOUSING,
    NOW,
    OTHER_TEAM,
    PARKING,
    RIVERTON,
    SPANISH,
    Agency,
    Riverton,
    a_ticket,
    an_agent,
    named,
)

BECAUSE = Because(
    rule="spread",
    winner_key=(0, 0, 0, 2, NOW, 1),
    runner_up=3,
    separated_by="idle_since",
    qualified=4,
    excluded=(("room", 1), ("skill", 7)),
    better_placed=((2, "room"),),
    reqs=(Req(HOUSING, 2), Req(SPANISH, 1)),
    policy_revision=7,
)


def test_the_sentence_names_the_winner_what_set_them_apart_and_who_was_better_placed() -> None:
    assert why_this_agent(BECAUSE, Riverton(), "en") == (
        "Given to Ana: longest idle of 4 agents with Housing 2 and Spanish; Ben was better placed but full."
    )
    assert why_this_agent(BECAUSE, Riverton("es"), "es") == (
        "Asignado a Ana: quien lleva más tiempo libre de 4 agentes con Vivienda 2 y Español; "
        "Ben tenía mejor posición, pero está al máximo de su capacidad."
    )


def test_a_real_decision_reads_like_that() -> None:
    skills = ((HOUSING, 3), (PARKING, 1), (SPANISH, 5))
    team = [an_agent(n, skills=skills, primary=(HOUSING, SPANISH)) for n in (1, 3, 5, 6)]
    team[0] = replace(team[0], idle_since=0)
    full = an_agent(2, skills=((HOUSING, 2), (SPANISH, 2)), primary=(HOUSING, SPANISH), items={"chat": 3})
    because = reasons(Agency(*team, full), a_ticket(1, (HOUSING, 2), (SPANISH, 1)))
    assert why_this_agent(because, Riverton(), "en") == (
        "Given to Ana: longest idle of 4 agents with Housing 2 and Spanish; Ben was better placed but full."
    )


def reasons(agency: Agency, ticket: Ticket) -> Because:
    (given,) = named(agency.comes(ticket), Given)
    return because_of(agency.engine.floor, given)


def test_a_better_placed_agent_who_was_full_is_recorded() -> None:
    full_specialist = an_agent(2, items={"chat": 3}, primary_units=24)
    generalist = an_agent(1, skills=((HOUSING, 3), (PARKING, 1)))
    home = an_agent(3, intent="offline", idle_since=0)
    stranger = an_agent(4, skills=((PARKING, 5),), idle_since=0)
    because = reasons(Agency(generalist, full_specialist, home, stranger), a_ticket(1))
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
        because = reasons(Agency(ben, ana), a_ticket(1))
        assert (because.winner_key[-1], because.runner_up, because.separated_by) == (1, 2, name)


def test_at_most_five_better_placed_agents_are_recorded() -> None:
    away = [an_agent(n, intent="away") for n in range(1, 9)]
    because = reasons(Agency(*away, an_agent(9)), a_ticket(1))
    assert because.better_placed == tuple((n, "available") for n in range(1, 6))
    assert because.excluded == (("available", 8),)


BY_RULE = [
    ("pick", "the first to have room with Housing 2", "la primera persona con capacidad libre con Vivienda 2"),
    ("guard", "had room, and it had waited longest", "el caso que más había esperado"),
    ("emergency", "an emergency", "una emergencia"),
    ("sticky", "knows it from before", "ya conoce el caso"),
    ("picked", "took it out of turn", "lo tomó fuera de turno"),
    ("override", "a supervisor decided so", "lo decidió una persona supervisora"),
]


@pytest.mark.parametrize(("rule", "english", "spanish"), BY_RULE)
def test_a_ticket_chosen_for_an_agent_says_by_which_rule(rule: str, english: str, spanish: str) -> None:
    because = replace(BECAUSE, rule=rule, runner_up=None, separated_by=None, better_placed=(), reqs=(Req(HOUSING, 2),))
    assert f"Given to Ana: {english}" in why_this_agent(because, Riverton(), "en")
    assert spanish in why_this_agent(because, Riverton("es"), "es")


def test_an_agent_without_competition_is_the_only_one_free() -> None:
    alone = replace(BECAUSE, runner_up=None, separated_by=None, qualified=1, better_placed=(), reqs=())
    assert why_this_agent(alone, Riverton(), "en") == "Given to Ana: the only agent free."
    assert why_this_agent(alone, Riverton("es"), "es") == "Asignado a Ana: la única persona libre."


def test_two_better_placed_agents_are_named_and_no_more() -> None:
    because = replace(BECAUSE, better_placed=((2, "other_ticket"), (4, "available"), (3, "available")))
    assert why_this_agent(because, Riverton(), "en").endswith(
        "; better placed were Ben (due for a more pressing ticket) and Inés (away)."
    )
    assert why_this_agent(because, Riverton("es"), "es").endswith(
        "; tenían mejor posición Ben (le tocaba un caso más urgente) e Inés (está ausente)."
    )


def test_somebody_who_went_home_is_not_named() -> None:
    because = replace(BECAUSE, better_placed=((2, "signed_in"),))
    assert why_this_agent(because, Riverton(), "en").endswith("with Housing 2 and Spanish.")


@pytest.mark.parametrize("language", ["en", "es"])
def test_every_field_that_can_separate_two_agents_has_words_of_its_own(language: str) -> None:
    fields = {name for of_strategy in KEY_FIELDS.values() for name in of_strategy}
    sentences = {why_this_agent(replace(BECAUSE, separated_by=name), Riverton(language), language) for name in fields}
    assert len(sentences) == len(fields) == 9
    assert not any(name in sentence for sentence in sentences for name in ("idle_since", "flexibility", "units"))


CANNOT: list[tuple[dict[str, Any], str, str]] = [
    ({"intent": "offline"}, "not signed in", "no ha iniciado sesión"),
    ({"intent": "away"}, "away", "está ausente"),
    ({"health": "grace"}, "without connection", "no tiene conexión"),
    ({"channels_on": ()}, "not taking this channel", "no atiende este canal"),
    ({"pools": (OTHER_TEAM,)}, "in another team", "es de otro equipo"),
    ({"skills": ()}, "without a skill it needs", "no tiene una competencia necesaria"),
    ({"skills": ((HOUSING, 1),)}, "below the level it needs", "no alcanza el nivel necesario"),
    ({"items": {"chat": 3}}, "full", "está al máximo de su capacidad"),
]


@pytest.mark.parametrize(("changes", "english", "spanish"), CANNOT)
def test_an_agent_who_cannot_take_a_ticket_is_told_why(changes: dict[str, Any], english: str, spanish: str) -> None:
    ben, ticket = an_agent(2, **changes), a_ticket(1)
    assert why_not(ben, ticket, RIVERTON, NOW, Riverton(), "en") == f"Ben cannot take this ticket: {english}."
    assert why_not(ben, ticket, RIVERTON, NOW, Riverton(), "es") == f"Ben no puede llevar este caso: {spanish}."


def test_an_exclusion_keeps_its_private_reason() -> None:
    ticket = a_ticket(1, excluded=((2, NOW + 1),))
    sentence = why_not(an_agent(2), ticket, RIVERTON, NOW, Riverton(), "en")
    assert sentence == "Ben cannot take this ticket: not allowed this ticket for now."
    assert why_not(an_agent(2), ticket, RIVERTON, NOW + 1, Riverton(), "en") == "Ben can take this ticket."
    assert why_not(an_agent(2), ticket, RIVERTON, NOW + 1, Riverton(), "es") == "Ben puede llevar este caso."


def test_spanish_joins_before_the_sound_of_i_with_e() -> None:
    because = replace(BECAUSE, reqs=(Req(HOUSING, 1), Req(PARKING, 3), Req(ENGLISH, 1)))
    assert "con Vivienda, Aparcamiento 3 e Inglés;" in why_this_agent(because, Riverton("es"), "es")
    assert "with Housing, Parking 3 and English;" in why_this_agent(because, Riverton(), "en")


def test_a_language_we_do_not_speak_gets_english() -> None:
    assert why_this_agent(BECAUSE, Riverton(), "fr") == why_this_agent(BECAUSE, Riverton(), "en")


@pytest.mark.parametrize("seed", range(3))
def test_every_decision_of_a_day_survives_json_and_can_be_put_into_words(seed: int) -> None:
    day, told = a_random_day(seed, 120), 0
    engine = Engine(day.policy)
    for now, event in day.log:
        decisions = [effect for effect in engine.apply(event, now) if isinstance(effect, Given)]
        for because in [because_of(engine.floor, one) for one in decisions if one.ticket in engine.floor.cases]:
            told += 1
            assert Because.from_json(json.loads(json.dumps(because.to_json()))) == because
            for language in ("en", "es"):
                sentence = why_this_agent(because, Riverton(language), language)
                assert sentence.endswith(".")
                assert "{" not in sentence
    assert told > 2


def test_a_damaged_record_is_refused() -> None:
    with pytest.raises(KeyError):
        Because.from_json({"rule": "spread"})
    with pytest.raises(ValueError, match="invalid literal"):
        Because.from_json({**BECAUSE.to_json(), "winner_key": ["somebody"]})
