"""What a person newly wrote, above the mail they answer (first version: English and Spanish).

Each line becomes one letter, and the decision is taken on the letters, so the work grows with the text and no faster.
In doubt nothing is cut: a word of a citizen must never be lost to a pattern.
"""

import re

# E empty, D delimiter, H mail header, W "... wrote:", Q quoted, T text
LINE = 500
DELIMITER = re.compile(
    r"^\W{0,12}(?:original message|forwarded message|mensaje original|mensaje reenviado)\W{0,12}$|^_{20,}$", re.I
)
HEADER = re.compile(
    r"^\*?(?:from|sent|date|to|cc|subject|de|enviado(?: el)?|fecha|para|asunto)\s?:\*?\s?\S", re.I
)  # fmt: skip
SENDER = re.compile(r"^\*?(?:from|de)\s?:", re.I)
DATED = re.compile(r"^\*?(?:sent|date|enviado(?: el)?|fecha)\s?:", re.I)
TITLED = re.compile(r"^\*?(?:to|subject|para|asunto)\s?:", re.I)
WROTE_START = re.compile(r"^(?:on|el|le)\s.{0,200}\d", re.I)
WROTE_END = re.compile(r"(?:wrote|escribi[oó])\s?:$", re.I)
BELOW = re.compile(
    r"\b(?:below|in-?line|in (?:red|blue|bold|green)|abajo|debajo|entre l[ií]neas|en (?:rojo|azul|negrita|verde))\b",
    re.I,
)


def newly_written(text: str) -> str | None:
    """The text without the quoted mail after it, or None where all of it is to be shown."""
    rows = text.split("\n")
    letters = classified(rows)
    end = start_of_quote(rows, letters)
    if end is None:
        return None
    visible = "\n".join(rows[:end]).rstrip()
    return visible if visible.strip() else None


def classified(rows: list[str]) -> str:
    letters: list[str] = []
    for row in rows:
        letter = letter_of(row.strip()[:LINE])
        if letter == "w":  # the end of an attribution whose start may stand on the line before
            starts = bool(letters) and letters[-1] == "T" and WROTE_START.match(rows[len(letters) - 1].strip()[:LINE])
            letter = "W" if starts else "T"
            if starts:
                letters[-1] = "W"
        letters.append(letter)
    return "".join(letters)


def letter_of(row: str) -> str:
    if not row:
        return "E"
    if row.startswith(">"):
        return "Q"
    if WROTE_END.search(row[-20:]):
        return "W" if WROTE_START.match(row) else "w"
    if DELIMITER.match(row):
        return "D"
    return "H" if HEADER.match(row) else "T"


def start_of_quote(rows: list[str], letters: str) -> int | None:
    return before_quoted_lines(letters) if letters.rstrip("E").endswith("Q") else before_mail_header(rows, letters)


def before_quoted_lines(letters: str) -> int | None:
    """Quoted lines up to the end; none of them may stand higher up, where answers stand between them."""
    end = len(letters.rstrip("QE"))
    if "Q" in letters[:end]:
        return None
    return len(letters[:end].rstrip("WE")) if letters[:end].endswith("W") else end


def before_mail_header(rows: list[str], letters: str) -> int | None:
    """A copied mail header (From, Sent, To): what follows is the mail answered, unless they wrote into it."""
    if "Q" in letters:
        return None
    for match in re.finditer("H{3,}", letters):
        head = [row.strip() for row in rows[match.start() : match.end()][:10]]
        if not is_mail_header(head):
            continue
        end = len(letters[: match.start()].rstrip("DE"))
        return None if BELOW.search("\n".join(rows[:end])) else end
    return None


def is_mail_header(head: list[str]) -> bool:
    return bool(SENDER.match(head[0])) and all(any(one.match(row) for row in head) for one in (DATED, TITLED))
