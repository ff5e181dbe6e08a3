"""Runs the pretend world: one web server and one SMTP sink in one loop."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from contactcenter.sandbox import doors, network, pages, post, provider_api
from contactcenter.sandbox.config import SandboxConfig
from contactcenter.sandbox.world import World


async def serve(config: SandboxConfig, *, ready: asyncio.Event | None = None, own_signals: bool = True) -> None:
    """Run until cancelled or told to stop by SIGINT or SIGTERM; ``ready`` is set once both doors are open.

    ``own_signals`` False leaves the signals to a program that runs the sandbox beside other things.
    """
    world = World(config)
    stop = asyncio.Event()
    try:
        sink = await post.open_sink(world)
        try:
            with _stopping(stop) if own_signals else contextlib.nullcontext():
                await _serve_web(world, stop, ready)
        finally:
            sink.close()
    finally:
        await world.close()


def make_app(world: World) -> FastAPI:
    app = FastAPI(title="Sandbox", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.world = world
    app.middleware("http")(pages.guard)
    app.add_exception_handler(provider_api.Refused, provider_api.refuse)
    for part in (provider_api, doors, pages):
        app.include_router(part.routes)
    app.mount("/sandbox/static", StaticFiles(directory=pages.FOLDER))
    return app


async def _serve_web(world: World, stop: asyncio.Event, ready: asyncio.Event | None) -> None:
    server = _Server(
        uvicorn.Config(
            make_app(world), lifespan="off", log_level="warning", access_log=False, timeout_graceful_shutdown=2
        )
    )
    # Bound here, for uvicorn ends the whole program where a port is taken.
    door = socket.create_server((world.config.host, world.config.http_port))
    running = asyncio.create_task(server.serve([door]))
    waits = [running, *map(asyncio.create_task, (server.open.wait(), stop.wait()))]
    try:
        await asyncio.wait(waits[:2], return_when=asyncio.FIRST_COMPLETED)
        network.resume(world)
        post.resume(world)
        if ready:
            ready.set()
        await asyncio.wait((running, waits[2]), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits[1:]:
            wait.cancel()
        world.live.close()
        server.should_exit = True
        await running


class _Server(uvicorn.Server):
    """Says when it is open, and leaves signals to the program it runs in."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.open = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.open.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.contextmanager
def _stopping(stop: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)
    for one in signals:
        loop.add_signal_handler(one, stop.set)
    try:
        yield
    finally:
        for one in signals:
            loop.remove_signal_handler(one)
