"""What the desk itself says to citizens, in their language."""

import json
import re
import unicodedata
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

FOLDER = Path(__file__).parent.parent / "texts"

_WORDS = {
    "es": frozenset(
        [
            "el",
            "la",
            "los",
            "las",
            "de",
            "del",
            "que",
            "en",
            "por",
            "para",
            "con",
            "una",
            "un",
            "es",
            "está",
            "hay",
            "mi",
            "su",
            "tengo",
            "necesito",
            "quiero",
            "cómo",
            "cuándo",
            "dónde",
            "gracias",
            "hola",
            "buenos",
            "buenas",
            "días",
            "tardes",
            "favor",
            "calle",
            "no",
            "se",
            "ha",
            "llegó",
            "ayuda",
            "puedo",
            "mañana",
            "señor",
            "señora",
        ]
    ),
    "en": frozenset(
        [
            "the",
            "a",
            "an",
            "is",
            "are",
            "my",
            "your",
            "of",
            "to",
            "in",
            "on",
            "for",
            "with",
            "have",
            "has",
            "need",
            "want",
            "how",
            "when",
            "where",
            "thanks",
            "hello",
            "please",
            "street",
            "not",
            "it",
            "was",
            "help",
            "can",
            "morning",
            "sir",
            "and",
            "there",
            "this",
            "that",
        ]
    ),
}


@cache
def catalogue(language: str) -> dict[str, Any]:
    path = FOLDER / f"{language}.json"
    read: dict[str, Any] = json.loads((path if path.exists() else FOLDER / "en.json").read_text("utf-8"))
    return read


def say(language: str, key: str, **values: Any) -> str:
    return str(catalogue(language)[key]).format(**values).strip()


def plain_words(text: str) -> list[str]:
    """The words of a text in small letters, without accents and punctuation."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return re.findall(r"[^\W_]+", bare.casefold())


def say_date(language: str, at: datetime, zone: str) -> str:
    """A date and time as people say it, in the agency's zone, with the zone's name."""
    local = at.astimezone(ZoneInfo(zone))
    words = catalogue(language)
    clock = (
        f"{local:%H:%M}"
        if language == "es"
        else f"{local.hour % 12 or 12}:{local:%M} {'am' if local.hour < 12 else 'pm'}"
    )
    return str(words["date"]).format(
        weekday=words["weekdays"][local.weekday()],
        day=local.day,
        month=words["months"][local.month - 1],
        time=f"{clock} ({local.tzname()})",
    )


def guess_language(text: str, enabled: list[str], otherwise: str) -> str:
    """The language of a text among those the agency speaks, by common words; ``otherwise`` when it does not tell.

    Our own rule: at least two words of one language, and more than of any other.
    """
    words = re.findall(r"[^\W\d_]+", text.lower()[:2000])
    counts = sorted(
        ((sum(word in _WORDS[code] for word in words), code) for code in enabled if code in _WORDS), reverse=True
    )
    if "¿" in text or "ñ" in text.lower():
        counts = sorted(((n + 2 if code == "es" else n, code) for n, code in counts), reverse=True)
    if counts and counts[0][0] >= 2 and (len(counts) == 1 or counts[0][0] > counts[1][0]):
        return counts[0][1]
    return otherwise
