"""Finds "On 3 May 2026 at 10:11, Ann <ann@lake.example> wrote:" in any language, also broken over several lines.

What programs write there has a date, a time, a name, an address and mostly a verb, in any order, and ends in a colon.
"""

import re

from channels.email.trimming.words import PERSONS, WROTE

ADDRESS = re.compile(r"[^\s<>()@:]{1,64}@[^\s<>()@]{1,255}")
TIME = re.compile(r"(?<![\d.])\d{1,2}(?:[:.h時时点시]| h | ?시 )\d{2}(?![\d.]?\d)")
DATE = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)|(?<!\d)\d{1,2}[./-]\d{1,2}[./-]\d\d(?!\d)")
STARTS = re.compile(r"\W{0,8}(?:[^\W\d][^\s\d]{0,20}\s{1,2}){0,4}\W{0,3}\d")
DATED_ADDRESS = re.compile(r"\W{0,3}(?:19|20)\d\d[-/.]\d\d?[-/.]\d\d?\s.{1,80}<[^<>@\s]{1,64}@[^<>\s]{1,255}>$")
DASHED = re.compile(r"(?<=\w)\s?-{2,6}$")  # Zoho: "---- On ... wrote ----"
TRIES = 400  # lines ending in a colon; a mail with more of them is not read further
ROWS = 4
SHORT = 60
NAME = 90


def attributed(lines: list[str], letters: list[str]) -> None:
    """Set W or V on the rows of each attribution, I on other lines that end in a colon."""
    tries = 0
    for at, line in enumerate(lines):
        if letters[at] != "T" or not ends_open(line):
            continue
        tries += 1
        if tries > TRIES:
            return
        if found := attribution(lines, letters, at):
            letter, first = found
            letters[first : at + 1] = letter * (at + 1 - first)
        elif line[-1] == ":":
            letters[at] = "I"


def ends_open(line: str) -> bool:
    end = line.rstrip("*_ ")[-1:]
    return end == ":" or (end in "->" and (line[0] == "-" or DATED_ADDRESS.match(line) is not None))


def attribution(lines: list[str], letters: list[str], last: int) -> tuple[str, int] | None:
    """The letter and the first row, where the row ``last`` ends one."""
    shortest: tuple[str, int] | None = None
    text = ""
    for first in range(last, max(-1, last - ROWS), -1):
        if letters[first] == "E" and text[:1] == "<" and not DATE.search(text):
            continue  # an empty row between the date and "<ann@lake.example> wrote:"
        if letters[first] not in "TI" or len(lines[first]) > 200:
            break
        text = f"{lines[first]} {text}".rstrip("*_ ")
        letter = certainty(text)
        if not letter:
            continue
        shortest = shortest or (letter, first)
        if STARTS.match(text):
            shortest = letter, first
            break
    return with_name_above(lines, letters, shortest, last) if shortest else None


def with_name_above(lines: list[str], letters: list[str], found: tuple[str, int], last: int) -> tuple[str, int]:
    """The row of "Ann <ann@lake.example>" is one of them, where the date and the verb were broken off to the next."""
    above = found[1] - 1
    text = " ".join(lines[found[1] : last + 1])
    if (
        above < 0
        or letters[above] not in "TI"
        or len(lines[above]) > NAME
        or ADDRESS.search(text)
        or not ADDRESS.search(lines[above])
    ):
        return found
    return certainty(f"{lines[above]} {text}") or found[0], above


def certainty(text: str) -> str:
    """W where only a program writes so, V where a person might, empty where it is none."""
    has_address = ADDRESS.search(text) is not None
    has_time, has_date = TIME.search(text) is not None, DATE.search(text) is not None
    has_verb = WROTE.search(DASHED.sub(":", text)) is not None
    if not has_address and (not has_verb or PERSONS.search(text)):
        return ""
    if has_verb and (has_address or (has_time and has_date and STARTS.match(text))):
        return "W"
    if has_address and has_time and has_date:
        return "W"
    return "V" if has_date or has_time or len(text) <= SHORT or DATED_ADDRESS.match(text) else ""
