"""The words of mail programs in all languages at once: nobody says beforehand which language a mail is in."""

import re
import tomllib
from pathlib import Path

_BY_LANGUAGE = tomllib.loads((Path(__file__).parent / "words.toml").read_text("utf-8"))


def _all(field: str) -> list[str]:
    """Longest first, so that no alternative hides a longer one."""
    found = {word for language in _BY_LANGUAGE.values() for word in language.get(field, ())}
    return sorted(found, key=lambda word: (-len(word), word))


def _either(field: str) -> str:
    return f"(?:{'|'.join(_all(field))})"


def _plain(field: str) -> frozenset[str]:
    return frozenset(folded(word) for word in _all(field))


def folded(text: str) -> str:
    """Without upper case; the dot that Python leaves of a Turkish capital I is dropped."""
    return text.casefold().replace("\u0307", "")


LABELS = {label: role for role in ("cc", "subject", "to", "sent", "sender") for label in _plain(role)}
"""What a label of a mail header stands for: "betreff" is "subject"."""
ORIGINAL = _plain("original")
FORWARDED = _plain("forwarded")
CLOSING = _plain("closing")

WROTE = re.compile(rf"(?<!\w){_either('wrote')}(?!\w)|(?:写道|寫道|작성|쓴 글|のメール|のメッセージ)", re.I)
BELOW = re.compile(_either("below").replace(r"\w*", r"\w{0,15}").replace(r"\w+", r"\w{1,15}"))
# Speaking of oneself and of each other: then "wrote:" is a person's sentence, not a program's.
PERSONS = re.compile(
    r"\b(?:I|you|he|she|we|they|my|your|our|his|her|their|the|ich|wir|ihr|mir|meine?|ihre?n?|je|j.ai|vous|nous|elle|ils|mon|votre|"
    r"yo|usted|ustedes|ella|ellos|mi|su|io|lei|lui|mio|eu|você|ele|ela|ik|wij|jij|hij|zij|uw|jag|hon|han|jeg|hun|я|вы|он|она|мы|ja|pan|pani)\b"
)
ONESELF = re.compile(
    r"\b(?:I|I'm|my|me|ich|mir|meine?n?|je|j'ai|mon|ma|yo|mis?|io|mio|mia|eu|meu|minha|ik|mijn|jag|min|jeg|minä|já|můj|я|мой|моя|мне|"
    r"ben|benim|εγώ|μου|én|eu|tôi|أنا|אני)\b|我|私|저는|제가"
)
MOBILE = re.compile(
    rf"{_either('mobile')}.{{0,25}}?(?<![^\W\d]){_either('device')}(?!\w)"
    rf"|.{{0,40}}{_either('device')}.{{0,30}}{_either('mobile_end')}\W{{0,3}}$"
    rf"|{_either('get')}.{{0,25}}outlook\b.{{0,25}}(?:ios|android|mac)\b"
    rf"|.{{0,20}}(?:outlook.{{0,25}}(?:ios|android)|(?:ios|android).{{0,20}}outlook).{{0,30}}{_either('get_end')}",
    re.I,
)
FOOTER = re.compile(rf"{_either('footer')}.{{0,60}}", re.I)
SECRET = re.compile(rf"(?<!\w){_either('secret')}", re.I)
MEANT_FOR = re.compile(rf"(?<!\w){_either('meant_for')}", re.I)
NOTICE = re.compile(_either("notice"), re.I)
CONTACT = re.compile(
    rf"(?:{_either('contact')}\.?\s?[:.]?\s?)?(?:\(?\+?\d[\d\s()/.-]{{5,25}}|(?:https?://|www\.)\S+|\S{{1,64}}@\S{{1,120}})$",
    re.I,
)
