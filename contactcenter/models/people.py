"""Citizens: contacts, their endpoints, what they allowed, and the browsers of live visitors."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from contactcenter.models.base import Base

NOW = func.clock_timestamp()


class Contact(Base):
    __tablename__ = "contact"
    id: Mapped[int] = mapped_column(primary_key=True)
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))
    name: Mapped[str] = mapped_column(server_default=text("''"))
    language: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class Endpoint(Base):
    """One address of one kind. ``canonical`` is its key within agency and kind."""

    __tablename__ = "endpoint"
    __table_args__ = (UniqueConstraint("agency_id", "kind", "canonical"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))
    kind: Mapped[str]
    raw: Mapped[str]
    canonical: Mapped[str]
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id"), index=True)
    level: Mapped[str] = mapped_column(server_default=text("'suspected'"))
    proof: Mapped[str] = mapped_column(server_default=text("'claimed'"))
    bad_since: Mapped[datetime | None]
    bad_reason: Mapped[str | None]
    bad_events: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    """How often a provider called it a bad address; from two on nothing is sent there unasked."""
    inbox_id: Mapped[int | None] = mapped_column(ForeignKey("inbox.id"))
    """The address of ours that this person knows: answers come from it."""
    complained_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class Consent(Base):
    """What a person allows on an endpoint, per purpose. No row: implied by writing to us."""

    __tablename__ = "consent"
    __table_args__ = (CheckConstraint("state in ('implied','given','revoked','doubted')", name="state"),)
    endpoint_id: Mapped[int] = mapped_column(ForeignKey("endpoint.id"), primary_key=True)
    purpose: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=NOW)
    evidence: Mapped[str] = mapped_column(server_default=text("''"))


class Visitor(Base):
    """A live visitor's browser: the token is stored hashed, rotated at each resume; the one before stays good for a moment."""

    __tablename__ = "visitor"
    __table_args__ = (
        Index("uq_visitor_token", "token_hash", unique=True),
        Index("ix_visitor_previous", "previous_hash"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))
    inbox_id: Mapped[int] = mapped_column(ForeignKey("inbox.id"))
    canonical: Mapped[str] = mapped_column(unique=True)
    token_hash: Mapped[bytes]
    previous_hash: Mapped[bytes | None]
    previous_until: Mapped[datetime | None]
    origin: Mapped[str]
    name: Mapped[str] = mapped_column(server_default=text("''"))
    topic: Mapped[str] = mapped_column(server_default=text("''"))
    language: Mapped[str]
    seen_at: Mapped[datetime] = mapped_column(server_default=NOW)
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Participant(Base):
    """Who takes part in a ticket. *held*: wrote with a valid token but was never asked in; gets nothing until an agent agrees."""

    __tablename__ = "participant"
    __table_args__ = (CheckConstraint("role in ('requester','cc','held')", name="role"),)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), primary_key=True)
    endpoint_id: Mapped[int] = mapped_column(ForeignKey("endpoint.id"), primary_key=True, index=True)
    role: Mapped[str]
    added_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    added_at: Mapped[datetime] = mapped_column(server_default=NOW)


class Question(Base):
    """Which of several open matters a message means, asked of the person; its message waits on a ticket of its own.

    ``choices``: a list of ``{"number", "ticket", "label"}``, the last without a ticket: something new.
    """

    __tablename__ = "question"
    __table_args__ = (
        CheckConstraint("outcome in ('chosen','new','late','withdrawn')", name="outcome"),
        Index("uq_question_open", "endpoint_id", "inbox_id", unique=True, postgresql_where=text("answered_at is null")),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    endpoint_id: Mapped[int] = mapped_column(ForeignKey("endpoint.id"))
    inbox_id: Mapped[int] = mapped_column(ForeignKey("inbox.id"))
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), index=True)
    choices: Mapped[list[Any]]
    asked_at: Mapped[datetime] = mapped_column(server_default=NOW)
    expires_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    outcome: Mapped[str | None]


class Survey(Base):
    """What a person thought of the help they got, on the scale 1 (very dissatisfied) to 5."""

    __tablename__ = "survey"
    __table_args__ = (CheckConstraint("score between 1 and 5", name="score"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), unique=True)
    endpoint_id: Mapped[int] = mapped_column(ForeignKey("endpoint.id"), index=True)
    asked_at: Mapped[datetime] = mapped_column(server_default=NOW)
    answered_at: Mapped[datetime | None]
    score: Mapped[int | None] = mapped_column(SmallInteger)
    comment: Mapped[str] = mapped_column(server_default=text("''"))
