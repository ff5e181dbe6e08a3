"""The agency and what it offers: queues, hours, skills, targets, inboxes."""

from datetime import date, datetime, time
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, SmallInteger, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from contactcenter.models.base import Base


class Agency(Base):
    """An organisation. ``prefix`` starts its references; ``channels`` holds weight, cap, kind and mode per channel."""

    __tablename__ = "agency"
    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    prefix: Mapped[str]
    timezone: Mapped[str]
    languages: Mapped[list[Any]]
    channels: Mapped[dict[str, Any]]


class Queue(Base):
    """Where tickets wait. ``names`` and ``topic`` are per language; agents of the pool are ``staff_queue`` rows."""

    __tablename__ = "queue"
    __table_args__ = (UniqueConstraint("agency_id", "slug"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))
    slug: Mapped[str]
    name: Mapped[str]
    topics: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    reply_minutes: Mapped[int] = mapped_column(server_default=text("960"))
    """What we promise: minutes of opening time until a person answers."""
    reopen_days: Mapped[int] = mapped_column(server_default=text("7"))
    undo_s: Mapped[int] = mapped_column(SmallInteger, server_default=text("10"))
    """Seconds in which an agent may take an answer back before it leaves; live channels have none."""
    surge_until: Mapped[datetime | None]
    """Until then the queue routes as in a surge."""


class QueueHours(Base):
    """One opening interval of a weekday (0 is Monday) in the agency's zone. No rows: always open."""

    __tablename__ = "queue_hours"
    __table_args__ = (
        CheckConstraint("opens < closes", name="order"),
        CheckConstraint("weekday between 0 and 6", name="day"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    queue_id: Mapped[int] = mapped_column(ForeignKey("queue.id"), index=True)
    weekday: Mapped[int] = mapped_column(SmallInteger)
    opens: Mapped[time]
    closes: Mapped[time]


class Holiday(Base):
    """A day on which every queue with opening hours is closed; a queue without hours never closes."""

    __tablename__ = "holiday"
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    name: Mapped[str]


class EmergencyClosure(Base):
    """Closed whatever the hours say: one queue, or all of the agency. Without an end until further notice."""

    __tablename__ = "emergency_closure"
    __table_args__ = (CheckConstraint("ends_at > starts_at", name="order"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))
    queue_id: Mapped[int | None] = mapped_column(ForeignKey("queue.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    why: Mapped[str]
    made_by: Mapped[int] = mapped_column(ForeignKey("staff.id"))


class ServiceTarget(Base):
    """Service level per queue and channel: ``target_pct`` of decisions within ``threshold_s`` seconds."""

    __tablename__ = "service_target"
    queue_id: Mapped[int] = mapped_column(ForeignKey("queue.id"), primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    threshold_s: Mapped[int]
    target_pct: Mapped[int]
    short_abandon_s: Mapped[int] = mapped_column(server_default=text("10"))


class Skill(Base):
    """What a ticket may need and an agent may have. ``language``: the code, where the skill is a language."""

    __tablename__ = "skill"
    __table_args__ = (UniqueConstraint("agency_id", "slug"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))
    slug: Mapped[str]
    names: Mapped[dict[str, Any]]
    language: Mapped[str | None]


class QueueSkill(Base):
    """A skill that every ticket of the queue needs."""

    __tablename__ = "queue_skill"
    __table_args__ = (CheckConstraint("min_level between 1 and 5", name="level"),)
    queue_id: Mapped[int] = mapped_column(ForeignKey("queue.id"), primary_key=True)
    skill_id: Mapped[int] = mapped_column(ForeignKey("skill.id"), primary_key=True)
    min_level: Mapped[int] = mapped_column(SmallInteger)


class Inbox(Base):
    """One of our own addresses. ``slug`` stands in webhook paths and page addresses."""

    __tablename__ = "inbox"
    __table_args__ = (UniqueConstraint("channel", "address"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))
    queue_id: Mapped[int] = mapped_column(ForeignKey("queue.id"))
    slug: Mapped[str] = mapped_column(unique=True)
    channel: Mapped[str]
    address: Mapped[str]
    name: Mapped[str]
    language: Mapped[str] = mapped_column(server_default=text("'en'"))
    config: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))


class InboxHealth(Base):
    """How an inbox does, where its watch stands, and who holds the watch."""

    __tablename__ = "inbox_health"
    inbox_id: Mapped[int] = mapped_column(ForeignKey("inbox.id"), primary_key=True, autoincrement=False)
    cursor: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    ok_at: Mapped[datetime | None]
    """The last full look without a problem."""
    tried_at: Mapped[datetime | None]
    problem: Mapped[str] = mapped_column(server_default=text("''"))
    problem_since: Mapped[datetime | None]
    backlog: Mapped[int | None]
    token_until: Mapped[datetime | None]
    holder: Mapped[str | None]
    held_until: Mapped[datetime | None]
    listed_until: Mapped[datetime | None]
    """Up to when the provider's own list was compared with what we have."""
    next_list_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    gaps: Mapped[int] = mapped_column(server_default=text("0"))
    """Messages found in the provider's list that had never reached us."""
    asked_at: Mapped[datetime | None]
    """When the provider was last asked what became of our sends that nobody confirmed."""
    silent_since: Mapped[datetime | None]
    """Since when nobody has had a full look at an inbox that is to be watched; set when the alarm went off."""


class Wording(Base):
    """A text of the agency's own: a signature or template, for one queue or (NULL) all, in one language."""

    __tablename__ = "wording"
    __table_args__ = (UniqueConstraint("agency_id", "queue_id", "language", "key", postgresql_nulls_not_distinct=True),)
    id: Mapped[int] = mapped_column(primary_key=True)
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))
    queue_id: Mapped[int | None] = mapped_column(ForeignKey("queue.id"))
    language: Mapped[str]
    key: Mapped[str]
    body: Mapped[str]
