"""The router: one leads, others stand by. It keeps the engines true to the rows, and makes their effects true in the rows."""

import asyncio
import contextlib
import os
import random
import socket

import asyncpg
import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

import routing
from contactcenter.db import Database
from contactcenter.desk import claims, decisions
from contactcenter.desk.claims import Claim, ClaimRefused, Deposed
from contactcenter.desk.kit import Kit
from contactcenter.errors import StoreAway
from contactcenter.jobs import upkeep
from contactcenter.jobs.leading import Estranged, Memory
from contactcenter.jobs.lease import Lease
from contactcenter.listening import listen
from routing.events import Anomaly, Effect

log = structlog.get_logger()
BATCH = 50
TICK_S = 0.25
STAND_BY_S = 0.4
LOOKS = 3
"""How often rows that were not as believed are read again at once; then they wait for the next round."""


LOST = (
    OSError, TimeoutError, StoreAway, DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError,
)  # fmt: skip
"""The database went away (the driver's own state after a line was cut in the middle too), or a statement lost a deadlock or its
time: start over from the rows."""


class Router:
    """Runs until cancelled."""

    def __init__(self, database: Database, kit: Kit) -> None:
        self._database, self._kit = database, kit
        self._woken = asyncio.Event()
        self.memory = Memory()
        self.epoch = 0

    async def run(self) -> None:
        ears = asyncio.create_task(listen(self._database.url, lambda _tail: self._woken.set()))
        holder = f"{socket.gethostname()}:{os.getpid()}"
        try:
            while True:
                try:
                    async with Lease(self._database.url, holder) as lease:
                        await self._stand_by(lease)
                        await self._lead(lease)
                except Deposed:
                    log.warning("router_deposed", epoch=self.epoch)
                except LOST as error:
                    log.warning("router_lost_database", why=repr(error)[:300])
                    await asyncio.sleep(0.3)
                finally:
                    self.epoch = 0
        finally:
            ears.cancel()

    async def _stand_by(self, lease: Lease) -> None:
        while not await lease.acquire():  # noqa: ASYNC110 - the lease lives in another process
            # two who stand by must not try in step: each could hold half of what the other needs
            await asyncio.sleep(STAND_BY_S * random.uniform(0.7, 1.3))  # noqa: S311 - no secret
        self.epoch = lease.epoch
        log.info("router_leads", epoch=lease.epoch)

    async def _lead(self, lease: Lease) -> None:
        keeping = asyncio.create_task(lease.keep_on())
        try:
            await self.load(lease.epoch)
            while not keeping.done():
                self._woken.clear()
                await upkeep.run_due(self._database, self._kit)
                if lease.fresh:
                    await self.decide(lease.epoch)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), TICK_S)
            await keeping  # it ends with the reason
        finally:
            keeping.cancel()
        raise Deposed

    async def route(self, epoch: int) -> int:
        """Read everything, decide and claim until nothing more can be given. Gives the number of claims made."""
        return await self.load(epoch) + await self.decide(epoch)

    async def load(self, epoch: int) -> int:
        """Build the engines from one consistent look at all rows. Gives the number of claims made on the way."""
        async with self._database.transaction() as tx:
            await tx.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
            effects = await self.memory.load(tx)
        return await self._make_true(epoch, effects)

    async def decide(self, epoch: int) -> int:
        """Learn what changed, let time pass, and make true what follows, until nothing follows any more."""
        made = 0
        try:
            async with self._database.transaction() as tx:
                effects = await self.memory.learn(tx)
                await self.memory.compare(tx, effects)
            made += await self._make_true(epoch, effects)
            while (due := self.memory.tick()) is not None:
                made += await self._make_true(epoch, [due])
            for _ in range(LOOKS):
                if self.memory.doubtful:
                    async with self._database.transaction() as tx:
                        effects = await self.memory.learn(tx)
                    made += await self._make_true(epoch, effects)
        except Estranged as why:
            log.error("router_estranged", why=str(why))
            made += await self.load(epoch)
        if self.memory.has_something_to_write:
            async with self._database.transaction() as tx:
                await self.memory.write(tx, epoch)
        return made

    # ---- effects made true

    async def _make_true(self, epoch: int, told: list[tuple[int, list[Effect]]]) -> int:
        """In the order in which the engine gave them; claims that follow each other share a transaction."""
        made = 0
        for agency_id, effects in told:
            engine, wanted = self.memory.engines[agency_id], []
            claims_of = self._reasons(engine, effects)
            for effect in effects:
                if isinstance(effect, routing.Given):
                    wanted.append(claims_of[effect.ticket])
                    continue
                made += await self._claim_all(epoch, wanted)
                wanted = []
                await self._carry_out(epoch, effect)
            made += await self._claim_all(epoch, wanted)
        return made

    def _reasons(self, engine: routing.Engine, effects: list[Effect]) -> dict[int, Claim]:
        """The claims among the effects with their reasons, written out before anything else happens."""
        found = {}
        for effect in effects:
            if isinstance(effect, routing.Given):
                case = engine.floor.cases[effect.ticket]
                because = routing.because_of(engine.floor, effect).to_json()
                found[effect.ticket] = Claim(effect, case.channel, case.version - 1, because)
        return found

    async def _carry_out(self, epoch: int, effect: Effect) -> None:
        if isinstance(effect, Anomaly):
            log.error("routing_anomaly", sentence=effect.sentence, fact=type(effect.event).__name__)
            return
        async with self._database.transaction() as tx:
            done = await decisions.carry_out(tx, self._kit, epoch, effect)
        ticket = getattr(effect, "ticket", None)
        if not done and ticket is not None:
            self.memory.doubtful.add(ticket)

    async def _claim_all(self, epoch: int, wanted: list[Claim]) -> int:
        made = 0
        for start in range(0, len(wanted), BATCH):
            made += await self._claim(epoch, wanted[start : start + BATCH])
        return made

    async def _claim(self, epoch: int, wanted: list[Claim]) -> int:
        """All in one transaction; if the rows are not as believed, one by one. What is refused is read again."""
        try:
            async with self._database.transaction() as tx:
                await claims.claim(tx, epoch, wanted)
            return len(wanted)
        except ClaimRefused:
            if len(wanted) > 1:
                return sum([await self._claim(epoch, [one]) for one in wanted])
        given = wanted[0].given
        log.info("claim_refused", ticket=given.ticket)
        self.memory.doubtful.add(given.ticket)
        self.memory.suspect.add(given.agent)
        return 0
