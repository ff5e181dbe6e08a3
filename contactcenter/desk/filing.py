"""The statements of the hot door: one that keeps and looks, one that opens a ticket, one that appends to it.

A citizen's message is filed in two round trips between begin and commit. Everything that a new ticket consists of is one
statement, so it exists whole or not at all; PostgreSQL checks the foreign keys at its end.

These statements go to the driver itself, on the connection of the transaction: the layers between cost as much processor time
as all the rest of taking a message.
"""

import json
import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from channels.base import Inbound
from contactcenter import events
from contactcenter.models import Inbox
from contactcenter.models.tickets import OPEN

MOST_SHOWN = 100
"""Addresses of a message's head that are kept beside it; the original holds them all."""


class Statement:
    """SQL with named values (``:name``), turned once into the driver's numbered form."""

    def __init__(self, sql: str) -> None:
        self._names: list[str] = []
        self._sql = re.sub(r"(?<!:):([a-z][a-z0-9_]*)", self._numbered, sql)

    def _numbered(self, found: re.Match[str]) -> str:
        if found[1] not in self._names:
            self._names.append(found[1])
        return f"${self._names.index(found[1]) + 1}"

    async def row(self, tx: AsyncSession, values: dict[str, Any]) -> Any:
        """The one row of the answer. The transaction must have begun: some statement ran on it before."""
        return await self.row_alone(await self._driver(tx), values)

    async def row_alone(self, driver: Any, values: dict[str, Any]) -> Any:
        """The same on the driver's connection (``Database.alone``)."""
        return await driver.fetchrow(self._sql, *[values[name] for name in self._names])

    @staticmethod
    async def _driver(tx: AsyncSession) -> Any:
        if "driver" not in tx.info:
            connection = await (await tx.connection()).get_raw_connection()
            tx.info["driver"] = connection.driver_connection
        return tx.info["driver"]

    async def rows(self, tx: AsyncSession, values: dict[str, Any]) -> list[Any]:
        """All rows of the answer; as for ``row``."""
        driver = await self._driver(tx)
        rows: list[Any] = await driver.fetch(self._sql, *[values[name] for name in self._names])
        return rows


@dataclass(frozen=True, slots=True)
class Sender:
    """What we know of who wrote. ``endpoint_id`` is None for an address we never saw; ``own_ticket`` their open matter in this
    inbox, else one closed so recently that a message contests the closure; ``acks`` counts acknowledgements of the last 24
    hours, ``automatic`` all we sent by ourselves within the last one. ``open_count``: their open matters in this inbox;
    ``question`` and ``survey``: what we asked them and they have not answered; ``language``: the one they chose.
    """

    seen: bool
    endpoint_id: int | None
    contact_id: int | None
    own_ticket: int | None
    consent: str
    written_to: bool
    acks: int
    automatic: int = 0
    open_count: int = 0
    question: int | None = None
    survey: int | None = None
    language: str | None = None


_LATELY = """t.status = 'closed' AND t.closed_at > CAST(:now AS timestamptz)
      - make_interval(days => (SELECT q.reopen_days FROM queue q WHERE q.id = t.queue_id)::int)"""

# A matter is theirs in this inbox where they opened it here, or were asked in and wrote or were written to here. OFFSET 0: each
# is looked up by its key, also where the plan was made while there were few tickets (a generic plan that scans them all grows).
_THEIRS = """(SELECT t.id, t.status, t.closed_at, t.updated_at, t.queue_id FROM ticket t
        WHERE t.endpoint_id = e.id AND t.inbox_id = :inbox
      UNION ALL SELECT t.* FROM participant p CROSS JOIN LATERAL (
        SELECT t.id, t.status, t.closed_at, t.updated_at, t.queue_id FROM ticket t
        WHERE t.id = p.ticket_id AND t.endpoint_id <> e.id OFFSET 0) t
        WHERE p.endpoint_id = e.id AND p.role <> 'held') t"""

_KNOWN = """
    e.id AS endpoint_id, e.contact_id,
      EXISTS (SELECT 1 FROM message m WHERE m.inbox_id = :inbox AND m.external_id = :external_id
        AND m.content_digest = :digest AND m.direction = 'in') AS seen,
      matters.open_count,
      coalesce(matters.own, CASE WHEN matters.closed_count = 1 THEN matters.closed END) AS own_ticket,
      coalesce((SELECT c.state FROM consent c WHERE c.endpoint_id = e.id AND c.purpose = 'service'), 'implied') AS consent,
      EXISTS (SELECT 1 FROM ticket t JOIN delivery d ON d.ticket_id = t.id WHERE t.endpoint_id = e.id) AS written_to,
      ours.acks, ours.automatic,
      (SELECT q.id FROM question q WHERE q.endpoint_id = e.id AND q.inbox_id = :inbox AND q.answered_at IS NULL) AS question,
      (SELECT max(s.id) FROM survey s WHERE s.endpoint_id = e.id AND s.answered_at IS NULL) AS survey,
      (SELECT c.language FROM contact c WHERE c.id = e.contact_id) AS language
    """
