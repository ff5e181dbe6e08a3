"""What the router was told, kept for a day so that its decisions can be repeated, and what it tells about waits."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, SmallInteger, func, text
from sqlalchemy.orm import Mapped, mapped_column

from contactcenter.models.base import Base


class RouterEntry(Base):
    """A fact the router was told, and the state it started in or stood in now and then.

    ``body`` is compressed JSON. ``digest`` stands for what followed from a fact, and for a state itself.
    """

    __tablename__ = "router_entry"
    __table_args__ = (
        CheckConstraint("kind in ('start','state','fact')", name="kind"),
        Index("ix_router_entry_state", "agency_id", "id", postgresql_where=text("kind <> 'fact'")),
    )
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))
    epoch: Mapped[int]
    kind: Mapped[str]
    told_at: Mapped[int]
    body: Mapped[bytes]
    digest: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class ExpectedWait(Base):
    """What a waiting ticket may expect, as the router told it last. No row: nothing is told."""

    __tablename__ = "expected_wait"
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), primary_key=True)
    p50_s: Mapped[int]
    p90_s: Mapped[int]
    basis: Mapped[str]
    told_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class ExpectedCoverage(Base):
    """How often waits stayed below the 90 % mark told at an hour of the day."""

    __tablename__ = "expected_coverage"
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"), primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    hour: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    share: Mapped[float]
    told_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class ExpectedLearned(Base):
    """How far estimates were off of late, so that a new leader need not learn it again."""

    __tablename__ = "expected_learned"
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"), primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    learned: Mapped[dict[str, Any]]
    told_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
