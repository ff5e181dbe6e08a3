"""Where the person's own words end, told from the letters alone. In doubt nothing is cut."""

import re
from typing import NamedTuple

# The first sign of an answered or forwarded mail. V counts only where quoted lines follow.
OPENING = re.compile(r"[FDBWQ]|V+(?=E*[Qq])")
# From there to the end: quoted lines, and after them perhaps one more mail, copied whole.
QUOTED_TO_THE_END = re.compile(r"[DBWVRE]*[Qq][QqEWVRS]*(?:[DB].*)?", re.S)
COPIED = re.compile(r"[DBWVRE]+(?![DBWVREQq])")
ANSWERED_BETWEEN = re.compile(r"Q[QERS]*[THI]")
CERTAINTY = {"B": 0.95, "D": 0.95, "W": 0.97, "V": 0.9, "Q": 0.8}
UNMARKED = 0.85  # an attribution, and below it the old mail without ">"
FORWARDED = 0.9
DOUBT = 0.5


class Cut(NamedTuple):
    """``end``: the row at which the old mail begins, None where all is to be shown."""

    end: int | None
    certainty: float


def cut(letters: str) -> Cut:
    opening = OPENING.search(letters)
    if opening is None:
        return Cut(len(letters), 1.0)
    start, kind = opening.start(), opening[0][0]
    own = letters[:start].rstrip("ER")
    if kind == "F":
        return Cut(None, FORWARDED)
    if not set(own) - set("EGSR") or (kind == "Q" and own.endswith("I")):
        return Cut(None, DOUBT)
    if QUOTED_TO_THE_END.fullmatch(letters, start):
        return Cut(len(own), CERTAINTY[kind])
    if kind in "DB" and COPIED.match(letters, start):
        return Cut(len(own), CERTAINTY[kind])
    if (
        kind == "W"
        and letters[start - 1] in "ERS"
        and COPIED.match(letters, start)
        and not ANSWERED_BETWEEN.search(letters, start)
    ):
        return Cut(len(own), UNMARKED)
    return Cut(None, DOUBT)