_ADDRESS = f"""endpoint e ON e.agency_id = :agency AND e.kind = :kind AND e.canonical = :canonical
    LEFT JOIN LATERAL (SELECT count(*) FILTER (WHERE {OPEN}) AS open_count,
        (array_agg(t.id ORDER BY t.updated_at DESC) FILTER (WHERE {OPEN}))[1] AS own,
        count(*) FILTER (WHERE {_LATELY}) AS closed_count, max(t.id) FILTER (WHERE {_LATELY}) AS closed FROM {_THEIRS})
      matters ON true
    LEFT JOIN LATERAL (SELECT count(*) AS acks, count(*) FILTER (WHERE m.created_at > clock_timestamp() - interval '1 hour')
        AS automatic FROM ticket t JOIN message m ON m.ticket_id = t.id AND m.direction = 'out'
          AND m.automation = 'notification' AND m.created_at > clock_timestamp() - interval '24 hours'
        WHERE t.endpoint_id = e.id AND t.updated_at > clock_timestamp() - interval '24 hours') ours ON true"""  # noqa: S608 - constants

_LOOK = Statement(f"SELECT {_KNOWN} FROM (SELECT 1) one LEFT JOIN {_ADDRESS}")  # noqa: S608 - constants

_KEEP = Statement(
    """
    INSERT INTO raw_event (source, source_key, inbox_id, envelope, body, file_hash, sha256, state, correlation)
    VALUES (:source, :source_key, :inbox, :envelope, :body, :file, :sha256, :state, :correlation)
    ON CONFLICT (source, source_key) DO NOTHING RETURNING id
    """
)

_KEEP_AND_LOOK = Statement(
    f"""
    WITH kept AS (
      INSERT INTO raw_event (source, source_key, inbox_id, envelope, body, file_hash, sha256, state, correlation)
      VALUES (:source, :source_key, :inbox, :envelope, :body, :file, :sha256, :state, :correlation)
      ON CONFLICT (source, source_key) DO NOTHING RETURNING id)
    SELECT kept.id AS raw_id, {_KNOWN} FROM kept LEFT JOIN {_ADDRESS}
    """  # noqa: S608 - constants
)

_DONE_AND_LOOK = Statement(
    f"""
    WITH done AS (
      UPDATE raw_event SET state = 'done', error = NULL, lease_until = NULL WHERE id = :raw AND state = 'new' RETURNING id)
    SELECT {_KNOWN} FROM done LEFT JOIN {_ADDRESS}
    """  # noqa: S608 - constants
)


async def look(tx: AsyncSession, box: Inbox, inbound: Inbound, now: Any) -> Sender:
    """One question about the sender. Hold the sender's lock (``people.serialise``) before asking."""
    return _sender(await _LOOK.row(tx, _asked(box, inbound, now)))


async def keep(driver: Any, raw: dict[str, Any]) -> int | None:
    """Store a raw event that is read later, in ``Database.alone()``. Gives its id, or None when we had it already."""
    row = await _KEEP.row_alone(driver, raw)
    return None if row is None else int(row["id"])


async def keep_and_look(
    tx: AsyncSession, box: Inbox, inbound: Inbound, now: Any, raw: dict[str, Any]
) -> tuple[int, Sender] | None:
    """Store the raw event of a lone message and ask about its sender, whose lock is held. None when we had it already."""
    row = await _KEEP_AND_LOOK.row(tx, _asked(box, inbound, now) | raw)
    return None if row is None else (row["raw_id"], _sender(row))


async def done_and_look(tx: AsyncSession, box: Inbox, inbound: Inbound, now: Any, raw_id: int) -> Sender | None:
    """Mark a stored raw event of a lone message as done and ask about its sender, whose lock is held. None when somebody else
    has finished it meanwhile."""
    row = await _DONE_AND_LOOK.row(tx, _asked(box, inbound, now) | {"raw": raw_id})
    return None if row is None else _sender(row)


