"""Who gets a copy of an answer: only addresses that the agent saw and left there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from channels.base import Address, Channel, Proof
from contactcenter.desk import consents, participants, people
from contactcenter.desk.book import open_book
from contactcenter.desk.kit import Kit
from contactcenter.errors import Conflict, Refused
from contactcenter.models import Contact, Endpoint, Staff, Ticket

MOST = 20


@dataclass(frozen=True, slots=True)
class Copied:
    """Endpoint ids of those who get a copy."""

    cc: tuple[int, ...] = ()
    bcc: tuple[int, ...] = ()


async def resolve(
    tx: AsyncSession, kit: Kit, ticket: Ticket, to: Endpoint, channel: str, cc: Sequence[str], bcc: Sequence[str]
) -> Copied:
    """The endpoints of these addresses, each once; the person themselves is no copy.

    Raises Refused ``no-copies``, ``too-many-copies``, ``bad-address`` (with the address) or ``own-address``; Conflict ``cannot-reach``
    for who asked us not to write.
    """
    if not cc and not bcc:
        return Copied()
    adapter = kit.channels[channel]
    if not adapter.capabilities.copies:
        raise Refused("This goes to one person only.", slug="no-copies")
    if len(cc) + len(bcc) > MOST:
        raise Refused(f"At most {MOST} copies.", slug="too-many-copies", limit=MOST, count=len(cc) + len(bcc))
    known = {to.canonical}
    ids = {}
    for name, addresses in (("cc", cc), ("bcc", bcc)):
        ids[name] = tuple([await _endpoint(tx, kit, ticket, adapter, one) for one in _new(adapter, addresses, known)])
    return Copied(ids["cc"], ids["bcc"])


def _new(adapter: Channel, addresses: Sequence[str], known: set[str]) -> list[tuple[str, str]]:
    """(canonical, as written), without those that stand there already."""
    found = []
    for written in addresses:
        try:
            canonical = adapter.canonical(written)
        except ValueError as error:
            raise Refused(f"“{written[:100]}” is not an address.", slug="bad-address", address=written[:200]) from error
        if canonical and canonical not in known:
            known.add(canonical)
            found.append((canonical, written.strip()))
    return found


async def _endpoint(tx: AsyncSession, kit: Kit, ticket: Ticket, adapter: Channel, one: tuple[str, str]) -> int:
    canonical, written = one
    if (await open_book(tx)).inbox_by_address(adapter.name, canonical) is not None:
        raise Refused(f"“{written[:100]}” is our own address.", slug="own-address", address=written[:200])
    kind = adapter.capabilities.endpoint_kind
    await people.serialise(tx, ticket.agency_id, kind, canonical)
    endpoint = await people.find_or_create(tx, ticket.agency_id, Address(kind, written, canonical, Proof.NONE))
    if reason := await consents.why_not(tx, endpoint, now=kit.now(), kit=kit):
        raise Conflict(
            f"{written[:100]} asked us not to write.",
            slug="cannot-reach",
            reason=reason,
            others=[],
            address=written[:200],
        )
    return endpoint.id


async def shown(tx: AsyncSession, kit: Kit, channel: str, to: Endpoint, copied: Copied) -> dict[str, Any]:
    """Who stands in the head of the message, as it is kept with it."""
    rows = await tx.execute(
        select(Endpoint, Contact.name)
        .join(Contact, Contact.id == Endpoint.contact_id)
        .where(Endpoint.id.in_([to.id, *copied.cc, *copied.bcc]))
    )
    by_id = {row[0].id: {"address": kit.shown(channel, row[0].canonical), "name": row[1]} for row in rows}
    named = {"to": (to.id,), "cc": copied.cc, "bcc": copied.bcc}
    return {role: [by_id[one] for one in ids] for role, ids in named.items() if ids}


async def take_part(tx: AsyncSession, ticket: Ticket, staff: Staff, to: Endpoint, cc: Sequence[int]) -> None:
    """Whom an agent wrote to may answer, also from another address of the person. A hidden copy takes no part."""
    if to.id != ticket.endpoint_id:
        await participants.note(tx, ticket.id, to.id, "requester", staff.id)
    for endpoint_id in cc:
        await participants.note(tx, ticket.id, endpoint_id, "cc", staff.id)
