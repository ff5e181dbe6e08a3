"""Who is who in a report: whom we wrote to, ourselves, and the server that writes."""

import re
from collections.abc import Callable, Sequence

from channels.email.bounces.letter import Letter
from channels.email.bounces.phrases import DAEMON
from channels.email.headers import Head, ids, key_of, without_token

OWN_ID = re.compile(r"<c\.[0-9a-f]{32}@[^<>\s]{1,253}>")
SAID_ID = re.compile(r"message-?id[^\n<]{0,20}(<[^<>\s]{3,900}>)", re.I)
ID_HEADERS = (
    "in-reply-to", "references", "original-message-id", "x-original-message-id", "x-failed-message-id",
    "x-ms-exchange-parent-message-id", "x-ms-exchange-original-message-id",
)  # fmt: skip


class Parties:
    """``ours``: whether an address is one of ours; ``envelope_to``: for whom the report came."""

    def __init__(self, letter: Letter, ours: Callable[[str], bool] | None, envelope_to: Sequence[str]) -> None:
        self.letter, self._ours = letter, ours
        self._here = {key_of(name) for one in envelope_to for name in (one, without_token(one))}
        self._writer = keys(letter.head, "from", "sender")
        self._sender = self._writer | keys(letter.head, "to", "delivered-to", "x-original-to", "reply-to")
        for copy in letter.returned:
            self._sender |= keys(copy, "from", "sender", "reply-to", "return-path", "errors-to")
        self.written_to = [key for copy in letter.returned[:3] for key in keys(copy, "to", "cc") if self.may_be(key)]

    def may_be(self, address: str) -> bool:
        """Whether a field of a report may name this recipient."""
        key = key_of(address)
        return "@" in key and key not in self._here and key not in self._writer and not self.is_ours(key)

    def may_be_meant(self, address: str) -> bool:
        """Whether free words may mean it: they also name the sender, and whom to ask for help."""
        key = key_of(address)
        return self.may_be(key) and key not in self._sender and not DAEMON.match(key) and not without_name(key)

    def is_ours(self, key: str) -> bool:
        return self._ours is not None and bool(self._ours(key))

    def the_one(self, original: str, final: str) -> str:
        """Whom we wrote to: a server that passed our mail on names the last address as the final one."""
        named = [key_of(one) for one in (final, original) if one and self.may_be(one)]
        return next((one for one in named if one in self.written_to), named[0] if named else "")


def keys(head: Head, *names: str) -> set[str]:
    return {key_of(address) for _, address in head.addresses(*names)}


def without_name(key: str) -> bool:
    """An id of a mail rather than an address: a long local part of digits and letters beside a dot or a dollar sign."""
    local = key.partition("@")[0]
    return bool(re.fullmatch(r"[0-9a-z]*[0-9]{8}[0-9a-z.$_-]{4,}", local)) and ("." in local or "$" in local)


def own_id(letter: Letter) -> str:
    """The Message-ID of our mail: from its copy, else from what the report says of it."""
    for copy in letter.returned:
        if found := copy.message_id():
            return found
    named = [one for name in ID_HEADERS for value in letter.head.all(name) for one in reversed(ids(value))]
    for text in (letter.copy[:65536], letter.text[:65536], *letter.status[:1]):
        named += OWN_ID.findall(text) or SAID_ID.findall(text)
    return next((one for one in named if OWN_ID.fullmatch(one)), named[0] if named else "")
