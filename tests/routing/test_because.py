"""A decision can say why, years later and in the reader's language."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from routing import Because, Req, settle, why_not, why_this_agent
from routing.model import KEY_FIELDS
from tests.routing.worlds import (
    ENGLISH,
    HOUSING,
    NOW,
    OTHER_TEAM,
    PARKING,
    RIVERTON,
    SPANISH,
    Riverton,
    a_ticket,
    an_agent,
    worlds,
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
    reqs = (Req(HOUSING, 2), Req(SPANISH, 1))
    skills = ((HOUSING, 3), (PARKING, 1), (SPANISH, 5))
    team = [an_agent(n, skills=skills, primary=(HOUSING, SPANISH)) for n in (1, 3, 5, 6)]
    team[0] = replace(team[0], idle_since=0)
    full = an_agent(2, skills=((HOUSING, 2), (SPANISH, 2)), primary=(HOUSING, SPANISH), items={"chat": 3})
    because = settle([a_ticket(1, reqs=reqs)], [*team, full], RIVERTON, NOW)[0].because
    assert why_this_agent(because, Riverton(), "en") == (
        "Given to Ana: longest idle of 4 agents with Housing 2 and Spanish; Ben was better placed but full."
    )


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
    sentences = {
        why_this_agent(replace(BECAUSE, separated_by=name), Riverton(language), language) for name in KEY_FIELDS
    }
    assert len(sentences) == len(KEY_FIELDS) == 6
    assert not any(name in sentence for sentence in sentences for name in ("idle_since", "flexibility", "units"))


CANNOT: list[tuple[dict[str, Any], str, str]] = [
    ({"signed_in": False}, "not signed in", "no ha iniciado sesión"),
    ({"available": False}, "away", "está ausente"),
    ({"connected": False}, "without connection", "no tiene conexión"),
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


@given(worlds())
def test_every_decision_survives_json_and_can_be_put_into_words(world: tuple[Any, Any, Any]) -> None:
    for decision in settle(*world, NOW):
        because = decision.because
        assert Because.from_json(json.loads(json.dumps(because.to_json()))) == because
        for language in ("en", "es"):
            sentence = why_this_agent(because, Riverton(language), language)
            assert sentence.endswith(".")
            assert "{" not in sentence


def test_a_damaged_record_is_refused() -> None:
    with pytest.raises(KeyError):
        Because.from_json({"rule": "spread"})
    with pytest.raises(ValueError, match="unpack"):
        Because.from_json({**BECAUSE.to_json(), "winner_key": [1, 2]})
