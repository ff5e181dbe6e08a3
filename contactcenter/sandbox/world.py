"""What the parts of the sandbox share."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Annotated, Any

import httpx
from fastapi import Depends, Request

from contactcenter.sandbox.config import SandboxConfig
from contactcenter.sandbox.live import Live
from contactcenter.sandbox.store import Store

log = logging.getLogger(__name__)

DESK_LIMIT = 15.0  # seconds a provider waits for a webhook's answer


class World:
    def __init__(self, config: SandboxConfig) -> None:
        self.config = config
        self.store = Store(config.data_file)
        self.live = Live()
        self.http = httpx.AsyncClient(timeout=DESK_LIMIT, follow_redirects=False, trust_env=False)
        self._errands: set[asyncio.Task[None]] = set()

    def soon(self, errand: Coroutine[Any, Any, None]) -> None:
        """Do something beside the request that asked for it."""
        task = asyncio.ensure_future(errand)
        self._errands.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._errands.discard(task)
        if not task.cancelled() and task.exception():
            log.error("an errand of the sandbox failed", exc_info=task.exception())

    async def close(self) -> None:
        errands = list(self._errands)
        for task in errands:
            task.cancel()
        await asyncio.gather(*errands, return_exceptions=True)
        await self.http.aclose()
        self.store.close()


def _world(request: Request) -> World:
    world: World = request.app.state.world
    return world


Here = Annotated[World, Depends(_world)]
