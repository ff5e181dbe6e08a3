"""Citizens: contacts, their endpoints, what they allowed, and the browsers of live visitors."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
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
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class Consent(Base):
    """What a person allows on an endpoint, per purpose. No row: implied by writing to us."""

    __tablename__ = "consent"
    __table_args__ = (CheckConstraint("state in ('implied','given','revoked')", name="state"),)
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
