"""The rules of the routing, versioned, and who must never get whose tickets."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from contactcenter.models.base import Base

NOW = func.clock_timestamp()


class RoutingRules(Base):
    """One revision of an agency's rules; the highest is in force. Revisions are never changed or deleted."""

    __tablename__ = "routing_rules"
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    rules: Mapped[dict[str, Any]]
    why: Mapped[str]
    made_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    made_at: Mapped[datetime] = mapped_column(server_default=NOW)


class Exclusion(Base):
    """A conflict of interest: this agent never gets a ticket of this contact, until somebody lifts it."""

    __tablename__ = "exclusion"
    __table_args__ = (
        CheckConstraint("(lifted_by is null) = (lifted_at is null)", name="lifted"),
        Index(
            "uq_exclusion_standing", "contact_id", "staff_id", unique=True, postgresql_where=text("lifted_at is null")
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id"))
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    why: Mapped[str]
    made_by: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    made_at: Mapped[datetime] = mapped_column(server_default=NOW)
    lifted_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    lifted_at: Mapped[datetime | None]
