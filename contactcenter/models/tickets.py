"""The ticket and everything that says who has it: stays in queues, offers, assignments, promises, closures, drafts."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, func, text
from sqlalchemy.orm import Mapped, mapped_column

from contactcenter.models.base import Base

NOW = func.clock_timestamp()
WAITING = "status in ('held','queued','offered')"
OPEN = "status not in ('closed','cancelled')"
OWNED = ("offered", "assigned")
"""States in which a ticket holds its agent's units."""


class Ticket(Base):
    """One matter of one contact.

    ``event_seq`` counts its events (the version a screen compares), ``message_seq`` its messages, both without gaps.
    ``version`` changes with status and owner: claims compare it. ``va`` is the virtual arrival that orders the queue.
    """

    __tablename__ = "ticket"
    __table_args__ = (
        CheckConstraint(
            "status in ('held','queued','offered','assigned','waiting_citizen','parked','closed','cancelled')",
            name="status",
        ),
        CheckConstraint("(status in ('offered','assigned')) <= (owner_id is not null)", name="owned"),
        CheckConstraint("status not in ('held','queued') or owner_id is null", name="waiting_unowned"),
        CheckConstraint(f"{OPEN} <= (next_action_at is not null)", name="next_action"),
        CheckConstraint("priority between 0 and 4", name="priority"),
        Index("ix_ticket_waiting", "va", postgresql_where=text(WAITING)),
        Index("ix_ticket_owner_open", "owner_id", postgresql_where=text(OPEN)),
        Index("ix_ticket_endpoint", "endpoint_id", "id"),
        Index("ix_ticket_queue_updated", "queue_id", "updated_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))
    reference: Mapped[str] = mapped_column(unique=True)
    queue_id: Mapped[int] = mapped_column(ForeignKey("queue.id"))
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id"), index=True)
    endpoint_id: Mapped[int] = mapped_column(ForeignKey("endpoint.id"))
    inbox_id: Mapped[int] = mapped_column(ForeignKey("inbox.id"))
    channel: Mapped[str]
    subject: Mapped[str]
    language: Mapped[str]
    status: Mapped[str]
    held_until: Mapped[datetime | None]
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    units: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    filler: Mapped[bool] = mapped_column(server_default=text("false"))
    epoch: Mapped[int] = mapped_column(server_default=text("0"))
    version: Mapped[int] = mapped_column(server_default=text("1"))
    event_seq: Mapped[int] = mapped_column(server_default=text("0"))
    message_seq: Mapped[int] = mapped_column(server_default=text("0"))
    priority: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    vulnerable: Mapped[bool] = mapped_column(server_default=text("false"))
    skills: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    """Required skills as [[skill_id, min_level], ...], sorted."""
    ring: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    """How far its requirements have been relaxed; it never tightens while the ticket waits."""
    asked: Mapped[list[Any] | None]
    """The skills still asked for, once they have been relaxed; None while they are ``skills``."""
    pools: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    """Queues whose agents see it beside its own, by overflow."""
    preferred_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    sticky_until: Mapped[datetime | None]
    """Until then it waits for the preferred agent alone, if they are there."""
    unservable: Mapped[bool] = mapped_column(server_default=text("false"))
    """Nobody on the books may serve it: a supervisor has to act."""
    maybe_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"))
    """A ticket it may belong to; an agent decides."""
    maybe_why: Mapped[str | None]
    quiet_since: Mapped[datetime | None]
    """Since then the desk sends nothing by itself here: two machines were answering each other."""
    arrived_at: Mapped[datetime]
    va: Mapped[datetime]
    waiting_since: Mapped[datetime | None]
    """First citizen message that no person has answered."""
    due_at: Mapped[datetime | None]
    next_action_at: Mapped[datetime | None]
    preview: Mapped[str] = mapped_column(server_default=text("''"))
    preview_from: Mapped[str] = mapped_column(server_default=text("'citizen'"))
    hops: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    linked_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)
    closed_at: Mapped[datetime | None]


class QueueStay(Base):
    """A ticket's time in a queue: the fact that queue figures are made of. At most one is open per ticket."""

    __tablename__ = "queue_stay"
    __table_args__ = (
        CheckConstraint("(leave is null) = (how is null)", name="how"),
        CheckConstraint(
            "how in ('answered','abandoned','flowed_out','converted','expired','closed_by_staff')", name="how_known"
        ),
        Index("uq_queue_stay_open", "ticket_id", unique=True, postgresql_where=text("leave is null")),
        Index("ix_queue_stay_leave", "queue_id", "leave"),
        Index("ix_queue_stay_enter", "queue_id", "enter"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), index=True)
    queue_id: Mapped[int] = mapped_column(ForeignKey("queue.id"))
    channel: Mapped[str]
    priority: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    enter: Mapped[datetime] = mapped_column(server_default=NOW)
    leave: Mapped[datetime | None]
    how: Mapped[str | None]
    direct: Mapped[bool] = mapped_column(server_default=text("false"))
    """Assigned without being asked: then the first human message stands for the answer."""
    answered_at: Mapped[datetime | None]


class Offer(Base):
    """A ticket proposed to an agent until ``expires_at``. One is live per ticket; it ends in exactly one result."""

    __tablename__ = "offer"
    __table_args__ = (
        CheckConstraint("result in ('accepted','declined','timed_out','rescinded')", name="result"),
        CheckConstraint("(result is null) = (decided_at is null)", name="decided"),
        Index("uq_offer_live", "ticket_id", unique=True, postgresql_where=text("result is null")),
        Index("ix_offer_staff", "staff_id", "decided_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), index=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    expires_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    result: Mapped[str | None]
    reason: Mapped[str | None]
    because: Mapped[dict[str, Any]]
    epoch: Mapped[int]


class Assignment(Base):
    """A period in which an agent owned a ticket. Periods of one ticket never overlap (exclusion constraint, migration)."""

    __tablename__ = "assignment"
    __table_args__ = (
        CheckConstraint("(ended_at is null) = (end_how is null)", name="ended"),
        Index("uq_assignment_open", "ticket_id", unique=True, postgresql_where=text("ended_at is null")),
        Index("ix_assignment_staff", "staff_id", "started_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    queue_id: Mapped[int] = mapped_column(ForeignKey("queue.id"))
    channel: Mapped[str]
    started_at: Mapped[datetime] = mapped_column(server_default=NOW)
    ended_at: Mapped[datetime | None]
    end_how: Mapped[str | None]
    because: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))


class Promise(Base):
    """A date given to the citizen: by whom, on what basis, kept, moved or broken."""

    __tablename__ = "promise"
    __table_args__ = (CheckConstraint("state in ('open','kept','moved','broken')", name="state"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), index=True)
    due_at: Mapped[datetime]
    made_by: Mapped[str]
    basis: Mapped[str]
    state: Mapped[str] = mapped_column(server_default=text("'open'"))
    made_at: Mapped[datetime] = mapped_column(server_default=NOW)


class Closure(Base):
    """Why a ticket ended, in a sentence the citizen can read."""

    __tablename__ = "closure"
    id: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), index=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    reason: Mapped[str]
    sentence: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=NOW)
    undone_at: Mapped[datetime | None]


class Draft(Base):
    """What an agent is writing on a ticket."""

    __tablename__ = "draft"
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), primary_key=True)
    kind: Mapped[str]
    text: Mapped[str]
    saved_at: Mapped[datetime] = mapped_column(server_default=NOW)
