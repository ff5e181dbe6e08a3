"""Whether undeclared bytes are words in the Latin letters of Western Europe.

A short text with a few accents tells a guesser of character sets too little: ``Grüße`` came out in Arabic letters.
"""

import re

# The accents of a language, or of two that are near each other.
ACCENTS = [
    frozenset(letters)
    for letters in (
        "äöüßéè", "àâæçéèêëîïôœùûüÿ", "áéíñóúüïçàèò", "áâãàçéêíóôõúü", "àèéìíîòóùú", "åäöæøéüàá", "áðéíóúýþæö", "éèëïóöüáíúê", "äõöüšž",
    )
]  # fmt: skip
# What a guesser may say of such words without being wrong about the script.
LATIN = frozenset(
    ["cp1250", "cp1252", "cp1254", "cp1257", "cp1258", "latin_1"]
    + [f"iso8859_{part}" for part in (2, 3, 4, 9, 10, 13, 14, 15, 16)]
)
JOINING = frozenset(b"\x91\x92\x96\x97\xad\xb4\xb7".decode("cp1252"))  # may stand inside a word
SIGNS = JOINING | frozenset(
    b"\x80\x82\x84\x85\x93\x94\x95\x99\xa0\xa1\xa3\xa7\xa9\xab\xae\xb0\xb2\xb3\xb9\xbb\xbc\xbd\xbe\xbf".decode("cp1252")
)
WORD = re.compile(r"[^\W\d_\xb2\xb3\xb9\xbc-\xbe]+")
GLUED = re.compile(r"(?<=[^\W\d_])[^\x00-\x7f](?=[^\W\d_])")
THREE_ACCENTS = re.compile(r"[^\x00-\x7f]{3}")


def western_words(data: bytes) -> str:
    """The text by windows-1252 if it looks like words in Latin letters, else empty."""
    try:
        text = data.decode("cp1252")
    except ValueError:  # five bytes mean nothing there
        return ""
    foreign = [sign for sign in text if sign > "\x7f"]
    if len(foreign) > sum(sign < "\x7f" and sign.isalpha() for sign in text):
        return ""
    if not all(sign.isalpha() or sign in SIGNS for sign in foreign):
        return ""
    if not all(sign.isalpha() or sign in JOINING for sign in GLUED.findall(text)):
        return ""
    return text if all(map(is_word, WORD.findall(text))) else ""


def is_word(word: str) -> bool:
    """No capital behind a small letter, no three accents in a row."""
    return word.isascii() or (
        (len(word) == 1 or word[1:].islower() or word.isupper()) and not THREE_ACCENTS.search(word)
    )


def is_of_one_language(text: str) -> bool:
    accents = frozenset(sign for sign in text.lower() if sign > "\x7f" and sign.isalpha())
    return any(accents <= known for known in ACCENTS)
