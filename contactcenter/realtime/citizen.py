"""Live visitors' sockets. The database is the truth, the socket a hint: ids from the client, numbers from us, pull to repair."""

import asyncio
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import structlog
from socketio.exceptions import ConnectionRefusedError as Refuse
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from channels.base import Arrival, Channel, DeliveryState, Raw, Receipt, Signal
from contactcenter import events, metrics
from contactcenter.desk import deliveries, inbox, promises, visitors
from contactcenter.desk.board import iso
from contactcenter.desk.book import channel_inbox, open_book
from contactcenter.errors import DeskError, StoreAway
from contactcenter.ids import uuid7
from contactcenter.models import Endpoint, Inbox, Message, Staff, Ticket, Visitor
from contactcenter.realtime.server import Server
from contactcenter.realtime.tail import Fact, Tail
from contactcenter.wiring import House

log = structlog.get_logger()
SPACE = "/citizen"
BEAT_S = 5.0
MESSAGES_PER_MIN, NEW_PER_MIN = 30, 20
SHOWN_AT_ONCE = 200


@dataclass(slots=True)
class Guest:
    """One visitor's socket."""

    sid: str
    visitor_id: int
    canonical: str
    inbox: Inbox
    channel: Channel
    name: str
    topic: str
    language: str
    address: str
    heard: float = field(default_factory=time.monotonic)