def _asked(box: Inbox, inbound: Inbound, now: Any) -> dict[str, Any]:
    return {
        "inbox": box.id, "external_id": inbound.external_id, "digest": inbound.digest, "now": now,
        "agency": box.agency_id, "kind": inbound.sender.kind, "canonical": inbound.sender.canonical,
    }  # fmt: skip


def _sender(row: Any) -> Sender:
    return Sender(
        row["seen"], row["endpoint_id"], row["contact_id"], row["own_ticket"], row["consent"], row["written_to"], row["acks"],
        row["automatic"], row["open_count"], row["question"], row["survey"], row["language"],
    )  # fmt: skip


_MESSAGE_COLUMNS = """(id, ticket_id, seq, direction, kind, visibility, author_kind, author_endpoint_id, channel, inbox_id,
  raw_event_id, external_id, content_digest, client_key, subject, body_text, body_full, body_html, automation, signals, auth,
  sent_at_claimed, language, recipients, trim_confidence, forwarded, truncated)"""

_MESSAGE_VALUES = """'in', 'message', :visibility, 'citizen', {endpoint}, :channel, :inbox, CAST(:raw AS bigint),
  CAST(:external_id AS text), CAST(:digest AS bytea), CAST(:client_key AS uuid), CAST(:message_subject AS text),
  CAST(:body_text AS text), CAST(:body_full AS text), CAST(:body_html AS text), :automation, :signals, :auth,
  CAST(:sent_at AS timestamptz), CAST(:message_language AS text), :recipients, :trim_confidence, :forwarded, :truncated"""

_OPEN = Statement(
    f"""
    WITH person AS (
      INSERT INTO contact (agency_id, name, language) SELECT :agency, :name, CAST(:message_language AS text)
      WHERE CAST(:endpoint AS bigint) IS NULL RETURNING id),
    address AS (
      INSERT INTO endpoint (agency_id, kind, raw, canonical, contact_id, proof, inbox_id)
      SELECT :agency, :address_kind, :address_raw, :canonical, id, :proof, :inbox FROM person RETURNING id, contact_id),
    who AS (
      SELECT id AS endpoint_id, contact_id FROM address
      UNION ALL SELECT CAST(:endpoint AS bigint), CAST(:contact AS bigint) WHERE CAST(:endpoint AS bigint) IS NOT NULL),
    t AS (
      INSERT INTO ticket (agency_id, reference, queue_id, contact_id, endpoint_id, inbox_id, channel, subject, language, status,
        held_until, skills, arrived_at, va, waiting_since, due_at, next_action_at, message_seq, event_seq, preview,
        preview_from, linked_id, maybe_id, maybe_why)
      SELECT :agency, :reference, :queue, contact_id, endpoint_id, :inbox, :channel, :subject, :language, :status,
        CAST(:held_until AS timestamptz), :skills, :now, :va, CAST(:waiting_since AS timestamptz), CAST(:due_at AS timestamptz),
        :next_action_at, :message_seq, :event_seq, :preview, 'citizen', CAST(:linked AS bigint),
        CAST(:maybe_id AS bigint), CAST(:maybe_why AS text) FROM who RETURNING id),
    m AS (
      INSERT INTO message {_MESSAGE_COLUMNS}
      SELECT :message, t.id, 1, {_MESSAGE_VALUES.format(endpoint="who.endpoint_id")} FROM t, who RETURNING id),
    ack AS (
      INSERT INTO message (id, ticket_id, seq, direction, author_kind, channel, inbox_id, body_text, automation, language, line,
        subject, external_id)
      SELECT CAST(:ack AS uuid), t.id, 2, 'out', 'system', :channel, :inbox, CAST(:ack_text AS text), 'notification', :language,
        :ack_line, CAST(:ack_subject AS text), CAST(:ack_id AS text) FROM t WHERE CAST(:ack AS uuid) IS NOT NULL RETURNING id),
    d AS (
      INSERT INTO delivery (message_id, ticket_id, endpoint_id, channel, state, deadline, correlation, lane, inbox_id, parts)
      SELECT ack.id, t.id, who.endpoint_id, :channel, :delivery_state, :deadline, :correlation, 1,
        CAST(:delivery_inbox AS bigint), CAST(:delivery_parts AS smallint) FROM ack, t, who RETURNING id),
    p AS (
      INSERT INTO promise (ticket_id, due_at, made_by, basis) SELECT t.id, CAST(:due_at AS timestamptz), 'desk',
        'queue.reply_minutes' FROM t WHERE CAST(:due_at AS timestamptz) IS NOT NULL),
    stay AS (
      INSERT INTO queue_stay (ticket_id, queue_id, channel) SELECT t.id, :queue, :channel FROM t WHERE :status = 'queued'),
    story AS (
      INSERT INTO event (agency_id, ticket_id, seq, type, actor_kind, actor_id, data, correlation)
      SELECT :agency, t.id, e.seq, e.type, e.actor_kind, CASE WHEN e.actor_kind = 'citizen' THEN who.contact_id END, e.data,
        :correlation FROM t, who, jsonb_to_recordset(:story) AS e(seq bigint, type text, actor_kind text, data jsonb)
      ORDER BY e.seq)
    SELECT t.id AS ticket_id, (SELECT id FROM d) AS delivery_id FROM t
    """  # noqa: S608 - constants
)

