"""One signed-in connection to a mailbox (IMAP, RFC 3501; IDLE, RFC 2177). Everything here blocks; nothing in the mailbox changes."""

import imaplib
import re
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import imap_tools

from channels.email.oauth import MailboxAway, Tokens

POLL, SLICE, DEADLINE = 60.0, 2.0, 30.0  # seconds; IDLE is begun anew with each look
BATCH, BATCH_BYTES = 20, 8_000_000
LARGEST = 40_000_000
OVERLAP = timedelta(days=2)

VALIDITY = re.compile(rb"UIDVALIDITY (\d+)")
NEXT = re.compile(rb"UIDNEXT (\d+)")
FACTS = re.compile(rb"UID (\d+)")
SIZE = re.compile(rb"RFC822\.SIZE (\d+)")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")  # always English


@dataclass(frozen=True, slots=True)
class Where:
    """A mailbox and how to sign in. ``since``: *new* (what comes after the first look), *all*, or a day (ISO 8601)."""

    host: str
    port: int
    security: str
    user: str
    folder: str
    since: str
    ca_file: str
    password: str
    tokens: Tokens | None


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far we are: all UIDs up to ``uid`` under ``validity`` are kept; ``newest`` is when the last of them arrived.

    ``again_until``: up to this UID only what arrived about then or later is wanted, since the server renumbered its mails (or an
    operator named a day to begin with).
    """

    validity: int = 0
    uid: int = 0
    newest: str = ""
    again_until: int = 0

    @classmethod
    def read(cls, kept: Mapping[str, Any], folder: str) -> "Cursor":
        if kept.get("folder") != folder:
            return cls()
        return cls(
            int(kept["validity"]), int(kept["uid"]), str(kept.get("newest", "")), int(kept.get("again_until", 0))
        )

    def kept(self, folder: str) -> dict[str, Any]:
        return {
            "folder": folder, "validity": self.validity, "uid": self.uid, "newest": self.newest, "again_until": self.again_until,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fetched:
    uid: int
    body: bytes
    size: int
    arrived: str


@dataclass(frozen=True, slots=True)
class Batch:
    mails: tuple[Fetched, ...]
    taken: int


class Line:
    """A signed-in connection; its methods block and belong to one thread at a time."""

    def __init__(self, where: Where) -> None:
        self.where = where
        self.closed = threading.Event()
        self.token_until: datetime | None = None
        self._box: Any = None

    def open(self) -> None:
        self._box = self._connected()
        if self.where.tokens is None:
            sign_in = self._box.login_utf8 if "AUTH=PLAIN" in self._box.client.capabilities else self._box.login
            sign_in(self.where.user, self.where.password, None)
        else:
            self._sign_in_by_token(self.where.tokens)
        self._box.folder.set(self.where.folder, readonly=True)

    def _connected(self) -> Any:
        where = self.where
        trust = ssl.create_default_context(cafile=where.ca_file or None)
        if where.security == "tls":
            return imap_tools.MailBox(where.host, where.port, timeout=DEADLINE, ssl_context=trust)
        if where.security == "starttls":
            return imap_tools.MailBoxStartTls(where.host, where.port, timeout=DEADLINE, ssl_context=trust)
        return imap_tools.MailBoxUnencrypted(where.host, where.port, timeout=DEADLINE)

    def _sign_in_by_token(self, tokens: Tokens) -> None:
        """A token may have been withdrawn before its time: once more with a fresh one, on a fresh connection."""
        for fresh in (False, True):
            token = tokens.current(fresh=fresh)
            self.token_until = token.until
            try:
                self._box.xoauth2(self.where.user, token.value, None)
                return
            except (imaplib.IMAP4.error, imap_tools.errors.ImapToolsError):
                if fresh:
                    raise MailboxAway(
                        "The mail server refused the sign-in by token: may this account read the mailbox?"
                    ) from None
                self._end()
                self._box = self._connected()

    def placed(self, cursor: Cursor) -> tuple[Cursor, int]:
        """The cursor as the folder now is (a first look, or the server renumbered everything), and the highest UID there."""
        self._box.folder.set(self.where.folder, readonly=True)
        validity, following = self._numbers()
        last = following - 1
        if cursor.validity == validity:
            return cursor, last
        if cursor.validity:  # all have new numbers: begin at what may be new; what we have is told by its content
            return Cursor(validity, 0, cursor.newest, last), last
        if self.where.since == "new":
            return Cursor(validity, last, datetime.now(UTC).isoformat()), last
        if self.where.since == "all":
            return Cursor(validity), last
        return Cursor(validity, 0, f"{self.where.since}T00:00:00+00:00", last), last

    def _numbers(self) -> tuple[int, int]:
        status, data = self._box.client.status(self._box.client._quote(self.where.folder), "(UIDVALIDITY UIDNEXT)")
        text = b" ".join(one for one in data if one)
        validity, following = VALIDITY.search(text), NEXT.search(text)
        if status != "OK" or validity is None or following is None:
            raise imap_tools.errors.UnexpectedCommandStatusError((status, data), "OK")
        return int(validity[1]), int(following[1])

    def uids(self, cursor: Cursor, end: int) -> list[int]:
        """Those after the cursor up to ``end``, in order; of old numbers only those that arrived since the newest we know."""
        wanted = f"UID {cursor.uid + 1}:{end}"
        if cursor.uid < cursor.again_until and cursor.newest:
            since = datetime.fromisoformat(cursor.newest) - OVERLAP
            wanted += f" SINCE {since.day}-{MONTHS[since.month - 1]}-{since.year}"
        status, data = self._box.client.uid("SEARCH", wanted)
        if status != "OK":
            raise imap_tools.errors.UnexpectedCommandStatusError((status, data), "OK")
        return sorted(
            {int(one) for one in b" ".join(one for one in data if one).split() if cursor.uid < int(one) <= end}
        )

    def fetched(self, todo: list[int], cursor: Cursor) -> tuple[Batch, Cursor]:
        """The next mails, so many as fit into one transaction, and the cursor after them. Their sizes are asked first."""
        sizes = self._sizes(todo[:BATCH])
        mails: list[Fetched] = []
        taken = room = 0
        for uid in todo[:BATCH]:
            size, arrived = sizes.get(uid, (0, ""))
            if taken and room + min(size, LARGEST) > BATCH_BYTES:
                break
            taken, room = taken + 1, room + min(size, LARGEST)
            body = self._body(uid, "BODY.PEEK[]" if size <= LARGEST else "BODY.PEEK[HEADER]") if size else None
            if body is not None:  # None: it was deleted while we looked
                mails.append(Fetched(uid, body, size, arrived))
        newest = max([cursor.newest, *(one.arrived for one in mails)])
        return Batch(tuple(mails), taken), replace(cursor, uid=todo[taken - 1], newest=newest)

    def _sizes(self, uids: list[int]) -> dict[int, tuple[int, str]]:
        status, data = self._box.client.uid("FETCH", ",".join(map(str, uids)), "(UID RFC822.SIZE INTERNALDATE)")
        if status != "OK":
            raise imap_tools.errors.UnexpectedCommandStatusError((status, data), "OK")
        found: dict[int, tuple[int, str]] = {}
        for line in data:
            text = line[0] if isinstance(line, tuple) else line
            if text and (uid := FACTS.search(text)) and (size := SIZE.search(text)):
                found[int(uid[1])] = (int(size[1]), arrived_at(text))
        return found

    def _body(self, uid: int, what: str) -> bytes | None:
        status, data = self._box.client.uid("FETCH", str(uid), f"({what})")
        if status != "OK":
            raise imap_tools.errors.UnexpectedCommandStatusError((status, data), "OK")
        return next((bytes(one[1]) for one in data if isinstance(one, tuple)), None)

    def wait(self) -> None:
        """Until something happens in the folder, or a minute has passed."""
        if "IDLE" not in self._box.client.capabilities:
            self.closed.wait(POLL)
            return
        self._box.idle.start()
        for _ in range(int(POLL / SLICE)):
            if self.closed.is_set() or self._box.idle.poll(timeout=SLICE):
                break
        self._box.idle.stop()

    def close(self) -> None:
        self.closed.set()
        self._end()

    def _end(self) -> None:
        box, self._box = self._box, None
        if box is not None:
            with suppress(Exception):  # whatever is wrong with it, we leave
                box.client.sock.settimeout(SLICE)
                box.client.logout()
            with suppress(OSError, AttributeError):
                box.client.shutdown()


MONTHS = (
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
)  # RFC 3501: always English


def arrived_at(line: bytes) -> str:
    """INTERNALDATE as ISO 8601 in UTC; empty where the server gave none."""
    at = imaplib.Internaldate2tuple(line)
    if at is None:
        return ""
    return datetime.fromtimestamp(time.mktime(at), UTC).isoformat()
