"""Complaints: the person, or their provider for them, called our mail spam (RFC 5965)."""

from collections.abc import Iterator

from channels.base import DeliveryState, Receipt
from channels.email.bounces.letter import Letter
from channels.email.bounces.parties import Parties, own_id
from channels.email.bounces.status import FIELD, address
from channels.email.headers import HEADER, Head, key_of

# What else travels in this form: "this was no spam", and reports on signatures (RFC 6591), are no complaints.
OTHER = {"not-spam", "auth-failure", "dmarc"}
# Microsoft's own form is a copy of our mail with this header on top.
MICROSOFT = "x-hmxmroriginalrecipient"
RECIPIENT = ("original-rcpt-to", "removal-recipient", "user-agent-recipient")


def is_complaint(letter: Letter) -> bool:
    return bool(letter.feedback) or any(one.has(MICROSOFT) for one in (letter.head, *letter.returned))


def receipts(letter: Letter, parties: Parties) -> Iterator[Receipt]:
    fields = [pair for text in letter.feedback[:5] for pair in pairs(text)]
    kind = next((value.strip().lower() for name, value in fields if name == "feedback-type"), "abuse")
    if kind in OTHER:
        return
    told = [address(value) for name, value in fields if name in RECIPIENT]
    told += [address(value) for head in heads(letter) for value in head.all(MICROSOFT)]
    good = dict.fromkeys(key_of(one) for one in told if one and parties.may_be(one))
    mine = own_id(letter)
    for recipient in list(good)[:500] or parties.written_to[:1] or [""]:
        yield Receipt(mine, DeliveryState.SENT, own_id=mine, recipient=recipient, complaint=True)


def heads(letter: Letter) -> list[Head]:
    return [letter.head, *letter.returned]


def pairs(text: str) -> Iterator[tuple[str, str]]:
    """All fields: the recipient may stand in a complaint several times."""
    for line in text.split("\n", 2000)[:2000]:
        if match := FIELD.match(line[:HEADER]):
            yield match[1].lower(), match[2]
