"""The router: one leads, others stand by. It reads the floor, lets ``routing`` decide, and makes the decisions true."""

import asyncio
import contextlib
import dataclasses
import os
import socket

import asyncpg
import structlog

import routing
from contactcenter.db import Database
from contactcenter.desk import claims, floor
from contactcenter.desk.book import open_book
from contactcenter.desk.claims import Claim, ClaimRefused, Deposed
from contactcenter.desk.kit import Kit
from contactcenter.errors import StoreAway
from contactcenter.jobs import upkeep
from contactcenter.jobs.lease import Lease
from contactcenter.listening import listen

log = structlog.get_logger()
BATCH = 50
TICK_S = 0.25
STAND_BY_S = 0.4
SECOND_THOUGHT_MS = 20_000
"""A ticket goes back to an agent who gave it back, if there is nobody else, after this long and not before."""


class Router:
    """Runs until cancelled."""

    def __init__(self, database: Database, kit: Kit) -> None:
        self._database, self._kit = database, kit
        self._woken = asyncio.Event()
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
                except (OSError, TimeoutError, StoreAway, asyncpg.PostgresError, asyncpg.InterfaceError):
                    log.warning("router_lost_database")
                    await asyncio.sleep(0.3)
                finally:
                    self.epoch = 0
        finally:
            ears.cancel()

    async def _stand_by(self, lease: Lease) -> None:
        while not await lease.acquire():  # noqa: ASYNC110 - the lease lives in another process
            await asyncio.sleep(STAND_BY_S)
        self.epoch = lease.epoch
        log.info("router_leads", epoch=lease.epoch)

    async def _lead(self, lease: Lease) -> None:
        while await lease.keep():
            self._woken.clear()
            await upkeep.run_due(self._database, self._kit)
            if lease.fresh:
                await self.route(lease.epoch)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), TICK_S)
        raise Deposed

    async def route(self, epoch: int) -> int:
        """Decide and claim until nothing more can be given. Gives the number of claims made."""
        made = 0
        async with self._database.transaction() as tx:
            seen = await floor.read(tx)
            book = await open_book(tx)
        for agency_id, waiting in seen.tickets.items():
            agents = seen.agents.get(agency_id, [])
            policy = book.agencies[agency_id].policy
            waiting = [
                _second_thought(ticket, agents, policy, seen.now)
                for ticket in waiting
                if ticket.channel in policy.channels
            ]
            by_id = {ticket.id: ticket for ticket in waiting}
            decisions = routing.settle(waiting, agents, policy, seen.now)
            wanted = [Claim(decision, by_id[decision.ticket]) for decision in decisions]
            for start in range(0, len(wanted), BATCH):
                made += await self._claim(epoch, wanted[start : start + BATCH])
        return made

    async def _claim(self, epoch: int, wanted: list[Claim]) -> int:
        """All in one transaction; if the rows are not as believed, one by one."""
        try:
            async with self._database.transaction() as tx:
                await claims.claim(tx, epoch, wanted)
            return len(wanted)
        except ClaimRefused:
            if len(wanted) == 1:
                log.info("claim_refused", ticket=wanted[0].ticket.id)
                return 0
            return sum([await self._claim(epoch, [one]) for one in wanted])


def _second_thought(
    ticket: routing.Ticket, agents: list[routing.Agent], policy: routing.Policy, now: int
) -> routing.Ticket:
    """Whoever gave a ticket back is passed over for two minutes, unless nobody else who is there could take it."""
    if not ticket.excluded:
        return ticket
    others = [agent for agent in agents if routing.first_failing_check(agent, ticket, policy, now) in (None, "room")]
    if others:
        return ticket
    rested = now + floor.EXCLUDED_S * 1000 - SECOND_THOUGHT_MS
    return dataclasses.replace(
        ticket, excluded=tuple((agent, until) for agent, until in ticket.excluded if until > rested)
    )