class Citizens:
    """Serves the ``/citizen`` namespace of one web process."""

    def __init__(self, house: House, server: Server, tail: Tail) -> None:
        self._house, self._server = house, server
        self._guests: dict[str, Guest] = {}
        self._by_visitor: dict[str, set[str]] = defaultdict(set)
        for name in ("connect", "disconnect", "start", "send", "pull", "seen", "typing", "leave"):
            server.on(name, getattr(self, name), namespace=SPACE)
        tail.listener(self.pass_on)

    # --- the line -------------------------------------------------------------------------------------------------------

    async def connect(self, sid: str, environ: dict[str, Any], auth: Any) -> bool:
        """A new visitor, or one who comes back with their token. The token they get is the one for next time."""
        if environ is not self._server.get_environ(sid, SPACE) or sid in self._guests:
            return False
        if not isinstance(auth, dict) or not isinstance(auth.get("site"), str):
            raise Refuse("bad_handshake")
        token = auth.get("token") or None
        if token is not None and not (isinstance(token, str) and len(token) < 200):
            raise Refuse("unknown_token")
        address = _address(environ)
        if token is None and not await self._house.limits.allow(f"visitor:{address}", NEW_PER_MIN, 60):
            raise Refuse("too_fast")
        try:
            guest, fresh = await self._admit(sid, auth, token, environ.get("HTTP_ORIGIN", ""), address)
        except StoreAway:
            raise Refuse("try_later") from None
        except DeskError as error:
            raise Refuse(error.slug) from None
        self._guests[sid] = guest
        self._by_visitor[guest.canonical].add(sid)
        metrics.sockets.labels(side="citizen").set(len(self._guests))
        asyncio.get_running_loop().call_soon(lambda: asyncio.ensure_future(self._greet(guest, fresh)))
        return True

    async def _admit(
        self, sid: str, auth: dict[str, Any], token: str | None, origin: str, address: str
    ) -> tuple[Guest, str]:
        async with self._house.database.transaction() as tx:
            book = await open_book(tx)
            box = next((row for row in book.inboxes.values() if row.slug == auth["site"]), None)
            channel = self._house.kit.channels.get(box.channel) if box else None
            if box is None or channel is None or not channel.capabilities.live:
                raise Refuse("unknown_site")
            spoken = [str(code) for code in book.agencies[box.agency_id].row.languages]
            language = auth.get("language") if auth.get("language") in spoken else box.language
            visitor, fresh = await visitors.admit(tx, self._house.kit, box, token, str(language), origin)
            await visitors.heartbeat(tx, [visitor.id])
            guest = Guest(
                sid, visitor.id, visitor.canonical, box, channel, visitor.name, visitor.topic, visitor.language, address
            )
            return guest, fresh

    async def _greet(self, guest: Guest, fresh: str) -> None:
        """Token for next time, the matter so far, and whether anybody is there."""
        async with self._house.database.transaction() as tx:
            agency = (await open_book(tx)).agencies[guest.inbox.agency_id]
            queue = agency.queues[guest.inbox.queue_id]
            now = self._house.kit.now()
            ticket = await visitors.ticket_of(tx, guest.canonical, guest.inbox.agency_id)
            state = await self._state(tx, ticket) if ticket else None
            shape = {
                "token": fresh, "ref": ticket.reference if ticket else None, "ticket": state,
                "last": ticket.message_seq if ticket else 0, "agency": agency.row.name, "language": guest.language,
                "open": queue.calendar.is_open(now),
                "hours": promises.expectation(agency, guest.language, promises.expected_by(queue, now)),
            }  # fmt: skip
        await self._server.emit("session", shape, namespace=SPACE, to=guest.sid)

    async def disconnect(self, sid: str, _reason: Any = None) -> None:
        if self._server.manager.is_connected(sid, SPACE):
            return  # a client named this event itself; the line still stands
        guest = self._guests.pop(sid, None)
        if guest is not None:
            self._by_visitor[guest.canonical].discard(sid)
            if not self._by_visitor[guest.canonical]:
                del self._by_visitor[guest.canonical]
        metrics.sockets.labels(side="citizen").set(len(self._guests))

    # --- what a visitor does --------------------------------------------------------------------------------------------

    async def start(self, sid: str, data: Any = None) -> dict[str, Any]:
        """Name, topic and language before the first message, all optional."""
        guest = self._guests.get(sid)
        fields = ("name", "topic", "language")
        if (
            guest is None
            or not isinstance(data, dict)
            or not all(isinstance(data.get(f, ""), str | None) for f in fields)
        ):
            return await self._bad(sid)
        async with self._house.database.transaction() as tx:
            agency = (await open_book(tx)).agencies[guest.inbox.agency_id]
            name = " ".join(str(data.get("name") or "").split())[:100]
            topic = str(data.get("topic") or "")
            guest.topic = topic if any(q.row.slug == topic for q in agency.queues.values()) else ""
            if (language := data.get("language")) in agency.row.languages:
                guest.language = str(language)
            guest.name = "".join(sign for sign in name if sign.isprintable())
            await visitors.set_out(tx, guest.visitor_id, guest.name, guest.topic, guest.language)
        return {"ok": True}

    async def send(self, sid: str, data: Any = None) -> dict[str, Any]:
        """Store a message once, whatever the client repeats; answer after the commit."""
        guest = self._guests.get(sid)
        if guest is None:
            return {"ok": False, "code": "refused"}
        guest.heard = time.monotonic()
        address = visitors.address(_visitor(guest), guest.channel.capabilities.endpoint_kind)
        try:
            heard = guest.channel.hear(address, "send", data)
        except ValueError as error:
            if str(error) in ("bad_frame", "unknown_event"):
                return await self._bad(sid)
            return {
                "ok": False,
                "code": str(error),
                "limit": getattr(error, "limit", None),
                "count": getattr(error, "count", None),
            }
        if not isinstance(heard, Arrival):
            return await self._bad(sid)
        if not await self._house.limits.allow(f"said:{guest.canonical}", MESSAGES_PER_MIN, 60):
            return {"ok": False, "code": "too_fast"}
        token = events.correlation.set(uuid7().hex[:16])
        try:
            return await self._receive(guest, heard)
        except StoreAway:
            return {"ok": False, "code": "try_later"}
        finally:
            events.correlation.reset(token)

    async def _receive(self, guest: Guest, heard: Arrival) -> dict[str, Any]:
        kit = self._house.kit
        envelope = {**heard.envelope, "name": guest.name, "topic": guest.topic, "language": guest.language}
        raw = Raw(
            f"{guest.inbox.channel}:{guest.inbox.slug}",
            heard.source_key,
            channel_inbox(guest.inbox),
            envelope,
            kit.now(),
            heard.body,
        )
        items = guest.channel.parse(raw)
        async with self._house.database.transaction() as tx:
            raw_id = await inbox.store(tx, kit, raw, "done")
            if raw_id is not None:
                await inbox.receive(tx, kit, guest.inbox, raw_id, items)
                await tx.flush()
            said = await self._stored(tx, guest, heard.source_key)
        metrics.inbound.labels(channel=guest.inbox.channel, result="accepted" if raw_id else "repeat").inc()
        return said

    async def _stored(self, tx: AsyncSession, guest: Guest, source_key: str) -> dict[str, Any]:
        """The acknowledgement of a message, the same for every repeat."""
        row = (
            await tx.execute(
                select(Message.seq, Message.created_at, Ticket.reference)
                .join(Ticket, Ticket.id == Message.ticket_id)
                .join(Endpoint, Endpoint.id == Message.author_endpoint_id)
                .where(Endpoint.canonical == guest.canonical, Message.external_id == source_key.rpartition("/")[2])
            )
        ).first()
        if row is None:
            return {"ok": False, "code": "refused"}
        return {"ok": True, "seq": row.seq, "ref": row.reference, "at": iso(row.created_at)}

    async def pull(self, sid: str, data: Any = None) -> dict[str, Any]:
        guest = self._guests.get(sid)
        after = data.get("after") if isinstance(data, dict) else None
        if guest is None or not isinstance(after, int) or isinstance(after, bool) or not 0 <= after < 2**53:
            return await self._bad(sid)
        guest.heard = time.monotonic()
        async with self._house.database.transaction() as tx:
            ticket = await visitors.ticket_of(tx, guest.canonical, guest.inbox.agency_id)
            if ticket is None:
                return {"messages": [], "last": 0}
            said = await visitors.public_messages(tx, ticket.id, after, SHOWN_AT_ONCE)
            frames = [guest.channel.say(shape)[1] for shape in await self._shapes(tx, ticket, said)]
        return {"messages": frames, "last": said[-1].seq if said else after}

    async def seen(self, sid: str, data: Any = None) -> dict[str, Any]:
        """Delivered to the page, or read where it is visible: forward only, like any receipt."""
        guest = self._guests.get(sid)
        if guest is None:
            return {"ok": False}
        guest.heard = time.monotonic()
        address = visitors.address(_visitor(guest), guest.channel.capabilities.endpoint_kind)
        try:
            signal = guest.channel.hear(address, "seen", data)
        except ValueError:
            return await self._bad(sid)
        if isinstance(signal, Signal) and signal.up_to:
            state = DeliveryState.READ if signal.name == "read" else DeliveryState.DELIVERED
            await self._advance(guest, signal.up_to, state)
        return {"ok": True}

    async def _advance(self, guest: Guest, up_to: int, state: DeliveryState) -> None:
        async with self._house.database.transaction() as tx:
            rows = await tx.scalars(
                text(
                    "SELECT d.message_id FROM delivery d JOIN endpoint e ON e.id = d.endpoint_id JOIN message m ON m.id = d.message_id "
                    "WHERE e.canonical = :visitor AND m.seq <= :seq AND d.state IN ('queued','sending','sent','delivered') "
                    "AND d.state <> :state ORDER BY d.id LIMIT 100"
                ),
                {"visitor": guest.canonical, "seq": up_to, "state": state.value},
            )
            for message_id in rows.all():
                await deliveries.advance(tx, guest.inbox.channel, Receipt("", state, message_id=message_id))

    async def typing(self, sid: str, data: Any = None) -> dict[str, Any]:
        """Ephemeral: it keeps the visitor present; nothing of an unsent text is ever shown."""
        if (guest := self._guests.get(sid)) is not None:
            guest.heard = time.monotonic()
        return {"ok": guest is not None}

    async def leave(self, sid: str, data: Any = None) -> dict[str, Any]:
        """The visitor ends the conversation: whoever has not been answered has left the queue now."""
        guest = self._guests.get(sid)
        if guest is None:
            return {"ok": False}
        async with self._house.database.transaction() as tx:
            await tx.execute(
                text("UPDATE visitor SET seen_at = clock_timestamp() - interval '90 seconds' WHERE id = :id"),
                {"id": guest.visitor_id},
            )
        guest.heard = 0.0
        return {"ok": True}

    async def _bad(self, sid: str) -> dict[str, Any]:
        await self._server.bad_frame(sid, SPACE)
        return {"ok": False, "code": "refused"}

    # --- what a visitor hears -------------------------------------------------------------------------------------------

    async def pass_on(self, tx: AsyncSession, facts: list[Fact]) -> None:
        """The tail's listener: public messages and states to the visitors whose matter it is."""
        ids = {fact.ticket_id for fact in facts if fact.ticket_id is not None}
        if not ids or not self._by_visitor:
            return
        rows = await tx.execute(
            select(Ticket, Endpoint.canonical)
            .join(Endpoint, Endpoint.id == Ticket.endpoint_id)
            .where(Ticket.id.in_(ids), Endpoint.canonical.in_(list(self._by_visitor))),
            execution_options={"populate_existing": True},
        )
        for ticket, canonical in rows.all():
            about = [fact for fact in facts if fact.ticket_id == ticket.id]
            await self._tell(tx, ticket, canonical, about)

    async def _tell(self, tx: AsyncSession, ticket: Ticket, canonical: str, facts: list[Fact]) -> None:
        sids = list(self._by_visitor.get(canonical, ()))
        if not sids:
            return
        channel = self._guests[sids[0]].channel
        named = {
            str(fact.data["message"]) for fact in facts if fact.data.get("message") and fact.type != "delivery.changed"
        }
        if named:
            said = [m for m in await visitors.public_messages(tx, ticket.id, 0) if str(m.id) in named]
            for shape in await self._shapes(tx, ticket, said):
                name, frame = channel.say(shape)
                await self._server.emit(name, frame, namespace=SPACE, to=sids)
        if any(fact.type.startswith(("ticket.", "offer.")) for fact in facts):
            await self._server.emit("state", await self._state(tx, ticket), namespace=SPACE, to=sids)

    async def _shapes(self, tx: AsyncSession, ticket: Ticket, said: list[Message]) -> list[dict[str, Any]]:
        """Messages as the citizen may know them; ``prev`` is the public message before each."""
        if not said:
            return []
        before = await tx.execute(
            text(
                "SELECT seq, coalesce(lag(seq) OVER (ORDER BY seq), 0) AS prev FROM message "
                "WHERE ticket_id = :ticket AND visibility = 'public'"
            ),
            {"ticket": ticket.id},
        )
        prev: dict[int, int] = {row.seq: row.prev for row in before}
        ids = {m.author_staff_id for m in said if m.author_staff_id}
        names = (
            dict((await tx.execute(select(Staff.id, Staff.name).where(Staff.id.in_(ids)))).tuples().all())
            if ids
            else {}
        )
        return [
            {"seq": m.seq, "prev": prev.get(m.seq, 0), "from": _FROM[m.author_kind], "name": names.get(m.author_staff_id or 0),
             "text": m.body_text, "at": m.created_at, "client_msg_id": m.client_key if m.author_kind == "citizen" else None,
             "key": (m.line or {}).get("key"), "params": (m.line or {}).get("params")}
            for m in said
        ]  # fmt: skip

    async def _state(self, tx: AsyncSession, ticket: Ticket) -> dict[str, Any]:
        from contactcenter.desk.pages import last_closure

        closure = await last_closure(tx, ticket.id) if ticket.status == "closed" else None
        owner = await tx.get(Staff, ticket.owner_id) if ticket.owner_id and ticket.status != "offered" else None
        return {
            "ref": ticket.reference, "status": ticket.status, "position": await visitors.position(tx, ticket),
            "adviser": owner.name if owner else None, "closure": {"sentence": closure.sentence} if closure else None,
        }  # fmt: skip

    async def run(self) -> None:
        """Keep the visitors of open sockets present, until cancelled."""
        while True:
            await asyncio.sleep(BEAT_S)
            here = sorted({guest.visitor_id for guest in self._guests.values() if guest.heard})
            if here:
                try:
                    async with self._house.database.transaction() as tx:
                        await visitors.heartbeat(tx, here)
                except StoreAway:
                    continue


_FROM = {"citizen": "you", "staff": "adviser", "system": "system"}


def _visitor(guest: Guest) -> Visitor:
    return Visitor(canonical=guest.canonical, name=guest.name)


def _address(environ: dict[str, Any]) -> str:
    return str(environ.get("REMOTE_ADDR", ""))
