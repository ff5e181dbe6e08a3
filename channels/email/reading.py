"""From the bytes of a mail to what the desk may know of it."""

from contextlib import suppress
from dataclasses import replace
from email.message import Message
from hashlib import sha256

from channels.base import Address, Hints, Inbound, Item, Proof, Raw, Unreadable
from channels.email.auth import authentication
from channels.email.automatic import automation
from channels.email.body import Body, body
from channels.email.headers import Head, addresses, key_of, reply_token
from channels.email.structure import Tree, top, tree
from channels.email.trimming import newly_written
from channels.email.wording import clean, one_line

SEEN = 2000
PROOFS = {"pass_aligned": Proof.DMARC_ALIGNED}


def parse(raw: Raw) -> list[Item]:
    """Read a mail; where that fails its headers; where that fails too, say so. Raises nothing on any bytes."""
    with suppress(Exception):  # any bytes may arrive, and a mail must never be lost to a bug in reading it
        whole = tree(raw.body)
        return [mail(raw, whole, body(whole))]
    return headers_only(raw)  # out here, where what the failure held in memory is free again


def headers_only(raw: Raw) -> list[Item]:
    """What can be told without touching the body, marked as cut off."""
    try:
        return [mail(raw, top(raw.body), Body(sha256=raw.sha256, cut=True, signals=("body_not_read",)))]
    except Exception as error:  # as above; the bytes are kept, and an agent sees that there is something
        return [Unreadable(f"not a readable mail: {type(error).__name__}", clean(raw.body[:SEEN].decode("latin-1")))]


def mail(raw: Raw, whole: Tree, read: Body) -> Item:
    head = Head(whole.root)
    sender = sender_of(raw, head)
    if sender is None:
        return Unreadable("no sender", clean(f"{head.text('subject')}\n\n{read.text}".strip())[:SEEN])
    domain = sender.canonical.rpartition("@")[2]
    auth = authentication(head, domain if is_single_author(head) else "", trusted(raw))
    kind, signals = automation(head, report_type(whole.root), sender.canonical, has_null_sender(raw, head))
    return Inbound(
        sender=replace(sender, proof=PROOFS.get(auth, sender.proof)),
        text=read.text,
        external_id=clean(head.message_id()) or f"<{raw.sha256.hex()}@no-id.invalid>",
        text_visible=newly_written(read.text),
        html=read.html,
        subject=head.text("subject"),
        digest=digest(head, read),
        reply_to=first_address(head, "reply-to"),
        sent_at_claimed=head.sent_at(),
        files=read.files,
        hints=Hints(reply_token=reply_token(recipients(raw), head), references=head.references()),
        auth=auth,
        automation=kind,
        signals=(*signals, *read.signals),
        truncated=read.cut or whole.cut,
    )


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
    return Address(kind="email", raw=value, canonical=key_of(value), proof=proof, name=name)


def is_single_author(head: Head) -> bool:
    """Several authors cannot be vouched for by one stamp (RFC 7489 section 6.6.1)."""
    return len(head.all("from")) == 1 and len(head.addresses("from")) == 1


def trusted(raw: Raw) -> frozenset[str]:
    names = raw.inbox.config.get("trusted_authserv_ids", "")
    return frozenset(name.strip().lower() for name in names.split(",") if name.strip())


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
