"""All that the sandbox remembers, in one SQLite file. Rows are dictionaries; times are seconds since 1970."""

import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Row = dict[str, Any]

TABLES = """
CREATE TABLE IF NOT EXISTS text (
    sid TEXT PRIMARY KEY, direction TEXT NOT NULL, sender TEXT NOT NULL, recipient TEXT NOT NULL, body TEXT NOT NULL,
    status TEXT NOT NULL, error_code TEXT NOT NULL DEFAULT '', callback TEXT NOT NULL DEFAULT '',
    fate TEXT NOT NULL DEFAULT '', created REAL NOT NULL, sent REAL, updated REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS text_pair ON text (sender, recipient);
CREATE INDEX IF NOT EXISTS text_back ON text (recipient, sender);
CREATE TABLE IF NOT EXISTS media (
    sid TEXT PRIMARY KEY, text_sid TEXT NOT NULL, type TEXT NOT NULL, body BLOB NOT NULL, created REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS media_text ON media (text_sid);
CREATE TABLE IF NOT EXISTS told (sid TEXT PRIMARY KEY, status TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS stopped (phone TEXT, number TEXT, PRIMARY KEY (phone, number));
CREATE TABLE IF NOT EXISTS letter (
    id INTEGER PRIMARY KEY, mailbox TEXT NOT NULL, direction TEXT NOT NULL, envelope_from TEXT NOT NULL,
    sender TEXT NOT NULL, recipient TEXT NOT NULL, reply_to TEXT NOT NULL, subject TEXT NOT NULL, text TEXT NOT NULL,
    message_id TEXT NOT NULL, in_reply_to TEXT NOT NULL, refs TEXT NOT NULL, thread TEXT NOT NULL,
    automatic INTEGER NOT NULL, status TEXT NOT NULL, at REAL NOT NULL, raw BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS letter_mailbox ON letter (mailbox, at);
CREATE TABLE IF NOT EXISTS fault (kind TEXT PRIMARY KEY, times INTEGER, code TEXT NOT NULL, seconds REAL NOT NULL);
"""

NEWEST = 200  # a page shows no more than this

# A text with the number of its files, and the last state that the desk was told and took.
TEXTS = (
    "SELECT text.rowid AS nth, text.*, (SELECT count(*) FROM media WHERE text_sid = text.sid) AS media,"
    " coalesce((SELECT status FROM told WHERE told.sid = text.sid), '') AS told FROM text"
)


