"""Conflicts of interest: who never gets whose tickets, by whatever door the work comes."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from contactcenter.errors import Conflict
from contactcenter.models import Exclusion, Staff, Ticket


async def stands(tx: AsyncSession, contact_id: int, staff_id: int) -> bool:
    """Whether this agent may not have this person's tickets."""
    found = await tx.scalar(
        select(Exclusion.id).where(
            Exclusion.contact_id == contact_id, Exclusion.staff_id == staff_id, Exclusion.lifted_at.is_(None)
        )
    )
    return found is not None


async def refuse(tx: AsyncSession, ticket: Ticket, agent: Staff) -> None:
    """Raise Conflict where an exclusion stands between agent and contact; the sentence keeps its reason private."""
    if await stands(tx, ticket.contact_id, agent.id):
        raise Conflict(f"{agent.name} may not have this person's tickets.", slug="excluded")
