"""What a person allows. One function decides every send."""

from typing import Literal

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from channels.base import ConsentChange
from contactcenter import events
from contactcenter.desk import deliveries, lines, people
from contactcenter.models import Consent, Endpoint, Ticket
from contactcenter.models.tickets import OPEN

_SET = text(
    """
    INSERT INTO consent (endpoint_id, purpose, state, evidence) VALUES (:endpoint, :purpose, :state, :evidence)
    ON CONFLICT (endpoint_id, purpose) DO UPDATE SET state = :state, evidence = :evidence, at = clock_timestamp()
    """
)


async def change(tx: AsyncSession, agency_id: int, wanted: ConsentChange) -> int:
    """Write down a person's wish, cancel what has not left yet, and tell the open tickets. Gives the endpoint id."""
    await people.serialise(tx, agency_id, wanted.address.kind, wanted.address.canonical)
    endpoint = await people.find_or_create(tx, agency_id, wanted.address)
    await tx.execute(
        _SET,
        {"endpoint": endpoint.id, "purpose": wanted.purpose, "state": wanted.state, "evidence": wanted.evidence[:500]},
    )
    if wanted.state == "revoked":
        await deliveries.cancel_unsent(tx, endpoint.id)
    actor = events.Actor("citizen", endpoint.contact_id)
    await events.record_beside(
        tx, "consent.changed", agency_id, actor, endpoint=endpoint.id, purpose=wanted.purpose, after=wanted.state,
        why=wanted.evidence[:500],
    )  # fmt: skip
    for ticket in await tx.scalars(
        select(Ticket).where(Ticket.endpoint_id == endpoint.id, text(OPEN)).with_for_update()
    ):
        await lines.add(tx, ticket, "opted_out" if wanted.state == "revoked" else "opted_in", visibility="internal")
    return endpoint.id


WhyNot = Literal["opted_out", "bad_address", "closed"]


async def why_not(tx: AsyncSession, endpoint: Endpoint) -> WhyNot | None:
    """Why nothing may be sent to this endpoint now, or None when it may."""
    consent = await tx.get(Consent, (endpoint.id, "service"))
    if consent is not None and consent.state == "revoked":
        return "opted_out"
    return None
