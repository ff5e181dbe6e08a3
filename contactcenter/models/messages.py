"""What was said: raw events as delivered, messages, files, and deliveries (the outbox)."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Float, ForeignKey, Index, SmallInteger, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from contactcenter.models.base import Base

NOW = func.clock_timestamp()


class RawEvent(Base):
    """What a provider delivered, stored before it was understood. (source, source_key) is unique for ever."""

    __tablename__ = "raw_event"
    __table_args__ = (
        UniqueConstraint("source", "source_key"),
        CheckConstraint("state in ('new','done','failed')", name="state"),
        Index("ix_raw_event_todo", "id", postgresql_where=text("state <> 'done'")),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str]
    source_key: Mapped[str]
    inbox_id: Mapped[int] = mapped_column(ForeignKey("inbox.id"))
    envelope: Mapped[dict[str, Any]]
    body: Mapped[bytes | None]
    """The bytes, where they are few; else ``file_hash`` names them in the file store."""
    file_hash: Mapped[str | None]
    sha256: Mapped[bytes]
    received_at: Mapped[datetime] = mapped_column(server_default=NOW)
    state: Mapped[str] = mapped_column(server_default=text("'new'"))
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    lease_until: Mapped[datetime | None]
    error: Mapped[str | None]
    correlation: Mapped[str] = mapped_column(server_default=text("''"))


class Message(Base):
    """Something said on a ticket, in any direction. ``kind``: message, note (staff only) or line (what the desk did)."""

    __tablename__ = "message"
    __table_args__ = (
        UniqueConstraint("ticket_id", "seq"),
        CheckConstraint("direction in ('in','out','internal')", name="direction"),
        CheckConstraint("visibility in ('public','internal','held')", name="visibility"),
        CheckConstraint("kind <> 'note' or visibility = 'internal'", name="note_internal"),
        CheckConstraint("external_id <> ''", name="external_id"),
        Index(
            "uq_message_external",
            "inbox_id",
            "external_id",
            "content_digest",
            unique=True,
            postgresql_where=text("external_id is not null and direction = 'in'"),
        ),
        Index("ix_message_external", "external_id", postgresql_where=text("external_id is not null")),
        Index("ix_message_remote", "remote_id", postgresql_where=text("remote_id is not null")),
        Index(
            "uq_message_client_key",
            "ticket_id",
            "client_key",
            unique=True,
            postgresql_where=text("client_key is not null"),
        ),
    )
    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("uuidv7()"))
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    seq: Mapped[int]
    direction: Mapped[str]
    kind: Mapped[str] = mapped_column(server_default=text("'message'"))
    visibility: Mapped[str] = mapped_column(server_default=text("'public'"))
    author_kind: Mapped[str]
    author_endpoint_id: Mapped[int | None] = mapped_column(ForeignKey("endpoint.id"))
    author_staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    channel: Mapped[str]
    inbox_id: Mapped[int] = mapped_column(ForeignKey("inbox.id"))
    raw_event_id: Mapped[int | None] = mapped_column(ForeignKey("raw_event.id"))
    external_id: Mapped[str | None]
    content_digest: Mapped[bytes] = mapped_column(server_default=text("''::bytea"))
    client_key: Mapped[UUID | None]
    subject: Mapped[str | None]
    body_text: Mapped[str]
    body_full: Mapped[str | None]
    """The whole text, where ``body_text`` is only what was newly written."""
    body_html: Mapped[str | None]
    line: Mapped[dict[str, Any] | None]
    language: Mapped[str | None]
    automation: Mapped[str] = mapped_column(server_default=text("'none'"))
    signals: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    auth: Mapped[str] = mapped_column(server_default=text("'unknown'"))
    sent_at_claimed: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    version: Mapped[int] = mapped_column(server_default=text("1"))
    recipients: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    """Who stands in its head: ``to``, ``cc`` and (ours only) ``bcc``, each a list of ``{"address", "name"}``."""
    trim_confidence: Mapped[float] = mapped_column(Float, server_default=text("1"))
    """How sure we are that ``body_text`` is all that was newly written."""
    forwarded: Mapped[bool] = mapped_column(server_default=text("false"))
    truncated: Mapped[bool] = mapped_column(server_default=text("false"))
    remote_id: Mapped[str | None]
    """The id under which it travelled, where a relay replaced ours."""
    moved_from: Mapped[dict[str, Any] | None]
    """``{"ticket", "seq", "by", "at"}`` of the ticket it was moved here from, so that the move can be undone."""


class Attachment(Base):
    """A file of a message. *pending* until it was fetched from the provider; *failed* when it is not to be had."""

    __tablename__ = "attachment"
    __table_args__ = (
        CheckConstraint("state in ('stored','pending','failed')", name="state"),
        CheckConstraint("scan in ('skipped','pending','clean','infected')", name="scan"),
        Index("ix_attachment_pending", "due_at", postgresql_where=text("state = 'pending'")),
        Index("ix_attachment_unscanned", "due_at", postgresql_where=text("scan = 'pending'")),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[UUID] = mapped_column(ForeignKey("message.id"), index=True)
    sha256: Mapped[str]
    size: Mapped[int]
    type: Mapped[str]
    name: Mapped[str]
    name_raw: Mapped[str] = mapped_column(server_default=text("''"))
    inline: Mapped[bool] = mapped_column(server_default=text("false"))
    content_id: Mapped[str] = mapped_column(server_default=text("''"))
    type_declared: Mapped[str] = mapped_column(server_default=text("''"))
    scan: Mapped[str] = mapped_column(server_default=text("'skipped'"))
    state: Mapped[str] = mapped_column(server_default=text("'stored'"))
    ref: Mapped[str | None]
    """Where the provider keeps it, while it is pending; ``sha256`` is empty till then."""
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    due_at: Mapped[datetime] = mapped_column(server_default=NOW)
    error: Mapped[str | None]


class Upload(Base):
    """A file that a member of staff put beside an answer not yet sent."""

    __tablename__ = "upload"
    id: Mapped[int] = mapped_column(primary_key=True)
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    sha256: Mapped[str]
    size: Mapped[int]
    type: Mapped[str]
    name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    used_at: Mapped[datetime | None]


class Delivery(Base):
    """One message on its way to one endpoint: the outbox row and what became of it.

    ``state`` only moves forward by rank; only our own sender takes *unknown* or a failed try back to *queued*.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("message_id", "endpoint_id"),
        CheckConstraint(
            "state in ('held','queued','sending','unknown','sent','delivered','undelivered','failed','canceled','read')",
            name="state",
        ),
        CheckConstraint("(state = 'sending') <= (lease_token is not null)", name="lease"),
        CheckConstraint("role in ('to','cc','bcc')", name="role"),
        Index(
            "ix_delivery_unreleased",
            "inbox_id",
            "lane",
            "id",
            postgresql_where=text("state = 'queued' and released_at is null and inbox_id is not null"),
        ),
        Index(
            "ix_delivery_unconfirmed",
            "channel",
            "updated_at",
            postgresql_where=text("state = 'sent' and provider_id is not null"),
        ),
        Index("ix_delivery_due", "due_at", postgresql_where=text("state in ('queued','sending','unknown')")),
        Index(
            "ix_delivery_endpoint",
            "endpoint_id",
            "id",
            postgresql_where=text("state in ('held','queued','sending','unknown')"),
        ),
        Index("ix_delivery_held", "due_at", postgresql_where=text("state = 'held'")),
        Index(
            "ix_delivery_released",
            "inbox_id",
            postgresql_where=text("state = 'queued' and released_at is not null"),
        ),
        Index(
            "uq_delivery_provider",
            "channel",
            "provider_id",
            unique=True,
            postgresql_where=text("provider_id is not null"),
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[UUID] = mapped_column(ForeignKey("message.id"))
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), index=True)
    endpoint_id: Mapped[int] = mapped_column(ForeignKey("endpoint.id"))
    channel: Mapped[str]
    state: Mapped[str] = mapped_column(server_default=text("'queued'"))
    provider_id: Mapped[str | None]
    due_at: Mapped[datetime] = mapped_column(server_default=NOW)
    rung_at: Mapped[datetime] = mapped_column(server_default=NOW)
    deadline: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    looks: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    """How often the provider said it never saw this send."""
    lease_token: Mapped[UUID | None]
    lease_until: Mapped[datetime | None]
    handed_at: Mapped[datetime | None]
    error_kind: Mapped[str | None]
    error_code: Mapped[str | None]
    error_text: Mapped[str | None]
    maybe_duplicate: Mapped[bool] = mapped_column(server_default=text("false"))
    correlation: Mapped[str] = mapped_column(server_default=text("''"))
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)
    role: Mapped[str] = mapped_column(server_default=text("'to'"))
    with_id: Mapped[int | None] = mapped_column(ForeignKey("delivery.id"), index=True)
    """The delivery whose one attempt carries this copy too; such a row is never claimed by itself."""
    inbox_id: Mapped[int | None] = mapped_column(ForeignKey("inbox.id"))
    """The sender, on channels where a sender may send only so fast."""
    lane: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    """0: somebody's answer; 1: the desk's own words; 2: what goes to many."""
    parts: Mapped[int] = mapped_column(SmallInteger, server_default=text("1"))
    released_at: Mapped[datetime | None]
    """When the sender's budget was spent on it; NULL while it waits for its turn."""
    proactive: Mapped[bool] = mapped_column(server_default=text("false"))
    """Nobody waits for it: quiet hours hold."""
    undo_until: Mapped[datetime | None]
    delayed_at: Mapped[datetime | None]
    """Since when a mail server tells us that it still tries."""


