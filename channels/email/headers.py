"""The headers of a mail, each read on its own and within limits, so that one odd header spoils nothing else."""

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from typing import Any

from channels.email.subjects import bare_subject as bare_subject
from channels.email.wording import decode_words, one_line, readable, visible_marks

HEADER = 2000
LIST = 16 * 1024
BLOCK = 256 * 1024
COUNT = 2000
ADDRESSES = 1000
REFERENCES = 100
ID_LENGTH = 998
LISTS = {"from", "sender", "reply-to", "to", "cc", "delivered-to", "x-original-to", "references", "in-reply-to"}

ATOM = r"[^\s\x00-\x20\x7f\"(),:;<>@\[\]\\]"
ADDRESS = re.compile(rf"(?<!{ATOM}){ATOM}{{1,64}}@{ATOM}{{1,253}}")
SIMPLE = re.compile(rf"([^\",;:<>()]*)<\s*({ATOM}{{1,64}}@{ATOM}{{1,253}})\s*>\s*")
LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
BRACKETED = re.compile(r"<([^<>]+)>")
TOKEN = re.compile(r"\+(r(?:\.[a-z0-9]{1,40}){1,2}\.[a-z0-9]{16,52})$")
ANY_TOKEN = re.compile(r"\+r\.[a-z0-9.]*$")


class Part(Message):
    """A part of a mail that keeps only so much of its headers: parsing long ones takes quadratic time."""

    room = BLOCK
    cut = False

    def set_raw(self, name: str, value: Any) -> None:
        limit = LIST if name.lower() in LISTS else HEADER
        if len(value) > limit or len(name) > HEADER or self.room <= 0 or len(self) >= COUNT:
            self.cut = True
        if len(name) > HEADER or self.room <= 0 or len(self) >= COUNT:
            return
        self.room -= len(name) + len(value)
        super().set_raw(name, value[:limit])

    def get(self, name: str, failobj: Any = None) -> Any:
        """As the standard one, but 8-bit values are read and not replaced (file names in raw UTF-8)."""
        wanted = name.lower()
        for key, value in self.raw_items():
            if key.lower() == wanted:
                return readable(str(value))
        return failobj


class Head:
    """The headers of one mail by lower-case name. ``hint``: the alphabet of its body, for headers in bare 8-bit letters."""

    def __init__(self, part: Message, hint: str = "") -> None:
        self.values: dict[str, list[str]] = {}
        self.lists: dict[str, list[tuple[str, str]]] = {}  # read once: a dozen places ask who wrote
        for name, value in part.raw_items():
            self.values.setdefault(name.lower(), []).append(readable(str(value), hint))

    def all(self, name: str) -> list[str]:
        return self.values.get(name, [])

    def raw(self, name: str) -> str:
        return next(iter(self.all(name)), "")

    def has(self, name: str) -> bool:
        return name in self.values

    def text(self, name: str) -> str:
        return visible_marks(one_line(decode_words(self.raw(name))))

    def word(self, name: str) -> str:
        """The first word of a header that holds a keyword, lower case."""
        return one_line(self.raw(name)).partition(";")[0].partition("(")[0].strip().lower()

    def addresses(self, *names: str) -> list[tuple[str, str]]:
        """(name, address) of all headers with these names, at most 1,000."""
        for name in names:
            if name not in self.lists:
                self.lists[name] = [pair for value in self.all(name) for pair in addresses(value)][:ADDRESSES]
        return [pair for name in names for pair in self.lists[name]][:ADDRESSES]

    def sent_at(self) -> datetime | None:
        try:
            at = parsedate_to_datetime(one_line(self.raw("date")))
            return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, TypeError, IndexError, OverflowError):  # each seen from odd dates
            return None

    def message_id(self) -> str:
        """The text between the outermost angle brackets, in brackets; empty where there is none."""
        value = "".join(one_line(self.raw("message-id")).split())
        start, end = value.find("<"), value.rfind(">")
        inner = value[start + 1 : end] if -1 < start < end else value.strip("<>")
        return f"<{inner}>" if 0 < len(inner) <= ID_LENGTH else ""

    def references(self) -> tuple[str, ...]:
        """In-Reply-To, then References from the last to the first."""
        found = [*ids(self.raw("in-reply-to")), *reversed(ids(self.raw("references")))]
        return tuple(dict.fromkeys(found))[:REFERENCES]


