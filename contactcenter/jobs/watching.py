"""Watches the inboxes that somebody else keeps: one lease for each, so that any number of intakes may stand by."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from channels import base
from contactcenter.db import Database
from contactcenter.desk import health
from contactcenter.desk.book import channel_inbox, kept_book
from contactcenter.desk.kit import Kit
from contactcenter.errors import StoreAway
from contactcenter.models import Inbox

log = structlog.get_logger()
LOOK_S, RENEW_S, STAND_BY_S = 5.0, 10.0, 5.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 5.0, 300.0
STEADY_S = 60.0
"""A watch that ran so long had begun well: the next pause is the shortest again."""


@dataclass
class Watched:
    """An inbox with the task that watches it, and the configuration it was begun with."""

    begun_with: base.Inbox
    task: asyncio.Task[None]


class Watching:
    """Runs until cancelled. ``told``: called when something new was kept."""

    def __init__(self, database: Database, kit: Kit, told: Callable[[], None]) -> None:
        self._database, self._kit, self._told = database, kit, told
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{id(self):x}"
        self._watches: dict[int, Watched] = {}

    async def run(self) -> None:
        try:
            while True:
                with contextlib.suppress(StoreAway):
                    await self._look()
                await asyncio.sleep(LOOK_S)
        finally:
            await self._end(list(self._watches))

    async def _look(self) -> None:
        """Begin, end and begin anew what the book says by now."""
        boxes = {
            box.id: box for box in (await kept_book(self._database)).inboxes.values() if health.watched(self._kit, box)
        }
        changed = [
            box_id
            for box_id, one in self._watches.items()
            if box_id not in boxes or channel_inbox(boxes[box_id]) != one.begun_with
        ]
        await self._end(changed)
        for box_id in boxes.keys() - self._watches.keys():
            box = boxes[box_id]
            self._watches[box_id] = Watched(channel_inbox(box), asyncio.create_task(self._keep_watching(box)))

    async def _end(self, box_ids: list[int]) -> None:
        ended = [self._watches.pop(box_id).task for box_id in box_ids]
        for task in ended:
            task.cancel()
        await asyncio.gather(*ended, return_exceptions=True)

    async def _keep_watching(self, box: Inbox) -> None:
        pause = FIRST_PAUSE_S
        while True:
            began = asyncio.get_running_loop().time()
            problem = await self._watch_once(box)
            if problem is None:
                await asyncio.sleep(STAND_BY_S)
                continue
            if asyncio.get_running_loop().time() - began > STEADY_S:
                pause = FIRST_PAUSE_S
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)

    async def _watch_once(self, box: Inbox) -> str | None:
        """Watch while the lease is ours. None when it is somebody else's, or the store is away; else what went wrong."""
        try:
            if not await self._hold(box):
                return None
            try:
                await self._watch(box)
            finally:
                await self._release(box)
        except StoreAway:
            return None
        except (health.WatchLost, base.StoreAway):
            return None
        except base.ChannelError as error:
            return await self._show(box, str(error))
        except Exception as error:  # a watch that breaks must neither end the others nor go unseen
            log.exception("watch_broke", inbox=box.slug)
            return await self._show(box, f"The watch broke: {type(error).__name__}")
        return await self._show(box, "The watch ended by itself.")

    async def _watch(self, box: Inbox) -> None:
        """Both at once: when either ends, so does the other."""
        post = health.Pigeonhole(self._database, self._kit, box, self._holder, self._told)
        watch = asyncio.create_task(self._kit.channels[box.channel].watch(channel_inbox(box), post))
        renewing = asyncio.create_task(self._renew(box))
        try:
            await asyncio.wait({watch, renewing}, return_when=asyncio.FIRST_COMPLETED)
            ended = renewing if renewing.done() and not watch.done() else watch
            ended.result()
        finally:
            for task in (watch, renewing):
                task.cancel()
            await asyncio.gather(watch, renewing, return_exceptions=True)

    async def _renew(self, box: Inbox) -> None:
        """Raises WatchLost. A store that is away lets the lease run out, and the watch ends before that."""
        left = float(health.HOLD_S)
        while True:
            await asyncio.sleep(RENEW_S)
            left -= RENEW_S
            try:
                if not await self._hold(box):
                    raise health.WatchLost("somebody else watches")
                left = float(health.HOLD_S)
            except StoreAway:
                if left <= RENEW_S:
                    raise

    async def _hold(self, box: Inbox) -> bool:
        async with self._database.transaction() as tx:
            return await health.hold(tx, box.id, self._holder)

    async def _release(self, box: Inbox) -> None:
        with contextlib.suppress(StoreAway):  # it runs out by itself
            async with self._database.transaction() as tx:
                await health.release(tx, box.id, self._holder)

    async def _show(self, box: Inbox, problem: str) -> str:
        log.warning("watch_ended", inbox=box.slug, problem=problem)
        with contextlib.suppress(StoreAway):
            async with self._database.transaction() as tx:
                await health.report(tx, box.id, base.Health(problem=problem or "The watch ended."))
        return problem