class SenderPace(Base):
    """What a sender may still send now: a bucket of message parts that fills by its rate, the count of the day, and whether the
    provider takes anything from it at all."""

    __tablename__ = "sender_pace"
    inbox_id: Mapped[int] = mapped_column(ForeignKey("inbox.id"), primary_key=True, autoincrement=False)
    tokens: Mapped[float] = mapped_column(Float)
    filled_at: Mapped[datetime] = mapped_column(server_default=NOW)
    day: Mapped[date]
    sent_today: Mapped[int] = mapped_column(server_default=text("0"))
    slowed: Mapped[float] = mapped_column(Float, server_default=text("1"))
    """The share of its rate that it may use since the provider asked us to be slower, at ``slowed_at``."""
    slowed_at: Mapped[datetime] = mapped_column(server_default=NOW)
    failures: Mapped[int] = mapped_column(server_default=text("0"))
    """Attempts in a row that failed whatever they carried."""
    ok_at: Mapped[datetime | None]
    stopped_until: Mapped[datetime | None]
    """Nothing leaves till then; after that one delivery tries whether it works again."""
    pause_s: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))


class DomainPace(Base):
    """How many acknowledgements went to one domain since ``since``, within an hour."""

    __tablename__ = "domain_pace"
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"), primary_key=True, autoincrement=False)
    domain: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[datetime]
    count: Mapped[int]


class DeliveryAttempt(Base):
    """One try. Its outcome is *unknown* until somebody writes it down."""

    __tablename__ = "delivery_attempt"
    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"), index=True)
    token: Mapped[UUID]
    started_at: Mapped[datetime] = mapped_column(server_default=NOW)
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str] = mapped_column(server_default=text("'unknown'"))
    text: Mapped[str] = mapped_column(server_default=text("''"))


class ParkedReceipt(Base):
    """A receipt for a send that we had not recorded yet; applied when the send is."""

    __tablename__ = "parked_receipt"
    id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[str]
    provider_id: Mapped[str] = mapped_column(index=True)
    receipt: Mapped[dict[str, Any]]
    received_at: Mapped[datetime] = mapped_column(server_default=NOW)
