"""What the desk says to citizens, in both languages."""

import json
from datetime import UTC, datetime
from string import Formatter
from typing import Any

import pytest

from contactcenter.desk.texts import FOLDER, catalogue, guess_language, say, say_date

LANGUAGES = sorted(path.stem for path in FOLDER.glob("*.json"))
ZONE = "America/New_York"


def placeholders(words: Any) -> set[str]:
    return (
        {name for _text, name, _spec, _conversion in Formatter().parse(words) if name}
        if isinstance(words, str)
        else set()
    )


def test_both_languages_say_the_same_things_with_the_same_gaps() -> None:
    assert LANGUAGES == ["en", "es"]
    english, spanish = catalogue("en"), catalogue("es")
    assert english.keys() == spanish.keys()
    for key, words in english.items():
        assert placeholders(words) == placeholders(spanish[key]), key
        assert type(words) is type(spanish[key]), key
        assert len(words) == len(spanish[key]) if isinstance(words, list) else spanish[key].strip(), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_stands_in_both_languages_untranslated(language: str) -> None:
    raw = json.loads((FOLDER / f"{language}.json").read_text("utf-8"))
    other = catalogue("es" if language == "en" else "en")
    same = {key for key, words in raw.items() if isinstance(words, str) and words == other[key] and len(words) > 30}
    assert not same


def test_a_date_is_said_as_people_say_it_with_the_zone() -> None:
    noon = datetime(2026, 11, 24, 20, 5, tzinfo=UTC)
    assert say_date("en", noon, ZONE) == "Tuesday 24 November, 3:05 pm (EST)"
    spanish = say_date("es", noon, ZONE)
    assert "martes" in spanish and "24" in spanish and "noviembre" in spanish and "15:05 (EST)" in spanish


@pytest.mark.parametrize(
    ("hour", "said"), [(4, "12:00 am (EDT)"), (16, "12:00 pm (EDT)"), (5, "1:00 am (EDT)"), (3, "11:00 pm (EDT)")]
)
def test_noon_and_midnight_are_not_mixed_up(hour: int, said: str) -> None:
    assert say_date("en", datetime(2026, 7, 1, hour, tzinfo=UTC), ZONE).endswith(said)


def test_a_language_we_do_not_have_falls_back_to_english() -> None:
    assert say("xx", "expect_open") == say("en", "expect_open")


@pytest.mark.parametrize(
    ("words", "language"),
    [
        ("Hola, no llegó la basura en mi calle, ¿me puede ayudar?", "es"),
        ("The street light on my street is out, please help", "en"),
        ("mañana", "es"),
        ("ok", "otherwise"),
        ("", "otherwise"),
        ("🙂🙂🙂", "otherwise"),
    ],
)
def test_the_language_is_guessed_only_when_the_words_tell(words: str, language: str) -> None:
    assert guess_language(words, ["en", "es"], "otherwise") == language


def test_a_language_the_agency_does_not_speak_is_never_guessed() -> None:
    assert guess_language("Hola, no llegó la basura en mi calle", ["en"], "en") == "en"