_APPEND = Statement(
    f"""
    WITH t AS (
      UPDATE ticket SET message_seq = message_seq + 1, event_seq = event_seq + 1, updated_at = clock_timestamp(),
        waiting_since = CASE WHEN :human THEN coalesce(waiting_since, :now) ELSE waiting_since END,
        preview = CASE WHEN :human THEN :preview ELSE preview END,
        preview_from = CASE WHEN :human THEN 'citizen' ELSE preview_from END,
        next_action_at = CASE WHEN :human THEN least(coalesce(next_action_at, :later), :later) ELSE next_action_at END
      WHERE id = :ticket RETURNING id, agency_id, message_seq, event_seq, status),
    m AS (
      INSERT INTO message {_MESSAGE_COLUMNS}
      SELECT :message, t.id, t.message_seq, {_MESSAGE_VALUES.format(endpoint="CAST(:endpoint AS bigint)")} FROM t),
    story AS (
      INSERT INTO event (agency_id, ticket_id, seq, type, actor_kind, actor_id, data, correlation)
      SELECT agency_id, id, event_seq, 'message.received', 'citizen', CAST(:contact AS bigint), :story, :correlation FROM t)
    SELECT status FROM t
    """  # noqa: S608 - constants
)


UNPACED = {"delivery_inbox": None, "delivery_parts": 1}
"""Of an acknowledgement on a channel where a sender may send as fast as it likes (``deliveries.paced``)."""


async def open_whole(tx: AsyncSession, values: dict[str, Any]) -> tuple[int, int | None]:
    """Everything that a new ticket consists of; gives the ids of ticket and acknowledging delivery."""
    tx.info["wrote_events"] = True
    row = await _OPEN.row(tx, {"maybe_id": None, "maybe_why": None} | UNPACED | _ready(values))
    return row["ticket_id"], row["delivery_id"]


async def append(tx: AsyncSession, values: dict[str, Any]) -> str:
    """A message more on a ticket, with its event; takes the ticket's row lock. Gives the ticket's status."""
    tx.info["wrote_events"] = True
    row = await _APPEND.row(tx, _ready(values))
    return str(row["status"])


def _ready(values: dict[str, Any]) -> dict[str, Any]:
    """Lists and dictionaries as the JSON that the driver takes."""
    plain = {name: json.dumps(value) if isinstance(value, list | dict) else value for name, value in values.items()}
    return plain | {"correlation": events.correlation.get()}


def message_values(
    box: Inbox, raw_id: int | None, inbound: Inbound, message_id: UUID, visibility: str = "public"
) -> dict[str, Any]:
    """The message row of something a person wrote, as the statements above want it."""
    visible = inbound.text if inbound.text_visible is None else inbound.text_visible
    return {
        "message": message_id, "visibility": visibility, "channel": box.channel, "inbox": box.id, "raw": raw_id,
        "external_id": inbound.external_id or None, "digest": inbound.digest, "client_key": inbound.hints.client_key,
        "message_subject": inbound.subject or None, "body_text": visible,
        "body_full": inbound.text if visible != inbound.text else None, "body_html": inbound.html,
        "automation": inbound.automation, "signals": list(inbound.signals), "auth": inbound.auth,
        "sent_at": inbound.sent_at_claimed, "message_language": inbound.hints.language or None,
        "recipients": addressed(inbound), "trim_confidence": inbound.trim_confidence, "forwarded": inbound.forwarded,
        "truncated": inbound.truncated,
    }  # fmt: skip


def addressed(inbound: Inbound) -> dict[str, list[dict[str, str]]]:
    """Who else stands in a message's head, as screens show it. It gives nobody a right to anything."""
    parts = {"to": inbound.to[:MOST_SHOWN], "cc": inbound.cc[:MOST_SHOWN]}
    return {
        part: [{"address": one.canonical[:320], "name": one.name[:200]} for one in people]
        for part, people in parts.items()
        if people
    }
