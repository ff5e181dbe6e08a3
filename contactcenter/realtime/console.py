"""The console's sockets: who is connected, what each has been served, and frames made once for all who see the same."""

import asyncio
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import structlog
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from contactcenter import metrics
from contactcenter.desk import agents, board, sessions, shown
from contactcenter.desk.access import Scope, scope_of
from contactcenter.errors import StoreAway
from contactcenter.models import Staff
from contactcenter.realtime import items
from contactcenter.realtime.items import Item
from contactcenter.realtime.server import Server
from contactcenter.realtime.tail import Fact, Tail, read
from contactcenter.wiring import House

log = structlog.get_logger()
SPACE = "/console"
MAX_MISSED = 2000
HEAD_S, BEAT_S, CHECK_S, BOARD_S, RATIOS_S = 10.0, 2.5, 4.0, 0.5, 5.0
BEAT_FRESH_S = 7.0


@dataclass(slots=True)
class Seat:
    """One console on the line. ``told``: everything visible up to here has been sent; ``live``: the tail may send to it."""

    sid: str
    scope: Scope
    session: bytes
    told: int = 0
    live: bool = False
    watches: bool = False
    heard: float = field(default_factory=time.monotonic)


class Consoles:
    """Serves the ``/console`` namespace of one web process."""

    def __init__(self, house: House, server: Server, tail: Tail) -> None:
        self._house, self._server, self._tail = house, server, tail
        self._seats: dict[str, Seat] = {}
        self._board_due = False
        self._board_at = 0.0
        server.on("connect", self.connect, namespace=SPACE)
        server.on("disconnect", self.disconnect, namespace=SPACE)
        server.on("resume", self.resume, namespace=SPACE)
        server.on("beat", self.beat, namespace=SPACE)
        server.on("watch", self.watch, namespace=SPACE)
        tail.listener(self.pass_on)

    # --- the line -------------------------------------------------------------------------------------------------------

    async def connect(self, sid: str, environ: dict[str, Any], auth: Any) -> bool:
        """A signed-in browser from our own origin, with a one-time ticket. Anything else is refused without a word more."""
        import socketio

        if environ is not self._server.get_environ(sid, SPACE) or sid in self._seats:
            return False
        if not environ.get("HTTP_ORIGIN"):
            raise socketio.exceptions.ConnectionRefusedError("foreign_origin")
        ticket = auth.get("ticket") if isinstance(auth, dict) else None
        if not isinstance(ticket, str):
            raise socketio.exceptions.ConnectionRefusedError("not_signed_in")
        try:
            async with self._house.database.transaction() as tx:
                found = await sessions.redeem_socket_ticket(tx, ticket)
                if found is None:
                    raise socketio.exceptions.ConnectionRefusedError("ticket_expired")
                staff, session = found
                seat = Seat(sid, await scope_of(tx, staff), session)
                await agents.heartbeat(tx, [staff.id])
        except StoreAway:
            raise socketio.exceptions.ConnectionRefusedError("try_later") from None
        last = auth.get("last")
        seat.told = last if isinstance(last, int) and 0 <= last < 2**53 else self._tail.pos
        self._seats[sid] = seat
        metrics.sockets.labels(side="console").set(len(self._seats))
        return True

    async def disconnect(self, sid: str, _reason: Any = None) -> None:
        if self._server.manager.is_connected(sid, SPACE):
            return  # a client named this event itself; the line still stands
        self._seats.pop(sid, None)
        metrics.sockets.labels(side="console").set(len(self._seats))

    async def beat(self, sid: str, _data: Any = None) -> dict[str, Any]:
        if (seat := self._seats.get(sid)) is not None:
            seat.heard = time.monotonic()
        return {"now": datetime.now(UTC).isoformat().replace("+00:00", "Z")}

    async def watch(self, sid: str, data: Any = None) -> None:
        seat = self._seats.get(sid)
        if seat is None or not isinstance(data, dict) or not isinstance(data.get("board"), bool):
            await self._server.bad_frame(sid, SPACE)
            return
        seat.watches = data["board"] and seat.scope.may("read:report")
        if seat.watches:
            await self._send_board([seat])

    # --- catching up ----------------------------------------------------------------------------------------------------

    async def resume(self, sid: str, data: Any = None) -> dict[str, Any]:
        """Send what was missed, page by page; enter the live room in the turn in which nothing is left."""
        seat = self._seats.get(sid)
        last = data.get("last") if isinstance(data, dict) else None
        if seat is None or not isinstance(last, int) or not 0 <= last < 2**53:
            await self._server.bad_frame(sid, SPACE)
            return {"ok": False, "code": "bad_frame"}
        seat.live = False
        try:
            if await self._catch_up(seat, last):
                return {"ok": True}
        except StoreAway:
            return {"ok": False, "code": "try_later"}
        await self._server.emit("reload", {}, namespace=SPACE, to=sid)
        return {"ok": True, "reload": True}

    async def _catch_up(self, seat: Seat, last: int) -> bool:
        if not -MAX_MISSED < last - self._tail.pos < MAX_MISSED:
            seat.told, seat.live = self._tail.pos, True
            return False
        seat.told = last  # may be ahead of this process: a snapshot is read from the table, not from our tail
        while True:
            if seat.told >= self._tail.pos:
                seat.live = True
                return True
            async with self._house.database.transaction() as tx:
                facts = [fact for fact in await read(tx, seat.told) if fact.pos <= self._tail.pos]
                if not facts:
                    return False
                await self._serve(tx, await items.build(tx, self._house.kit, facts), [seat], facts[-1].pos, empty=True)

    # --- passing on -----------------------------------------------------------------------------------------------------

    async def pass_on(self, tx: AsyncSession, facts: list[Fact]) -> None:
        """The tail's listener: one frame per group of sockets that see the same.

        The seats are taken before anything is awaited: whoever becomes live meanwhile has read these facts from the table.
        """
        seats = [seat for seat in self._seats.values() if seat.live]
        self._board_due = True
        if not seats:
            return
        try:
            await self._serve(tx, await items.build(tx, self._house.kit, facts), seats, facts[-1].pos)
        except Exception:
            for seat in seats:
                seat.live = False
                await self._server.emit("reload", {}, namespace=SPACE, to=seat.sid)
            raise

    async def _serve(
        self, tx: AsyncSession, built: list[Item], seats: list[Seat], upto: int, *, empty: bool = False
    ) -> None:
        mine = await self._figures(tx, built, seats)
        frames: dict[Any, list[str]] = defaultdict(list)
        shapes: dict[Any, dict[str, Any]] = {}
        for seat in seats:
            seen = [
                (item, relation) for item in built if item.pos > seat.told and (relation := item.relation(seat.scope))
            ]
            if not seen and not empty:
                continue
            key = self._key(seat, seen, mine)
            if key not in shapes:
                shapes[key] = {
                    "prev": seat.told,
                    "pos": upto,
                    "items": [self._shape(i, r, seat, mine) for i, r in seen],
                }
            frames[key].append(seat.sid)
            seat.told = max(seat.told, upto)
        for key, sids in frames.items():
            await self._server.emit("events", shapes[key], namespace=SPACE, to=sids)

    @staticmethod
    def _key(seat: Seat, seen: list[tuple[Item, str]], mine: dict[int, dict[str, Any]]) -> Any:
        """Sockets with equal keys get the very same bytes."""
        me = seat.scope.staff_id
        personal = any(me in item.staff or item.offer_staff == me for item, _ in seen) and me in mine
        return seat.told, seat.scope.role, me if personal else 0, tuple((item.pos, relation) for item, relation in seen)

    @staticmethod
    def _shape(item: Item, relation: str, seat: Seat, mine: dict[int, dict[str, Any]]) -> dict[str, Any]:
        if relation == "gone":
            shape = {**item.body, "ticket": None, "message": None, "gone": True}
        else:
            shape = {"ticket": None, **item.body, "gone": False}
            if shape["ticket"] is not None:
                shape["ticket"] = {**shape["ticket"], "can": list(seat.scope.can(item.status, item.owner_id))}
        me = seat.scope.staff_id
        personal = item.offer_staff == me
        shape["offer"] = item.offer if personal else None
        shape["offer_ended"] = item.offer_ended if personal else None
        shape["me"] = mine.get(me) if me in item.staff else None
        return shape

    async def _figures(self, tx: AsyncSession, built: list[Item], seats: list[Seat]) -> dict[int, dict[str, Any]]:
        """The own state and capacity of those who sit here and are touched."""
        here = {seat.scope.staff_id for seat in seats}
        touched = here & {one for item in built for one in item.staff}
        if not touched:
            return {}
        rows = await tx.scalars(
            select(Staff).where(Staff.id.in_(touched)), execution_options={"populate_existing": True}
        )
        return {staff.id: await shown.me(tx, staff) for staff in rows}

    # --- by the clock ---------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Heads, heartbeats, re-authorisation and boards, until cancelled."""
        await asyncio.gather(
            self._every(HEAD_S, self._heads), self._every(BEAT_S, self._beats), self._every(CHECK_S, self._check),
            self._every(BOARD_S, self._boards),
        )  # fmt: skip

    async def _every(self, seconds: float, chore: Any) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await chore()
            except StoreAway:
                continue
            except Exception:  # the next round tries again; a chore that ends would be silence
                log.exception("console_chore_broke", chore=chore.__name__)

    async def _heads(self) -> None:
        """Tell everybody where the log is; whoever saw nothing of the last events moves along."""
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        idle: dict[int, list[str]] = defaultdict(list)
        for seat in self._seats.values():
            if seat.live and seat.told < self._tail.pos:
                idle[seat.told].append(seat.sid)
                seat.told = self._tail.pos
        pos = self._tail.pos
        for told, sids in idle.items():
            await self._server.emit("events", {"prev": told, "pos": pos, "items": []}, namespace=SPACE, to=sids)
        await self._server.emit("head", {"tail": pos, "now": now}, namespace=SPACE)

    async def _beats(self) -> None:
        fresh = time.monotonic() - BEAT_FRESH_S
        people = sorted({seat.scope.staff_id for seat in self._seats.values() if seat.heard > fresh})
        if people:
            async with self._house.database.transaction() as tx:
                await agents.heartbeat(tx, people)

    async def _check(self) -> None:
        """Is each of them still signed in, and what may they see now?"""
        if not self._seats:
            return
        async with self._house.database.transaction() as tx:
            for session in {seat.session for seat in self._seats.values()}:
                staff = await sessions.session_staff(tx, session)
                scope = await scope_of(tx, staff) if staff else None
                for seat in [seat for seat in self._seats.values() if seat.session == session]:
                    await self._reseat(seat, scope)
            await tx.execute(
                text(
                    "UPDATE staff_session SET seen_at = clock_timestamp() WHERE id_hash = ANY(:ids) "
                    "AND seen_at < clock_timestamp() - interval '1 minute'"
                ),
                {"ids": [seat.session for seat in self._seats.values()]},
            )

    async def _reseat(self, seat: Seat, scope: Scope | None) -> None:
        if scope is None:
            seat.live = False
            await self._server.emit("signed_out", {}, namespace=SPACE, to=seat.sid)
            await self._server.disconnect(seat.sid, namespace=SPACE)
        elif scope != seat.scope:
            seat.scope = scope
            seat.watches = seat.watches and scope.may("read:report")
            await self._server.emit("reload", {}, namespace=SPACE, to=seat.sid)

    async def _boards(self) -> None:
        """Push boards on change, at most twice a second; rolling ratios at least every five seconds."""
        watching = [seat for seat in self._seats.values() if seat.watches]
        if not watching or not (self._board_due or time.monotonic() - self._board_at > RATIOS_S):
            return
        self._board_due, self._board_at = False, time.monotonic()
        await self._send_board(watching)

    async def _send_board(self, seats: list[Seat]) -> None:
        by_scope: dict[tuple[int, str, frozenset[int]], list[Seat]] = defaultdict(list)
        for seat in seats:
            by_scope[seat.scope.agency_id, seat.scope.role, seat.scope.queue_ids].append(seat)
        for same in by_scope.values():
            async with self._house.database.transaction() as tx:
                shape = await board.read(tx, same[0].scope)
            await self._server.emit("board", shape, namespace=SPACE, to=[seat.sid for seat in same])
