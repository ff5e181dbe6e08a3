"""Each line of a mail as one letter.

=====  ==============================================================
``E``  empty
``T``  text: everything that is nothing else
``I``  text that introduces what follows: it ends in a colon
``Q``  quoted, with ``>`` before it; ``q`` indented, which is quoted only below an attribution
``W``  the attribution of a mail program: "On 3 May 2026, Ann <a@b> wrote:"
``V``  what may be one: "Ann wrote:"
``H``  a labelled line ("To: ..."), which may as well be the person's own
``B``  a line of a copied mail header, an H among enough of its kind
``D``  a delimiter: "-----Original Message-----"
``F``  a delimiter before a forwarded mail
``R``  a ruled line
``G``  the two dashes before a signature (RFC 3676 section 4.3)
``S``  a signature, where the HTML says so
=====  ==============================================================
"""

import re
import unicodedata
from collections.abc import Iterator

from channels.email.trimming.attribution import attributed
from channels.email.trimming.header import headed, label_of
from channels.email.trimming.words import FORWARDED, ORIGINAL, folded

LONG = 300  # characters; no line that a program writes is longer
UNSEEN = dict.fromkeys([*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF, 0xAD])
# "AL> text", as The Bat and GroupWise quote, in Cyrillic too
INITIALS = re.compile(r"[A-Z\u0410-\u042f]{2,3}>+(?:\s|$)")
DASHES = "-\u2010\u2013\u2014\u2500\u2501"  # hyphen, en and em dash, box drawing
RULE = re.compile(rf"[{DASHES}_=*]{{5,}}$")
FRAME = f" {DASHES}_=*~#<>|:·•"
# Lotus Notes, above its header
NOTES = re.compile(r".{2,80} ?---\d{1,2}[./-]\d{1,2}[./-]\d{2,4} \d{1,2}[:.]\d\d[^-]{0,9}---")
ABOVE = re.compile(
    r"\W{0,8}(?:please )?(?:reply|write|type|respond|antworten|escriba|responda|répondez)\b.{0,30}"
    r"\b(?:above|oberhalb|über|encima|acima|au-dessus)\b.{0,20}\b(?:line|linie|zeile|línea|linha|ligne)\W{0,8}$",
    re.I,
)
FULL_ROW, BROKEN_OFF = 60, 40  # characters


def letters_of(rows: list[str], known: str = "") -> tuple[str, list[str]]:
    """One letter a row, and the rows as they were compared.

    ``known`` holds a letter for each row that is known beforehand, and a space where it is not.
    """
    lines = [comparable(row) for row in rows]
    known = known or " " * len(rows)
    letters = [letter_of(line) if letter in " q" else letter for line, letter in zip(lines, known, strict=True)]
    rejoin_broken_quotes(lines, letters)
    headed(lines, letters)
    attributed(lines, letters)
    return "".join(indented(known, letters)), lines


def indented(known: str, letters: list[str]) -> Iterator[str]:
    """What stands in an indented block is q, but for what only a mail program writes."""
    for before, letter in zip(known, letters, strict=True):
        yield "q" if before == "q" and letter not in "BDEW" else letter


def comparable(row: str) -> str:
    """Without direction marks, bold asterisks and the many kinds of space and colon."""
    row = row.strip()
    if row.isascii() or len(row) > LONG:
        return row
    usual = unicodedata.normalize("NFKC", row.translate(UNSEEN)).strip()
    return usual if len(usual) <= LONG else row  # one sign may stand for eighteen


def letter_of(line: str) -> str:
    if not line:
        return "E"
    if line[0] == ">" or INITIALS.match(line):
        return "Q"
    if len(line) > LONG:
        return "T"
    if not line[0].isalnum() and (letter := letter_of_frame(line)):
        return letter
    if "---" in line and NOTES.match(line):
        return "R"
    if line[-1] == ":" and framed_words(line) in FORWARDED:
        return "F"
    return "H" if label_of(line) else "T"


def letter_of_frame(line: str) -> str:
    if line in ("--", "\u2014"):
        return "G"
    if RULE.match(line):
        return "R"
    words = framed_words(line) if line[1:2] in FRAME else ""
    if words in FORWARDED:
        return "F"
    if words in ORIGINAL or ABOVE.match(line):
        return "D"
    return ""


def framed_words(line: str) -> str:
    return " ".join(folded(line.strip(FRAME)).split())


def rejoin_broken_quotes(lines: list[str], letters: list[str]) -> None:
    """A long quoted line whose last words a mail server broke off to a line of their own is still quoted."""
    for at in range(1, len(lines) - 1):
        if letters[at] != "T" or letters[at - 1] != "Q" or letters[at + 1] != "Q":
            continue
        if len(lines[at - 1]) >= FULL_ROW and len(lines[at]) <= BROKEN_OFF and lines[at][0].islower():
            letters[at] = "Q"
