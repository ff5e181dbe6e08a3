"""Tells the copied header of an answered mail from a person's own list of "From:", "To:" and "Date:"."""

import re

from channels.email.trimming.attribution import ADDRESS, DATE, TIME
from channels.email.trimming.words import LABELS, folded

ROWS = 16
TRIES = 1000  # labelled or ruled lines; a mail with more of them is not read further
LABELLED = re.compile(r"[*_]{0,2}[^\W\d][^:]{0,24}:[*_]{0,2}(?:\s|$)")


def label_of(line: str) -> str:
    """What the label before the colon stands for, empty where it is none of a mail header."""
    label, colon, _ = line[:40].partition(":")
    return LABELS.get(folded(label.strip(" *_\t")), "") if colon else ""


def headed(lines: list[str], letters: list[str]) -> None:
    """Set B on the rows of each copied header."""
    at = tries = 0
    while at < len(lines) and tries < TRIES:
        end = 0
        tries += letters[at] in "HR"
        if letters[at] == "H":
            end = end_of_header(lines, letters, at, gaps=0) or end_of_header(lines, letters, at, gaps=1)
        elif letters[at] == "R":
            end = end_of_any_header(lines, letters, at)
        letters[at:end] = "B" * (end - at)
        at = max(end, at + 1)


def end_of_header(lines: list[str], letters: list[str], start: int, gaps: int) -> int:
    """The row after the header that starts here, 0 where none does. ``gaps``: empty rows allowed between its lines."""
    fields: dict[str, str] = {}
    role, end = "", start
    for at in range(start, min(len(lines), start + ROWS)):
        line = lines[at]
        if letters[at] == "H" and label_of(line) not in fields and at - end <= gaps:
            role, end = label_of(line), at + 1
            fields[role] = line
        elif at == end and letters[at] == "T" and goes_on(lines[at - 1], line):
            fields[role], end = f"{fields[role]} {line}"[:1000], at + 1
        elif letters[at] != "E":
            break
    return end if is_mail_header(fields) else 0


def goes_on(before: str, line: str) -> bool:
    """A list of recipients broken over lines, or a value below its label."""
    return before[-1:] in ";,:*" or ADDRESS.search(line) is not None


def is_mail_header(fields: dict[str, str]) -> bool:
    """Sender, time and one more, and what only programs write: an address, or a subject and a clock time."""
    if "sender" not in fields or len(fields.keys() & {"sent", "to", "subject"}) < 2:
        return False
    sent = fields.get("sent", "")
    if any(ADDRESS.search(fields.get(role, "")) for role in ("sender", "to", "cc")):
        return not sent or any(sign.isdigit() for sign in sent)
    return "subject" in fields and TIME.search(sent) is not None and DATE.search(sent) is not None


def end_of_any_header(lines: list[str], letters: list[str], rule: int) -> int:
    """As above for the languages we have no labels of: below a ruled line, three labelled lines with an address and a time."""
    start = rule + 1
    while start < len(lines) and letters[start] == "E" and start <= rule + 2:
        start += 1
    end = start
    while end < min(len(lines), start + ROWS) and letters[end] in "TH" and LABELLED.match(lines[end]):
        end += 1
    told = " ".join(lines[start:end])
    certain = (
        end - start >= 3
        and ADDRESS.search(" ".join(lines[start : start + 2]))
        and TIME.search(told)
        and DATE.search(told)
    )
    return end if certain else 0
