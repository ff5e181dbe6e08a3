"""What mail servers report of the mail we sent: not delivered, late, delivered, called spam.

Sources: RFC 3464 and 6522 (delivery reports), 6533 (their international form), 5965 (complaints), and the habits of servers
that follow none of them.
"""

from collections.abc import Callable, Iterator, Sequence
from email.message import Message

from channels.base import DeliveryState, Receipt
from channels.email.bounces import complaints, second_reader, wordings
from channels.email.bounces.letter import Letter, opened, report_type
from channels.email.bounces.parties import Parties, own_id
from channels.email.bounces.phrases import GIVEN_UP, WARNING
from channels.email.bounces.recognition import is_delivery_report
from channels.email.bounces.status import Outcome, outcomes
from channels.email.bounces.verdict import ENHANCED, error_of
from channels.email.headers import Head, key_of, token_of

RECIPIENTS = 500
ARRIVED = {"delivered": DeliveryState.DELIVERED, "expanded": DeliveryState.DELIVERED, "relayed": DeliveryState.SENT}


def reports(
    root: Message, head: Head, ours: Callable[[str], bool] | None = None, envelope_to: Sequence[str] = ()
) -> list[Receipt]:
    """What a mail reports of mails we sent, a receipt for each recipient; empty for any mail that is no report.

    ``ours``: whether a canonical address is one of our own; ``envelope_to``: for whom this mail came. ``own_id`` is the
    Message-ID that the report names, in brackets; nobody has vouched for it, so only an id that we know counts. A report that
    names neither recipient nor id gives one empty receipt if it came to a reply address, whose token tells what it is about.
    """
    try:
        return list(read(root, head, ours, envelope_to))[:RECIPIENTS]
    except Exception:  # any bytes may arrive; a report that cannot be read still is a mail, and an agent sees it
        return []


def read(
    root: Message, head: Head, ours: Callable[[str], bool] | None, envelope_to: Sequence[str]
) -> Iterator[Receipt]:
    kind = report_type(root)
    if kind == "disposition-notification":
        return
    letter = opened(root, head)
    if complaints.is_complaint(letter):
        yield from complaints.receipts(letter, Parties(letter, ours, envelope_to))
    elif is_delivery_report(letter, kind):
        parties, mine = Parties(letter, ours, envelope_to), own_id(letter)
        found = by_status(letter, parties, mine) or by_words(root, letter, parties, mine)
        if found or not (mine or any(token_of(one) for one in envelope_to)):
            yield from found
        else:
            yield in_words("", letter.text[:2000], letter, mine)


def by_status(letter: Letter, parties: Parties, mine: str) -> list[Receipt]:
    """From the machine-readable part, also where a server pasted its lines into the text."""
    found: dict[str, Receipt] = {}
    told = [one for text in letter.status[:5] for one in outcomes(text)] or pasted(letter)
    lonely = parties.written_to[0] if len(told) == 1 and len(set(parties.written_to)) == 1 else ""
    for one in told[:RECIPIENTS]:
        recipient = parties.the_one(one.original, one.final) or lonely
        if recipient and recipient not in found:
            found[recipient] = receipt(recipient, one, letter, mine, alone=len(told) == 1)
    return list(found.values())


def pasted(letter: Letter) -> list[Outcome]:
    return outcomes(letter.text) if "final-recipient" in letter.text.lower() else []


def receipt(recipient: str, one: Outcome, letter: Letter, mine: str, alone: bool) -> Receipt:
    words = one.words if len(one.words) > 5 else said_of(recipient, letter, alone) or one.words
    error = error_of(one.status, words)
    action = one.action or {"2": "delivered", "4": "delayed"}.get(one.status[:1], "failed")
    if action in ARRIVED:
        return Receipt(mine, ARRIVED[action], own_id=mine, recipient=recipient)
    if action.startswith("delay"):
        return Receipt(mine, DeliveryState.SENT, error=error, own_id=mine, recipient=recipient, delayed=True)
    return Receipt(mine, DeliveryState.UNDELIVERED, error=error, own_id=mine, recipient=recipient)


def said_of(recipient: str, letter: Letter, alone: bool) -> str:
    """What the text for people says of one recipient, where the other part is silent."""
    about = " ".join(one.words for one in wordings.named(letter.text, lambda address: key_of(address) == recipient))
    return f"{about} {wordings.sayings(letter.text, about)}".strip() if alone else about


def by_words(root: Message, letter: Letter, parties: Parties, mine: str) -> list[Receipt]:
    found = {key_of(one.address): one.words for one in wordings.named(letter.text, parties.may_be_meant)}
    for name in letter.head.all("x-failed-recipients")[:20]:
        found |= {
            key_of(a): found.get(key_of(a), "") for a in name.split(",")[:RECIPIENTS] if parties.may_be(a.strip())
        }
    behind = {key_of(one) for one in wordings.BEHIND.findall(letter.text)}
    for address in second_reader.failed(root, letter):
        if parties.may_be_meant(address) and key_of(address) not in behind and key_of(address) not in found:
            found[key_of(address)] = ""
    found = {written_first(one, words, parties): words for one, words in found.items()}
    if not found and len(set(parties.written_to)) == 1:
        found = {parties.written_to[0]: wordings.sayings(letter.text) or letter.text[:2000]}
    return [in_words(one, told(words, letter, len(found) == 1), letter, mine) for one, words in found.items()]


def written_first(recipient: str, words: str, parties: Parties) -> str:
    """Whom we wrote to, where a server names the address that stands behind it."""
    named = [key_of(one) for one in wordings.BEHIND.findall(words)]
    return next((one for one in named if one in parties.written_to), recipient)


def told(words: str, letter: Letter, alone: bool) -> str:
    """A report on one recipient is wholly about that one, wherever it says why."""
    if alone and not ENHANCED.search(words):
        return f"{words} {wordings.sayings(letter.text, words)}".strip() or letter.text[:2000]
    return words


def in_words(recipient: str, words: str, letter: Letter, mine: str) -> Receipt:
    error = error_of("", words)
    late = is_warning(letter)
    state = DeliveryState.SENT if late else DeliveryState.UNDELIVERED
    return Receipt(mine, state, error=error, own_id=mine, recipient=recipient, delayed=late)


def is_warning(letter: Letter) -> bool:
    subject = letter.head.text("subject").lower()[:300]
    text = letter.text[:8192].lower()
    if not WARNING.search(text) and not WARNING.search(subject):
        return False
    return "warning" in subject or "delay" in subject or not GIVEN_UP.search(text)
