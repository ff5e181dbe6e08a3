"""From nothing to a desk that is ready, again with its data there, and what it holds in memory when nobody writes."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil

from contactcenter.stores import EmbeddedPostgres, EmbeddedRedis
from tests.bench.figures import Figure
from tests.bench.stage import Stage
from tests.running_desk import WholeDesk, free_ports, wait_for

IDLE_S = 20
BARE = "an empty PostgreSQL, Redis and the bare server, one after another; the desk also migrates, loads a city and starts five roles"
MB = 1_000_000


async def measure(place: Stage, *, quick: bool) -> list[Figure]:
    return await asyncio.to_thread(_measure, place.folder, 1 if quick else 3)


def _measure(folder: Path, rounds: int) -> list[Figure]:
    fresh, again, bare, pss, rss, small = [], [], [], [], [], []
    for number in range(rounds):
        seconds, memory = _bare(folder / f"bare{number}")
        bare.append(seconds)
        small.append(memory)
        home = folder / f"start{number}"
        home.mkdir()
        desk = WholeDesk(home)
        fresh.append(_started(desk))
        desk.stop()
        again.append(_started(desk))
        try:
            if number == rounds - 1:
                time.sleep(IDLE_S)
                held = _family(desk)
                pss.append(sum(_pss(one) for one in held) / MB)
                rss.append(sum(one.memory_info().rss for one in held) / MB)
        finally:
            desk.stop()
    return [
        Figure("start", "`up --demo` in an empty folder until ready", "s", fresh, "less", 10, bare, BARE),
        Figure("start", "The same, second start", "s", again, "less", None, bare),
        Figure("start", f"Memory of all processes after {IDLE_S} s idle (PSS)", "MB", pss, "less", 600, small,
               note="stores, five roles, the sandbox's included"),
        Figure("start", "The same as RSS, shared pages counted for each", "MB", rss, "less"),
    ]  # fmt: skip


def _started(desk: WholeDesk) -> float:
    began = time.perf_counter()
    desk.start()
    return time.perf_counter() - began


def _bare(folder: Path) -> tuple[float, float]:
    """(seconds, MB of PSS) of the stores and the bare server."""
    postgres, redis = EmbeddedPostgres(folder / "pg"), EmbeddedRedis(folder / "redis")
    began = time.perf_counter()
    url = postgres.start()
    redis.start()
    port = free_ports()
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.bare", str(port)], env=os.environ | {"BARE_DATABASE_URL": url}
    )
    try:
        wait_for(lambda: _listens(port), 30, "the bare server")
        seconds = time.perf_counter() - began
        time.sleep(2)
        family = [psutil.Process(server.pid), psutil.Process(redis.pid), *_postgres(folder / "pg")]
        return seconds, sum(_pss(one) for one in family) / MB
    finally:
        server.terminate()
        server.wait(8)
        redis.stop()
        postgres.stop()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _family(desk: WholeDesk) -> list[psutil.Process]:
    """All that `up` started, itself included. PostgreSQL is no child of it: its folder says who it is."""
    web = desk.processes()["web"]
    up = web.parent()
    assert up is not None
    known = {one.pid: one for one in [up, *up.children(recursive=True), *_postgres(desk.folder / "data" / "postgres")]}
    return [one for one in known.values() if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


def _postgres(folder: Path) -> list[psutil.Process]:
    server = psutil.Process(int((folder / "postmaster.pid").read_text().split()[0]))
    return [server, *server.children(recursive=True)]


def _pss(process: psutil.Process) -> int:
    """Bytes, shared pages divided among those who share them (Linux); elsewhere the resident set."""
    path = Path(f"/proc/{process.pid}/smaps_rollup")
    if not path.exists():
        return int(process.memory_info().rss)
    line = next(line for line in path.read_text().splitlines() if line.startswith("Pss:"))
    return int(line.split()[1]) * 1024
