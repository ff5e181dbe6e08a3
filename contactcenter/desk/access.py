"""Who may see a ticket, and what they may do with it. One rule, asked by every list, page, count, socket and export."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from contactcenter.models import Staff, StaffQueue, Ticket


@dataclass(frozen=True, slots=True)
class Scope:
    """What one member of staff may see: tickets of their agency that are theirs, or in a queue of theirs.

    ``condition`` and ``sees`` are the same rule, for the database and for a row in hand; a test holds them together. An
    admin reads the whole agency and answers nobody.
    """

    agency_id: int
    staff_id: int
    role: str
    queue_ids: frozenset[int]

    def condition(self) -> ColumnElement[bool]:
        mine = or_(Ticket.owner_id == self.staff_id, Ticket.queue_id.in_(self.queue_ids))
        return and_(Ticket.agency_id == self.agency_id, true() if self.role == "admin" else mine)

    def sees(self, agency_id: int, queue_id: int, owner_id: int | None) -> bool:
        if agency_id != self.agency_id:
            return False
        return self.role == "admin" or owner_id == self.staff_id or queue_id in self.queue_ids

    def may(self, verb: str) -> bool:
        return verb in permissions(self.role)

    def can(self, status: str, owner_id: int | None) -> Sequence[str]:
        """What may be done with a ticket that is seen, by its status and owner."""
        if self.role == "admin":
            return ()
        if status in ("closed", "cancelled"):
            return ("note:ticket", "reopen:ticket")
        mine = owner_id == self.staff_id
        if mine or self.role == "supervisor":
            return ("reply:ticket", "note:ticket", "transfer:ticket", "resolve:ticket")
        if owner_id is None:
            return ("reply:ticket", "note:ticket", "claim:ticket", "transfer:ticket")
        return ("reply:ticket", "note:ticket")


def permissions(role: str) -> tuple[str, ...]:
    """What a role may do beside single tickets."""
    agent = ("read:ticket", "set:own_state")
    if role == "supervisor":
        return (*agent, "read:report", "replay:unreadable", "read:rules", "write:rules", "steer:routing")
    if role == "admin":
        return ("read:ticket", "read:report", "replay:unreadable", "read:audit", "read:rules", "write:rules")
    return agent


async def scope_of(tx: AsyncSession, staff: Staff) -> Scope:
    rows = await tx.scalars(select(StaffQueue.queue_id).where(StaffQueue.staff_id == staff.id))
    return Scope(staff.agency_id, staff.id, staff.role, frozenset(rows))
