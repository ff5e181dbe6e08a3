"""One function per role: what `contactcenter web`, `router`, `worker` and `intake` run until they are told to stop.

Each role imports only what it needs: a process that sends has no use for the web framework, and memory is shared by none.
"""

import asyncio
import contextlib
import signal
import threading
from collections.abc import Coroutine
from typing import Any

import structlog
import uvloop

from contactcenter import wiring
from contactcenter.settings import Settings

log = structlog.get_logger()


def run_web(settings: Settings) -> None:
    """HTTP, webhooks, sockets and pages."""
    import uvicorn

    from contactcenter import app

    house = wiring.build("web", settings)
    config = uvicorn.Config(
        app.create_app(house), host=settings.host, port=settings.port, loop="uvloop", http="httptools", ws="websockets-sansio",
        log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=5, timeout_keep_alive=30,
        ws_max_size=64 * 1024, ws_per_message_deflate=False, h11_max_incomplete_event_size=64 * 1024, lifespan="on",
        proxy_headers=bool(settings.trusted_proxies), forwarded_allow_ips=settings.trusted_proxies or None,
    )  # fmt: skip
    uvicorn.Server(config).run()


def run_router(settings: Settings) -> None:
    """The sequencer and the router; any number may run, one of each leads."""
    from contactcenter.jobs.router import Router
    from contactcenter.jobs.sequencer import Sequencer

    house = wiring.build("router", settings)

    async def work() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(Sequencer(house.database.url, house.hints).run())
            group.create_task(Router(house.database, house.kit).run())

    _until_told(work(), house)


def run_intake(settings: Settings) -> None:
    """Listeners, and the readers of what they kept."""
    from channels._guard import Guard
    from contactcenter.jobs.intake import Intake

    house = wiring.build("intake", settings)
    guards = {name: Guard(name) for name, channel in house.kit.channels.items() if channel.capabilities.child}

    async def work() -> None:
        try:
            await Intake(house, guards).run()
        finally:
            for guard in guards.values():
                await guard.close()

    _until_told(work(), house, asyncio.run)  # the mail listener wants the standard library's transports


def _until_told(work: Coroutine[Any, Any, None], house: wiring.House, run: Any = uvloop.run) -> None:
    """Run until SIGTERM or SIGINT, then let go of everything."""

    async def main() -> None:
        task = asyncio.create_task(work)
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await house.close()

    run(main())


def run_worker(settings: Settings) -> None:
    """RQ in the main thread, the sending loop beside it."""
    from contactcenter.jobs.worker import SendingLoop, Worker

    house = wiring.build("worker", settings)
    loop = uvloop.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="sending", daemon=True)
    thread.start()
    desk = SendingLoop(loop, house.database, house.kit)
    if settings.clamd:
        from contactcenter.jobs.scanning import keep_scanning
        from contactcenter.scanning import Scanner

        asyncio.run_coroutine_threadsafe(keep_scanning(house.database, house.kit, Scanner(settings.clamd)), loop)
    try:
        Worker(settings.redis_url, settings.redis_prefix).run(desk)
    except SystemExit:
        log.info("worker_stopped")
    finally:
        closing = asyncio.run_coroutine_threadsafe(_close_all(house), loop)
        with contextlib.suppress(Exception):  # at the end there is nobody left to tell
            closing.result(4)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(2)


async def _close_all(house: wiring.House) -> None:
    """End what still runs on this loop, then let go of the house."""
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await house.close()
