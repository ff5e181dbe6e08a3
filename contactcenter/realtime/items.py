"""Turns facts into what a console shows: each item carries the entities as they are now, with their versions.

So an item may be applied late, twice or after a newer one: whoever applies it compares versions.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from contactcenter.desk import pages, said, shown
from contactcenter.desk.access import Scope
from contactcenter.desk.board import iso
from contactcenter.desk.kit import Kit
from contactcenter.models import Offer, Staff
from contactcenter.realtime.tail import UNTOLD, Fact

FOR_AUDITORS = {*UNTOLD, "message.original_viewed", "message.pictures_shown"}
ENDED = {
    "offer.accepted": "accepted",
    "offer.declined": "declined",
    "offer.timed_out": "timed_out",
    "offer.rescinded": "rescinded",
}


@dataclass(slots=True)
class Item:
    """One fact ready to be shown. ``body`` is the same for everybody; the rest depends on who looks."""

    pos: int
    agency_id: int
    body: dict[str, Any]
    queue_id: int | None = None
    owner_id: int | None = None
    status: str = ""
    left_queue: int | None = None
    left_staff: int | None = None
    staff: frozenset[int] = frozenset()
    """People whose own figures this touches."""
    offer: dict[str, Any] | None = None
    offer_ended: dict[str, Any] | None = None
    offer_staff: int | None = None

    def relation(self, scope: Scope) -> str:
        """How the viewer stands to it: *sees*, *own*, *gone* (no longer theirs to see), *self* (their own state) or nothing."""
        if self.agency_id != scope.agency_id:
            return ""
        if self.queue_id is None:
            return "self" if scope.staff_id in self.staff else ""
        if scope.sees(self.agency_id, self.queue_id, self.owner_id):
            return "own" if self.owner_id == scope.staff_id else "sees"
        was_mine = self.left_staff == scope.staff_id or self.left_queue in scope.queue_ids
        return "gone" if was_mine else ""


@dataclass(slots=True)
class Entities:
    """Everything the facts of one page mention, read once."""

    rows: dict[int, dict[str, Any]] = field(default_factory=dict)
    places: dict[int, tuple[int, int | None, str, str]] = field(default_factory=dict)
    messages: dict[str, dict[str, Any]] = field(default_factory=dict)
    offers: dict[int, Offer] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)


async def build(tx: AsyncSession, kit: Kit, facts: Iterable[Fact]) -> list[Item]:
    told = [fact for fact in facts if fact.type not in FOR_AUDITORS]
    if not told:
        return []
    known = await _entities(tx, kit, told)
    return [await _item(tx, kit, fact, known) for fact in told]


async def _entities(tx: AsyncSession, kit: Kit, facts: list[Fact]) -> Entities:
    known = Entities()
    ticket_ids = {fact.ticket_id for fact in facts if fact.ticket_id is not None}
    if ticket_ids:
        for ticket_id, (ticket, row) in (await shown.tickets_told(tx, kit, ticket_ids)).items():
            known.rows[ticket_id] = row
            known.places[ticket_id] = (ticket.queue_id, ticket.owner_id, ticket.status, ticket.reference)
    message_ids = {UUID(fact.data["message"]) for fact in facts if fact.data.get("message")}
    if message_ids:
        known.messages = await said.messages_told(tx, kit, message_ids)
    offer_ids = {int(fact.data["offer"]) for fact in facts if fact.type == "ticket.offered"}
    if offer_ids:
        known.offers = {offer.id: offer for offer in await shown.live_offers(tx, ids=list(offer_ids))}
    staff_ids = {fact.actor_id for fact in facts if fact.actor_kind == "staff" and fact.actor_id}
    if staff_ids:
        known.names = dict(
            (await tx.execute(select(Staff.id, Staff.name).where(Staff.id.in_(staff_ids)))).tuples().all()
        )
    return known


async def _item(tx: AsyncSession, kit: Kit, fact: Fact, known: Entities) -> Item:
    data = fact.data
    named = data.get("staff")
    place = known.places.get(fact.ticket_id) if fact.ticket_id is not None else None
    touched = {int(one) for one in (named, place[1] if place else None) if one}
    item = Item(
        pos=fact.pos, agency_id=fact.agency_id, staff=frozenset(touched),
        body={
            "pos": fact.pos, "type": fact.type, "at": iso(fact.at), "ref": place[3] if place else None,
            "actor": {"kind": fact.actor_kind, "id": fact.actor_id if fact.actor_kind == "staff" else None,
                      "name": known.names.get(fact.actor_id or 0, "")},
            "message": known.messages.get(str(data.get("message"))),
            "data": {key: value for key, value in data.items() if key in ("why", "before", "after", "key", "reason")},
        },
    )  # fmt: skip
    if place is not None and fact.ticket_id is not None:
        item.queue_id, item.owner_id, item.status = place[0], place[1], place[2]
        item.body["ticket"] = known.rows[fact.ticket_id]
        if fact.type == "ticket.transferred":
            item.left_queue = data.get("before")
        if fact.type in ("ticket.transferred", "ticket.released", "ticket.closed") or fact.type in ENDED:
            item.left_staff = int(named) if named else None
    await _offer(tx, kit, fact, item, known)
    return item


async def _offer(tx: AsyncSession, kit: Kit, fact: Fact, item: Item, known: Entities) -> None:
    named = fact.data.get("staff")
    if fact.type in ENDED:
        item.offer_ended = {"id": fact.data["offer"], "result": ENDED[fact.type]}
        item.offer_staff = int(named) if named else None
    elif fact.type == "ticket.offered" and int(fact.data["offer"]) in known.offers:
        one = known.offers[int(fact.data["offer"])]
        staff = await tx.get_one(Staff, one.staff_id)
        item.offer = await pages.offer(tx, kit, one, staff.language)
        item.offer_staff = one.staff_id