class Store:
    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(file, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(TABLES)

    def close(self) -> None:
        self._db.close()

    def _all(self, query: str, values: Any = ()) -> list[Row]:
        return [dict(row) for row in self._db.execute(query, values)]

    # --- texts --------------------------------------------------------------------------------------------------------

    def add_text(self, text: Row) -> bool:
        """Keep a text; False where its sid is already known."""
        now = time.time()
        row = {"callback": "", "fate": "", "sent": None, "created": now, "updated": now} | text
        cursor = self._db.execute(
            "INSERT OR IGNORE INTO text"
            " (sid, direction, sender, recipient, body, status, callback, fate, created, sent, updated) VALUES"
            " (:sid, :direction, :sender, :recipient, :body, :status, :callback, :fate, :created, :sent, :updated)",
            row,
        )
        return cursor.rowcount == 1

    def text(self, sid: str) -> Row | None:
        return next(iter(self._all(f"{TEXTS} WHERE sid = ?", (sid,))), None)

    def set_status(self, sid: str, status: str, error_code: str = "") -> None:
        now = time.time()
        self._db.execute(
            "UPDATE text SET status = ?, error_code = ?, updated = ?, sent = coalesce(sent, ?) WHERE sid = ?",
            (status, error_code, now, now, sid),
        )

    def set_told(self, sid: str, status: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO told VALUES (?, ?)", (sid, status))

    def texts_of(self, addresses: Sequence[str]) -> list[Row]:
        """What a phone wrote and got under its addresses, oldest first."""
        mine = ", ".join("?" * len(addresses))
        return self._all(
            f"SELECT * FROM ({TEXTS} WHERE (sender IN ({mine}) AND direction = 'inbound')"  # noqa: S608 - question marks only
            f" OR (recipient IN ({mine}) AND direction <> 'inbound') ORDER BY created DESC, nth DESC LIMIT ?)"
            " ORDER BY created, nth",
            (*addresses, *addresses, NEWEST),
        )

    def texts_between(self, sender: str, recipient: str, since: float, until: float) -> list[Row]:
        """Newest first, empty = any. A text that was not sent yet counts by when it was made."""
        return self._all(
            f"{TEXTS} WHERE (:sender = '' OR sender = :sender) AND (:recipient = '' OR recipient = :recipient)"
            " AND coalesce(sent, created) BETWEEN :since AND :until ORDER BY created DESC, nth DESC",
            {"sender": sender, "recipient": recipient, "since": since, "until": until},
        )

    def texts_under_way(self) -> list[Row]:
        return self._all(f"{TEXTS} WHERE status IN ('queued', 'sent', 'receiving') ORDER BY created")

    def wrote_since(self, sender: str, recipient: str, since: float) -> bool:
        query = (
            "SELECT 1 FROM text WHERE sender = ? AND recipient = ? AND direction = 'inbound' AND created >= ? LIMIT 1"
        )
        return bool(self._all(query, (sender, recipient, since)))

    def add_media(self, sid: str, text_sid: str, kind: str, body: bytes) -> None:
        self._db.execute("INSERT INTO media VALUES (?, ?, ?, ?, ?)", (sid, text_sid, kind, body, time.time()))

    def media_of(self, text_sid: str) -> list[Row]:
        """The files of a text, without what is in them."""
        return self._all(
            "SELECT sid, text_sid, type, created FROM media WHERE text_sid = ? ORDER BY rowid", (text_sid,)
        )

    def media(self, sid: str) -> Row | None:
        return next(iter(self._all("SELECT * FROM media WHERE sid = ?", (sid,))), None)

    def phones(self) -> list[str]:
        rows = self._all("SELECT DISTINCT sender AS phone FROM text WHERE direction = 'inbound' ORDER BY 1 LIMIT 50")
        return [row["phone"] for row in rows]

    def stop(self, phone: str, number: str) -> None:
        self._db.execute("INSERT OR IGNORE INTO stopped VALUES (?, ?)", (phone, number))

    def start(self, phone: str, number: str) -> None:
        self._db.execute("DELETE FROM stopped WHERE phone = ? AND number = ?", (phone, number))

    def is_stopped(self, phone: str, number: str) -> bool:
        return bool(self._all("SELECT 1 FROM stopped WHERE phone = ? AND number = ?", (phone, number)))

    # --- letters ------------------------------------------------------------------------------------------------------

    def add_letter(self, letter: Row) -> int:
        cursor = self._db.execute(
            "INSERT INTO letter (mailbox, direction, envelope_from, sender, recipient, reply_to, subject, text,"
            " message_id, in_reply_to, refs, thread, automatic, status, at, raw) VALUES (:mailbox, :direction,"
            " :envelope_from, :sender, :recipient, :reply_to, :subject, :text, :message_id, :in_reply_to, :refs,"
            " :thread, :automatic, :status, :at, :raw)",
            {"at": time.time()} | letter,
        )
        return int(cursor.lastrowid or 0)

    def letter(self, number: int) -> Row:
        return self._all("SELECT * FROM letter WHERE id = ?", (number,))[0]

    def set_letter_status(self, number: int, status: str) -> None:
        self._db.execute("UPDATE letter SET status = ? WHERE id = ?", (status, number))

    def letters_of(self, mailbox: str) -> list[Row]:
        return self._all(
            "SELECT * FROM (SELECT * FROM letter WHERE mailbox = ? ORDER BY at DESC, id DESC LIMIT ?) ORDER BY at, id",
            (mailbox, NEWEST),
        )

    def letters_waiting(self) -> list[Row]:
        return self._all("SELECT * FROM letter WHERE status = 'waiting' ORDER BY at")

    def thread_of(self, mailbox: str, message_ids: list[str]) -> str:
        """The thread in which one of these ids is known, newest id first."""
        for message_id in message_ids:
            rows = self._all(
                "SELECT thread FROM letter WHERE mailbox = ? AND message_id = ? LIMIT 1", (mailbox, message_id)
            )
            if rows:
                return str(rows[0]["thread"])
        return ""

    def mailboxes(self) -> list[str]:
        rows = self._all("SELECT mailbox, max(at) AS newest FROM letter GROUP BY mailbox ORDER BY newest DESC LIMIT 50")
        return [row["mailbox"] for row in rows]

    # --- faults -------------------------------------------------------------------------------------------------------

    def set_fault(self, kind: str, times: int | None, code: str, seconds: float) -> None:
        """``times`` None: always; 0: never again."""
        self._db.execute("DELETE FROM fault WHERE kind = ?", (kind,))
        if times != 0:
            self._db.execute("INSERT INTO fault VALUES (?, ?, ?, ?)", (kind, times, code, seconds))

    def faults(self) -> list[Row]:
        return self._all("SELECT * FROM fault ORDER BY kind")

    def take_fault(self, kind: str) -> Row | None:
        """The fault if it is to strike now; counts it."""
        found = next(iter(self._all("SELECT * FROM fault WHERE kind = ?", (kind,))), None)
        if found and found["times"] is not None:
            self.set_fault(kind, found["times"] - 1, found["code"], found["seconds"])
        return found

    def forget_faults(self) -> None:
        self._db.execute("DELETE FROM fault")
