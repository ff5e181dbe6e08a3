"""The event log and leases."""

from datetime import datetime
from typing import Any

from sqlalchemy import Identity, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from contactcenter.models.base import Base

NOW = func.clock_timestamp()


class Event(Base):
    """A fact in the past tense. Append-only; ``pos`` is stamped after the commit by the sequencer and has no gaps.

    ``seq`` counts without gaps per ticket (None for facts that are not part of the ticket's story, such as a view).
    """

    __tablename__ = "event"
    __table_args__ = (
        UniqueConstraint("ticket_id", "seq"),
        Index("uq_event_pos", "pos", unique=True),
        Index("ix_event_unstamped", "id", postgresql_where=text("pos is null")),
        Index("ix_event_agency_type", "agency_id", "type", "at"),
    )
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    pos: Mapped[int | None]
    agency_id: Mapped[int]
    ticket_id: Mapped[int | None]
    seq: Mapped[int | None]
    type: Mapped[str]
    actor_kind: Mapped[str]
    actor_id: Mapped[int | None]
    at: Mapped[datetime] = mapped_column(server_default=NOW)
    data: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    correlation: Mapped[str] = mapped_column(server_default=text("''"))


class Lease(Base):
    """Who leads. The epoch fences every claim of an earlier leader."""

    __tablename__ = "lease"
    name: Mapped[str] = mapped_column(primary_key=True)
    epoch: Mapped[int] = mapped_column(server_default=text("0"))
    holder: Mapped[str] = mapped_column(server_default=text("''"))
    expires: Mapped[datetime] = mapped_column(server_default=NOW)
