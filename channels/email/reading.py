"""From the bytes of a mail to what the desk may know of it."""

import re
from contextlib import suppress
from dataclasses import replace
from email.message import Message
from hashlib import sha256

from channels.base import Address, Automation, Hints, Inbound, Item, Proof, Raw, Receipt, Unreadable
from channels.email.auth import authentication, trusted
from channels.email.automatic import automation
from channels.email.body import Body, body
from channels.email.bounces import reports
from channels.email.headers import ADDRESSES, Head, addresses, key_of, reply_token, without_token
from channels.email.structure import Tree, top, tree
from channels.email.subjects import is_forwarded, is_passed_on
from channels.email.trimming import Trimmed, trimmed, trimmed_html
from channels.email.wording import clean, one_line, visible_marks

SEEN = 2000
BEGINNING = 4000
PAGE = 1_000_000
SURE = 0.8  # from here on the structure of the HTML tells more than the rows of the plain text
WORDS = re.compile(r"\S+")
PROOFS = {"pass_aligned": Proof.DMARC_ALIGNED}


def parse(raw: Raw) -> list[Item]:
    """Read a mail; where that fails its headers; where that fails too, say so. Raises nothing on any bytes.

    A report on our own mail gives the mail and then a receipt for each recipient it speaks of.
    """
    with suppress(Exception):  # any bytes may arrive, and a mail must never be lost to a bug in reading it
        whole = tree(raw.body)
        return items(raw, whole, body(whole))
    return headers_only(raw)  # out here, where what the failure held in memory is free again


def headers_only(raw: Raw) -> list[Item]:
    """What can be told without touching the body, marked as cut off."""
    try:
        return items(raw, top(raw.body), Body(sha256=raw.sha256, cut=True, signals=("body_not_read",)))
    except Exception as error:  # as above; the bytes are kept, and an agent sees that there is something
        return [Unreadable(f"not a readable mail: {type(error).__name__}", clean(raw.body[:SEEN].decode("latin-1")))]


def items(raw: Raw, whole: Tree, read: Body) -> list[Item]:
    head = Head(whole.root, read.charset)
    own = key_of(raw.inbox.address)
    receipts = reports(whole.root, head, lambda address: without_token(address) == own, recipients(raw))
    return [mail(raw, whole, read, head, receipts), *receipts]


def mail(raw: Raw, whole: Tree, read: Body, head: Head, receipts: list[Receipt]) -> Item:
    sender = sender_of(raw, head)
    if sender is None:
        return Unreadable("no sender", clean(f"{head.text('subject')}\n\n{read.text}".strip())[:SEEN])
    domain = sender.canonical.rpartition("@")[2]
    auth = authentication(head, domain if is_single_author(head) else "", trusted(raw.inbox.config))
    kind, signals = automatic(raw, whole, read, head, sender, receipts)
    subject = head.text("subject")
    new = newly_written(read, subject)
    to, cc = copies(head)
    return Inbound(
        sender=replace(sender, proof=PROOFS.get(auth, sender.proof)),
        text=read.text,
        external_id=head.message_id() or f"<{raw.sha256.hex()}@no-id.invalid>",
        text_visible=new.visible,
        html=read.html,
        subject=subject,
        digest=digest(head, read),
        reply_to=first_address(head, "reply-to"),
        sent_at_claimed=head.sent_at(),
        files=read.files,
        hints=Hints(reply_token=reply_token(recipients(raw), head), references=head.references()),
        auth=auth,
        automation=kind,
        signals=(*signals, *read.signals),
        truncated=read.cut or whole.cut,
        to=to,
        cc=cc,
        trim_confidence=new.confidence,
        forwarded=read.passed_on or is_forwarded(subject, read.text),
    )


def automatic(
    raw: Raw, whole: Tree, read: Body, head: Head, sender: Address, receipts: list[Receipt]
) -> tuple[Automation, tuple[str, ...]]:
    report = report_type(whole.root)
    kind, signals = automation(head, report, sender.canonical, has_null_sender(raw, head), read.text[:BEGINNING])
    if receipts:
        return "bounce", signals or ("report:read",)
    if read.is_calendar_answer:
        return ("auto_reply" if kind in ("none", "unknown", "notification") else kind), (*signals, "calendar_reply")
    return kind, signals


def newly_written(read: Body, subject: str) -> Trimmed:
    """By the HTML where its structure is sure, in the words of the plain text where they are the same; else by the plain text."""
    if read.passed_on or is_passed_on(
        subject, read.text
    ):  # Outlook writes both in one form: the old mail is the matter here
        return Trimmed()
    rich = trimmed_html(read.page) if read.page and len(read.page) <= PAGE else Trimmed()
    if rich.visible is None or rich.confidence < SURE:
        return trimmed(read.text)
    words = visible_marks(clean(rich.visible))
    return replace(rich, visible=beginning(read.text, squeezed(words)) or words)


def beginning(text: str, words: str) -> str:
    """The text as far as it says ``words``, white space aside; empty where it says something else."""
    if not words or not squeezed(text).startswith(words):
        return ""
    missing = len(words)
    for run in WORDS.finditer(text):
        if missing <= len(run[0]):
            return text[: run.start() + missing]
        missing -= len(run[0])
    return ""


def squeezed(text: str) -> str:
    return "".join(text.split())


def copies(head: Head) -> tuple[tuple[Address, ...], tuple[Address, ...]]:
    """(To, Cc), each address once, at most 1,000 in all."""
    known: set[str] = set()
    found: list[list[Address]] = []
    for name in ("to", "cc"):
        found.append([])
        for one in (address(*pair) for pair in head.addresses(name)):
            if one.canonical not in known and len(known) < ADDRESSES:
                known.add(one.canonical)
                found[-1].append(one)
    return tuple(found[0]), tuple(found[1])


def sender_of(raw: Raw, head: Head) -> Address | None:
    """From; where it is missing or empty, Sender or who stood on the envelope."""
    found = first_address(head, "from") or first_address(head, "sender")
    if found:
        return found
    outside = addresses(one_line(str(raw.envelope.get("from") or "")))
    return address(*outside[0], proof=Proof.NONE) if outside else None


def first_address(head: Head, name: str) -> Address | None:
    found = head.addresses(name)
    return address(*found[0]) if found else None


def address(name: str, value: str, proof: Proof = Proof.CLAIMED) -> Address:
    return Address(kind="email", raw=one_line(value), canonical=key_of(value), proof=proof, name=visible_marks(name))


def is_single_author(head: Head) -> bool:
    """Several authors cannot be vouched for by one stamp (RFC 7489 section 6.6.1)."""
    return len(head.all("from")) == 1 and len(head.addresses("from")) == 1


def report_type(root: Message) -> str:
    if root.get_content_type() != "multipart/report":
        return ""
    return one_line(str(root.get_param("report-type", "unknown"))).lower()[:40]


def has_null_sender(raw: Raw, head: Head) -> bool:
    return raw.envelope.get("from") in ("", "<>") or head.raw("return-path").strip() == "<>"


def recipients(raw: Raw) -> list[str]:
    to = raw.envelope.get("to") or []
    return [str(one) for one in ([to] if isinstance(to, str) else to)]


def digest(head: Head, read: Body) -> bytes:
    """Tells a repeat from another mail with the same Message-ID: body, From, Date and Subject."""
    fields = (head.raw("from"), head.raw("date"), head.raw("subject"))
    return sha256(read.sha256 + "\0".join(fields).encode("utf-8", "replace")).digest()
