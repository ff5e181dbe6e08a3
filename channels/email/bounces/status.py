"""The machine-readable part of a delivery report (RFC 3464), and of a complaint (RFC 5965)."""

import re
from dataclasses import dataclass

from channels.email.headers import ADDRESS, HEADER
from channels.email.wording import one_line

FIELD = re.compile(r"[ \t>]{0,4}([A-Za-z][A-Za-z0-9-]{1,60})[ \t]*:[ \t]*(.*)")
LINES = 20_000
TYPE = re.compile(r"^[A-Za-z0-9._-]{1,30}[ \t]*;[ \t]*")
DIGITS = re.compile(r"([245]\.\d{1,3}\.\d{1,3})")
Group = dict[str, str]
STARTS = ("final-recipient", "original-recipient")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a report says of one recipient, in the words of the report."""

    original: str
    final: str
    action: str
    status: str
    words: str


def groups(text: str) -> list[Group]:
    """Fields by lower-case name, a group for each block; some servers leave out the empty line between two recipients."""
    found: list[Group] = [{}]
    name = ""
    for line in text.split("\n", LINES)[:LINES]:
        match = FIELD.match(line[:HEADER])
        if not line.strip():
            name = ""
            found.append({})
        elif line[0] in " \t" and name:
            found[-1][name] = f"{found[-1][name]} {line.strip()}"[:HEADER]
        elif match:
            name = match[1].lower()
            if name in STARTS and name in found[-1]:
                found.append({})
            found[-1].setdefault(name, match[2].strip())
    return [group for group in found if group]


def outcomes(text: str) -> list[Outcome]:
    """One for each recipient of the report, in its order."""
    blocks = groups(text)
    found = [outcome(block) for block in blocks if any(name in block for name in STARTS)]
    lonely = [
        block for block in blocks if ("action" in block or "status" in block) and not any(n in block for n in STARTS)
    ]
    if not found and lonely:  # a report that leaves out whom it is about
        return [outcome(lonely[0])]
    return found


def outcome(block: Group) -> Outcome:
    status = DIGITS.search(block.get("status", ""))
    words = one_line(TYPE.sub("", block.get("diagnostic-code", "")) or block.get("x-display-error", ""))
    return Outcome(
        original=address(block.get("original-recipient", "")),
        final=address(block.get("final-recipient", "") or block.get("x-actual-recipient", "")),
        action=block.get("action", "").strip().lower().partition(" ")[0],
        status=status[1] if status else "",
        words=words,
    )


def address(value: str) -> str:
    """The address of ``rfc822; <ann@lake.example>``, empty where it is none of the internet's."""
    found = ADDRESS.search(one_line(value).replace("RFC822:", " ").replace("\\", ""))
    return found[0].strip("'.") if found else ""
