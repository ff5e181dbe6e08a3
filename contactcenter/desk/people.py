"""Contacts and their endpoints. An address is a claim: it has the proof it came with, and links to nobody by itself."""

from hashlib import blake2b

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from channels.base import Address
from contactcenter.models import Consent, Endpoint

_FIND_OR_CREATE = text(
    """
    WITH person AS (
      INSERT INTO contact (agency_id, name, language) VALUES (:agency, :name, CAST(:language AS text)) RETURNING id)
    INSERT INTO endpoint (agency_id, kind, raw, canonical, contact_id, proof)
    SELECT :agency, :kind, :raw, :canonical, person.id, :proof FROM person
    RETURNING id
    """
)


async def serialise(tx: AsyncSession, agency_id: int, kind: str, canonical: str) -> None:
    """One message of a person at a time: two at once must not open two tickets."""
    await tx.execute(text("SELECT pg_advisory_xact_lock(:k)"), {"k": lock_of(agency_id, kind, canonical)})


def lock_of(agency_id: int, kind: str, canonical: str) -> int:
    """The number of a person's advisory lock."""
    name = f"person:{agency_id}:{kind}:{canonical}".encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(name, digest_size=8).digest(), signed=True)


async def find_or_create(tx: AsyncSession, agency_id: int, address: Address, language: str | None = None) -> Endpoint:
    """The endpoint of an address within the agency, with its contact. Call ``serialise`` first."""
    query = select(Endpoint).where(
        Endpoint.agency_id == agency_id, Endpoint.kind == address.kind, Endpoint.canonical == address.canonical
    )
    found = await tx.scalar(query)
    if found is not None:
        return found
    await tx.execute(
        _FIND_OR_CREATE,
        {"agency": agency_id, "name": address.name[:200], "language": language, "kind": address.kind, "raw": address.raw[:500],
         "canonical": address.canonical, "proof": address.proof.value},
    )  # fmt: skip
    return (await tx.scalars(query)).one()


async def consents(tx: AsyncSession, endpoint_ids: list[int]) -> dict[int, str]:
    """Consent to service messages by endpoint; where nothing is written, writing to us implied it."""
    rows = await tx.execute(
        select(Consent.endpoint_id, Consent.state).where(
            Consent.endpoint_id.in_(endpoint_ids), Consent.purpose == "service"
        )
    )
    given: dict[int, str] = {endpoint_id: state for endpoint_id, state in rows}
    return {endpoint_id: given.get(endpoint_id, "implied") for endpoint_id in endpoint_ids}
