"""How a matter is called in a text to its citizen, and which one somebody means by a few words."""

from collections.abc import Sequence
from typing import Any

from contactcenter.desk.book import AgencyEntry
from contactcenter.desk.references import read_reference
from contactcenter.desk.standing import Matter
from contactcenter.desk.texts import plain_words

LONGEST = 30
_NUMBERS = (
    {"1", "one", "first", "1st", "uno", "una", "primero", "primera", "primer"},
    {"2", "two", "second", "2nd", "dos", "segundo", "segunda"},
    {"3", "three", "third", "3rd", "tres", "tercero", "tercera"},
    {"4", "four", "fourth", "4th", "cuatro", "cuarto", "cuarta"},
    {"5", "five", "fifth", "5th", "cinco", "quinto", "quinta"},
    {"6", "six", "sixth", "6th", "seis", "sexto", "sexta"},
    {"7", "seven", "seventh", "7th", "siete", "septimo", "septima"},
    {"8", "eight", "eighth", "8th", "ocho", "octavo", "octava"},
    {"9", "nine", "ninth", "9th", "nueve", "noveno", "novena"},
)
_FILLERS = frozenset(
    plain_words(
        "the a an it is its that this one number no option my about please thanks thank you i mean and answer "
        "el la los las lo es de del sobre mi número opción un por favor gracias y respuesta"
    )
)
_NEW = frozenset({"new", "nuevo", "nueva", "other", "otro", "otra", "else", "neither", "none", "ninguno", "ninguna"})
_AROUND_NEW = frozenset({"something", "algo", "matter", "asunto", "issue", "thing", "cosa", "problem", "problema"})


def labels_of(agency: AgencyEntry, matters: Sequence[Matter], language: str) -> list[str]:
    """What each matter is called; matters of one name are told apart by how the person began to write."""
    names = [label_of(agency, one.subject, one.queue_id, language) for one in matters]
    return [
        shortened(one.words) if names.count(name) > 1 and one.words and one.words.strip() else name
        for name, one in zip(names, matters, strict=True)
    ]


def label_of(agency: AgencyEntry, subject: str, queue_id: int, language: str) -> str:
    """What the person called it, else the topic of its queue in their language."""
    queue = agency.queues[queue_id].row
    return shortened(subject.strip() or str(queue.topics.get(language) or queue.name))


def shortened(words: str) -> str:
    label = " ".join(words.split())
    return label if len(label) <= LONGEST else f"{label[: LONGEST - 3].rsplit(' ', 1)[0]}..."


def chosen(words: str, choices: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The choice that a text names by number, word or reference; None when it names none, or could name two."""
    if len(words) > 60:
        return None
    by_reference = _by_reference(words, choices)
    if by_reference is not None:
        return by_reference
    said = [word for word in plain_words(words) if word not in _FILLERS] or plain_words(words)[:1]
    if len(said) == 1:
        number = next((place for place, names in enumerate(_NUMBERS, start=1) if said[0] in names), None)
        if number is not None:
            return next((one for one in choices if one["number"] == number), None)
    if said and _NEW & set(said) and set(said) <= _NEW | _AROUND_NEW:
        return choices[-1]
    return _by_word(said, choices)


def _by_reference(words: str, choices: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    written = read_reference(words)
    bare = "".join(plain_words(words)).upper()
    fits = [one for one in choices if one.get("ref") and (one["ref"] == written or one["ref"][-4:] == bare)]
    return fits[0] if len(fits) == 1 else None


def _by_word(said: Sequence[str], choices: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Every word said must belong to the one label, and to no other."""
    if not 1 <= len(said) <= 4:
        return None
    fits = [
        one for one in choices if one.get("ref") and set(map(_stem, said)) <= set(map(_stem, plain_words(one["label"])))
    ]
    return fits[0] if len(fits) == 1 else None


def _stem(word: str) -> str:
    """Singular and plural alike: *street* and *streets*, *calle* and *calles*."""
    for ending in ("s", "e"):
        if len(word) > 3:
            word = word.removesuffix(ending)
    return word
