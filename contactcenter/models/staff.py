"""Who works here: roles, skills, queues, capacity in use, sessions."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, SmallInteger, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from contactcenter.models.base import Base

NOW = func.clock_timestamp()


class Staff(Base):
    """An agent, supervisor or admin, with the three values that the state is made of: intent, health (``seen_at``), work.

    Units are those of the capacity budget. ``overbook`` counts units above the budget that were taken knowingly.
    """

    __tablename__ = "staff"
    __table_args__ = (
        UniqueConstraint("username"),  # signing in asks for no agency
        CheckConstraint("role in ('agent','supervisor','admin')", name="role"),
        CheckConstraint("intent in ('available','away','offline')", name="intent"),
        CheckConstraint("primary_units between 0 and budget + overbook", name="capacity"),
        CheckConstraint("filler_units >= 0", name="filler"),
        CheckConstraint("overbook >= 0", name="overbook"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))
    username: Mapped[str]
    name: Mapped[str]
    role: Mapped[str]
    password_hash: Mapped[str]
    language: Mapped[str] = mapped_column(server_default=text("'en'"))
    theme: Mapped[str] = mapped_column(server_default=text("'system'"))
    disabled_at: Mapped[datetime | None]
    intent: Mapped[str] = mapped_column(server_default=text("'offline'"))
    away_reason: Mapped[str | None]
    next_intent: Mapped[str | None]
    seen_at: Mapped[datetime | None]
    """Last heartbeat of any console of this person."""
    health: Mapped[str] = mapped_column(server_default=text("'lost'"))
    state: Mapped[str] = mapped_column(server_default=text("'offline'"))
    state_since: Mapped[datetime] = mapped_column(server_default=NOW)
    budget: Mapped[int] = mapped_column(server_default=text("24"))
    primary_units: Mapped[int] = mapped_column(server_default=text("0"))
    filler_units: Mapped[int] = mapped_column(server_default=text("0"))
    overbook: Mapped[int] = mapped_column(server_default=text("0"))
    idle_since: Mapped[datetime] = mapped_column(server_default=NOW)
    last_assigned: Mapped[datetime | None]
    misses: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    version: Mapped[int] = mapped_column(server_default=text("1"))


class StaffSkill(Base):
    """A skill at a level (1-5). After the day `until` it lapses: it stays on the books and is no longer had."""

    __tablename__ = "staff_skill"
    __table_args__ = (CheckConstraint("level between 1 and 5", name="level"),)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    skill_id: Mapped[int] = mapped_column(ForeignKey("skill.id"), primary_key=True)
    level: Mapped[int] = mapped_column(SmallInteger)
    main: Mapped[bool] = mapped_column(server_default=text("true"))
    until: Mapped[date | None]
    lapsed_at: Mapped[datetime | None]


class StaffQueue(Base):
    """Membership in a queue's pool; it is also what a person may see."""

    __tablename__ = "staff_queue"
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    queue_id: Mapped[int] = mapped_column(ForeignKey("queue.id"), primary_key=True)
    home: Mapped[bool] = mapped_column(server_default=text("false"))


class StaffChannel(Base):
    """How many items of a channel an agent may hold, and holds."""

    __tablename__ = "staff_channel"
    __table_args__ = (
        CheckConstraint("items between 0 and cap + overbook_items", name="capacity"),
        CheckConstraint("overbook_items >= 0", name="overbook"),
    )
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    cap: Mapped[int] = mapped_column(SmallInteger)
    items: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    overbook_items: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    enabled: Mapped[bool] = mapped_column(server_default=text("true"))


class StaffSession(Base):
    """A signed-in browser. The cookie holds 256 random bits, the row their SHA-256."""

    __tablename__ = "staff_session"
    id_hash: Mapped[bytes] = mapped_column(primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    seen_at: Mapped[datetime] = mapped_column(server_default=NOW)
    expires_at: Mapped[datetime]
    address: Mapped[str]
    ended_at: Mapped[datetime | None]


class SocketTicket(Base):
    """A one-time key that a signed-in page fetches over HTTP to open its socket."""

    __tablename__ = "socket_ticket"
    id_hash: Mapped[bytes] = mapped_column(primary_key=True)
    session_hash: Mapped[bytes] = mapped_column(ForeignKey("staff_session.id_hash"))
    expires_at: Mapped[datetime]


class LoginAttempt(Base):
    """Failures within a quarter of an hour, per account and per address. Counted before the password is checked."""

    __tablename__ = "login_attempt"
    key: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[datetime] = mapped_column(server_default=NOW)
    count: Mapped[int] = mapped_column(server_default=text("0"))