def addresses(value: str) -> list[tuple[str, str]]:
    """(name, address) pairs of an address list, by the standard parser or else by looking for the addresses."""
    value = value[:LIST]
    if simple := SIMPLE.fullmatch(value):  # nearly all; the standard parser loses names with brackets in them
        return [(one_line(decode_words(simple[1])), simple[2])]
    found: list[tuple[str, str]] = []
    # Nested comments end the standard parser in a RecursionError, and each quotation mark costs a pass over the rest.
    if value.count("(") < 20 and value.count('"') < 200:
        with suppress(Exception):  # any error of the parser only means: look for the addresses ourselves
            found = getaddresses([value])
    good = [(one_line(decode_words(name)), address) for name, address in found if ADDRESS.fullmatch(address)]
    if good and (len(good) == 1 or "," in value or ";" in value):
        return good
    return plain_addresses(decode_words(value))


def plain_addresses(value: str) -> list[tuple[str, str]]:
    """Those in angle brackets, or all if none are: ``mayor@city.example <ann@lake.example>`` was written by Ann."""
    matches = [one for one in ADDRESS.finditer(value) if value[one.start() - 1 : one.start()] == "<"]
    if matches and "," not in value:
        start = matches[-1].start()
        return [(one_line(value[:start]).strip("\"'< "), matches[-1][0])]
    return [("", match[0]) for match in matches or ADDRESS.finditer(value)]


def ids(value: str) -> list[str]:
    """Message ids in the order written; those without brackets are told by their @."""
    value = one_line(value)
    found = BRACKETED.findall(value) or [word for word in value.split() if "@" in word]
    joined = ("".join(one.split()).strip("<>") for one in found)
    return [f"<{one}>" for one in joined if 0 < len(one) <= ID_LENGTH]


def canonical(value: str) -> str:
    """Domain as lower-case A-labels, local part caseless; plus-tags and dots are kept. Raises ValueError."""
    local, _, domain = value.strip().rpartition("@")
    if not ADDRESS.fullmatch(f"{local}@{domain}") or not local.isascii():
        raise ValueError("not a mail address")
    if not domain.isascii():
        domain = domain.encode("idna").decode("ascii")  # UnicodeError is a ValueError
    domain = domain.lower()
    if len(domain) > 253 or not all(LABEL.fullmatch(label) for label in domain.split(".")):
        raise ValueError("not a mail address")
    return f"{local.lower()}@{domain}"


def deliverable(value: str) -> str:
    """The address as given, with its domain as A-labels. Raises ValueError."""
    return value.strip().rpartition("@")[0] + "@" + canonical(value).rpartition("@")[2]


def key_of(address: str) -> str:
    """``canonical`` for senders: an address we could not answer still is somebody's."""
    try:
        return canonical(address)
    except ValueError:
        return one_line(address).lower()


def without_token(address: str) -> str:
    """The address of the inbox behind a recipient, lower-case: ``Help+r.12.abc@x`` is ``help@x``."""
    local, _, domain = address.strip().lower().rpartition("@")
    return f"{ANY_TOKEN.sub('', local)}@{domain}"


def reply_token(recipients: Sequence[str], head: Head) -> str:
    """The first ``r.<id>.<mac>`` in envelope, Delivered-To, X-Original-To, To, Cc; nobody has verified it yet."""
    for address in [*recipients, *(a for _, a in head.addresses("delivered-to", "x-original-to", "to", "cc"))]:
        if token := token_of(address):
            return token
    return ""


def token_of(address: str) -> str:
    local = address.strip().strip("<>").lower().rpartition("@")[0]
    found = TOKEN.search(local) if len(local) <= 64 else None
    return found[1] if found else ""
