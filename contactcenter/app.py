"""The web application: HTTP, webhooks, sockets and pages in one ASGI app."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator
from typing import Any

import socketio
from fastapi import FastAPI

from contactcenter import __version__, pages
from contactcenter.api import desk, operations, problems, reference, sessions, steering, tickets, uploads, webhooks
from contactcenter.edge import Edge
from contactcenter.realtime.citizen import Citizens
from contactcenter.realtime.console import Consoles
from contactcenter.realtime.server import Server
from contactcenter.realtime.tail import Tail
from contactcenter.wiring import House

MAX_BODY = 256 * 1024
ABOUT = """
The contact centre's interface. Staff sign in at `POST /api/session`; every change needs the `Origin` header of this site.
Errors are `application/problem+json` with a sentence in `detail` and a stable slug at the end of `type`.
"""


def create_app(house: House) -> Any:
    """The ASGI app of one web process. Its background readers start and stop with it."""
    server = Server(_origins(house))
    tail = Tail(house.database)
    consoles, citizens = Consoles(house, server, tail), Citizens(house, server, tail)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(part.run()) for part in (tail, consoles, citizens)]
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 20)
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await house.close()

    app = FastAPI(
        title="Contact centre", version=__version__, description=ABOUT, lifespan=lifespan, max_body_size=MAX_BODY,
        docs_url=None, redoc_url=None,
    )  # fmt: skip
    app.state.house = house
    problems.install(app)
    for part in (webhooks, sessions, tickets, uploads, desk, steering, operations, reference):
        app.include_router(part.router)
    pages.install(app, house)
    return Edge(socketio.ASGIApp(server, app), house.settings.base_url)


def _origins(house: House) -> list[str]:
    base = house.settings.base_url
    return [base, base.replace("//127.0.0.1", "//localhost")] if "//127.0.0.1" in base else [base]
