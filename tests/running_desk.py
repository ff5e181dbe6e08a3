"""The whole desk as a newcomer runs it: real processes, real stores, the sandbox; with hands to kill any of them."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import psutil

ROLES = ("web", "router", "worker", "intake", "sandbox")


class WholeDesk:
    """`contactcenter up --demo` on ports of its own. Everything it starts is below one process and ends with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_ports()
        self.url = f"http://127.0.0.1:{self.port}"
        self.sandbox = f"http://127.0.0.1:{self.port + 10}"
        self._up: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        env = {k: v for k, v in os.environ.items() if not k.startswith("CONTACTCENTER_")}
        env |= {"CONTACTCENTER_DATA_DIR": str(self.folder / "data"), "CONTACTCENTER_PORT": str(self.port)}
        with (self.folder / "up.log").open("ab") as log:
            self._up = subprocess.Popen(
                [sys.executable, "-m", "contactcenter", "up", "--demo"],
                env=env,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            self.wait_ready(90)
        except BaseException:
            self.stop()
            raise

    def wait_ready(self, seconds: float = 30) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{self.url}/readyz", timeout=2, trust_env=False).status_code == 200:
                    return
            assert self._up is None or self._up.poll() is None, f"the desk ended by itself:\n{self.logs()}"
            time.sleep(0.1)
        raise AssertionError(f"the desk was not ready after {seconds} s:\n{self.logs()}")

    def stop(self) -> int:
        """Ctrl-C, and wait. Gives the exit code."""
        assert self._up is not None
        if self._up.poll() is None:
            self._up.send_signal(signal.SIGINT)
            try:
                self._up.wait(20)
            except subprocess.TimeoutExpired:
                for child in psutil.Process(self._up.pid).children(recursive=True):
                    child.kill()
                self._up.kill()
                self._up.wait(5)
        return self._up.returncode

    def processes(self) -> dict[str, psutil.Process]:
        """The desk's processes by role."""
        assert self._up is not None
        found = {}
        for child in psutil.Process(self._up.pid).children():
            with contextlib.suppress(psutil.Error):
                line = child.cmdline()
                if line and line[-1] in ROLES and child.status() != psutil.STATUS_ZOMBIE:
                    found[line[-1]] = child
                elif line and "redis-server" in line[0]:
                    found["redis"] = child
        return found

    def kill(self, role: str) -> None:
        """`kill -9`, and wait until somebody took its place."""
        before = self.processes()[role]
        before.kill()
        wait_for(lambda: (now := self.processes().get(role)) is not None and now.pid != before.pid, 10, f"a new {role}")

    def environment(self, name: str) -> str:
        """What the desk told its processes."""
        return str(self.processes()["web"].environ()[f"CONTACTCENTER_{name}"])

    @property
    def database_url(self) -> str:
        return self.environment("DATABASE_URL")

    async def rows(self, sql: str, *values: Any) -> list[Any]:
        connection = await asyncpg.connect(self.database_url)
        try:
            return list(await connection.fetch(sql, *values))
        finally:
            await connection.close()

    async def value(self, sql: str, *values: Any) -> Any:
        rows = await self.rows(sql, *values)
        return rows[0][0] if rows else None

    async def time_passes(self, seconds: int) -> None:
        """For what is on its way out: move its times back, so that nobody has to sleep through leases and looks.

        What a living worker holds right now (a send takes well under four seconds here) keeps its lease.
        """
        await self.rows(
            "UPDATE delivery SET due_at = due_at - make_interval(secs => $1), rung_at = rung_at - make_interval(secs => $1), "
            "lease_until = lease_until - make_interval(secs => $1), updated_at = updated_at - make_interval(secs => $1) "
            "WHERE state IN ('queued','unknown') OR (state = 'sending' AND handed_at < clock_timestamp() - interval '4 seconds')",
            float(seconds),
        )
        await self.rows(
            "UPDATE delivery_attempt SET started_at = started_at - make_interval(secs => $1)", float(seconds)
        )

    def logs(self) -> str:
        parts = [(self.folder / "up.log").read_text("utf-8", "replace")[-1500:]]
        for path in sorted((self.folder / "data" / "logs").glob("*.log")):
            parts.append(f"== {path.name}\n{path.read_text('utf-8', 'replace')[-1500:]}")
        return "\n".join(parts)


def wait_for(fact: Callable[[], Any], seconds: float, what: str) -> Any:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if answer := fact():
            return answer
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds} s for {what}")


async def soon(fact: Callable[[], Awaitable[Any]], seconds: float, what: str) -> Any:
    """Wait for a fact that has to be asked for; gives what it gave."""
    import asyncio

    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if answer := await fact():
            return answer
        await asyncio.sleep(0.1)
    raise AssertionError(f"waited {seconds} s for {what}")


def free_ports() -> int:
    """A port such that it and those 10, 20 and 30 above are free."""
    for _ in range(200):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            base = probe.getsockname()[1]
        if base < 60_000 and all(_free(base + step) for step in (0, 10, 20, 30)):
            return int(base)
    raise AssertionError("no free block of ports")


def _free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def running(folder: Path) -> Iterator[WholeDesk]:
    """For fixtures: a desk that runs while its tests do."""
    desk = WholeDesk(folder)
    desk.start()
    try:
        yield desk
    finally:
        code = desk.stop()
        assert code == 0, f"the desk did not stop cleanly ({code}):\n{desk.logs()}"
