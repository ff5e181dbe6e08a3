"""What a crowd does while routers are under fire: come, be heard of, answer, finish, come back from not responding."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Coroutine
from itertools import cycle
from random import Random
from typing import Any

from sqlalchemy.exc import DBAPIError

from contactcenter.desk import agents, offers
from contactcenter.errors import Conflict, NotFound, StoreAway
from contactcenter.models import Staff
from contactcenter.wiring import now
from tests import crowd
from tests.crash.routers import GONE, Routers
from tests.crowd import Connection, Crowd

SHARES = {"sms": 6, "chat": 2, "email": 2}
MOST_WAITING, A_TURN = 150, 30
ROUND_S = 1.0
"""An agent finishes what they have about once in this time."""


class Streams:
    """``stored``: the references of tickets whose commit was confirmed."""

    def __init__(self, routers: Routers, seed: int) -> None:
        self.routers, self.random = routers, Random(seed)
        self._crowd = Crowd(seed, SHARES)
        self.stored: list[str] = []
        self.agent_ids: list[int] = []
        self._over = False
        self._answering: set[int] = set()

    async def open(self) -> None:
        async with self.routers.connection() as connection:
            rows = await connection.fetch(
                "SELECT id FROM staff WHERE role = 'agent' AND intent = 'available' ORDER BY id"
            )
        self.agent_ids = [row["id"] for row in rows]
        self._agents = cycle(self.agent_ids)

    def all(self) -> list[Coroutine[Any, Any, None]]:
        return [
            self._again(self._come), self._again(self._finish), self._again(self._finish), self._again(self._answer),
            self._again(self._stay),
        ]  # fmt: skip

    async def drain(self) -> None:
        """Nobody comes any more; wait, at most a minute, until nobody waits."""
        self._over = True
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with contextlib.suppress(*GONE):
                if not await self.routers.value("SELECT count(*) FROM ticket WHERE status IN ('queued', 'offered')"):
                    return
            await asyncio.sleep(0.2)

    async def _again(self, stream: Callable[[Connection], Awaitable[None]]) -> None:
        """Turn after turn on one connection, and on another one whenever that is lost."""
        while True:
            with contextlib.suppress(StoreAway, DBAPIError, *GONE):
                async with self.routers.connection() as connection:
                    while True:
                        await stream(connection)
            await asyncio.sleep(0.1)

    # ---- turns

    async def _come(self, connection: Connection) -> None:
        await asyncio.sleep(0.1)
        waiting = await connection.fetchval("SELECT count(*) FROM ticket WHERE status = 'queued'")
        count = min(A_TURN, MOST_WAITING - waiting)
        if count > 0 and not self._over:
            ids = await self._crowd.arrive(connection, count)
            self.stored += [
                row[0] for row in await connection.fetch("SELECT reference FROM ticket WHERE id = ANY($1)", ids)
            ]

    async def _finish(self, connection: Connection) -> None:
        await crowd.finish(connection, next(self._agents))
        await asyncio.sleep(2 * ROUND_S / len(self.agent_ids))

    async def _stay(self, connection: Connection) -> None:
        """Consoles are heard of, and whoever was set to not responding comes back."""
        await crowd.stay_connected(self.routers.database, self.agent_ids)
        for row in await connection.fetch(
            "SELECT id FROM staff WHERE intent <> 'available' AND id = ANY($1)", self.agent_ids
        ):
            async with self.routers.database.transaction() as tx:
                await agents.set_intent(tx, await tx.get_one(Staff, row["id"]), "available", None)
        await asyncio.sleep(2)

    async def _answer(self, connection: Connection) -> None:
        """Two of three take it, one in six gives it back, one in six lets it run out; some answer at the very limit."""
        rows = await connection.fetch(
            "SELECT id, staff_id, extract(epoch FROM expires_at - clock_timestamp())::float AS left FROM offer "
            "WHERE result IS NULL ORDER BY id LIMIT 100"
        )
        async with asyncio.TaskGroup() as group:
            for row in rows:
                choice = Random(row["id"]).random()
                if choice < 0.83 and (choice > 0.1 or row["left"] < 0.15):
                    group.create_task(self._one_answer(row["id"], row["staff_id"], decline=choice > 0.67))
        await asyncio.sleep(0.1)

    async def _one_answer(self, offer: int, staff_id: int, *, decline: bool) -> None:
        with contextlib.suppress(Conflict, NotFound, StoreAway, DBAPIError):  # too late, or the database went away
            async with self.routers.database.transaction() as tx:
                staff = await tx.get_one(Staff, staff_id)
                if decline:
                    await offers.decline(tx, staff, offer, "busy", now())
                else:
                    await offers.accept(tx, staff, offer)
