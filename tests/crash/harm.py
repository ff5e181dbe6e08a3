"""Faults done to routers and their database, and how long until somebody is given a ticket again."""

import asyncio
import contextlib
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from random import Random
from typing import NamedTuple

from contactcenter.jobs.lease import LIFE_S
from tests.crash.routers import GONE, Routers

KILLED_S, PAUSED_S, RESTARTED_S = 2.0, LIFE_S + 2.0, 5.0
"""The next decision comes within: after a kill, after a pause, after the database is back."""
PATIENCE_S = 30.0


class Gap(NamedTuple):
    """``seconds`` until the next decision; None when none came."""

    fault: str
    seconds: float | None
    limit: float


async def do(routers: Routers, fault: str, random: Random) -> Gap:
    """One fault, and wait for the next decision."""
    act, limit = FAULTS[fault]
    await _somebody_stands_by(routers)
    leader = await leader_of(routers)
    since = await act(routers, leader, random)
    return Gap(fault, await first_decision(routers, since), limit)


async def first_decision(routers: Routers, since: datetime) -> float | None:
    """Seconds from ``since`` to the first claim after it; None when there was none for half a minute."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        with contextlib.suppress(*GONE):
            at: datetime | None = await routers.value("SELECT min(at) FROM routed WHERE at > $1", since)
            if at is not None:
                return (at - since).total_seconds()
        await asyncio.sleep(0.05)
    return None


async def leader_of(routers: Routers) -> "subprocess.Popen[bytes]":
    """Whoever leads, as soon as somebody does."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        with contextlib.suppress(*GONE):
            if leader := await routers.leader():
                return leader
        await asyncio.sleep(0.05)
    raise AssertionError("nobody leads")


async def _somebody_stands_by(routers: Routers) -> None:
    """How fast a successor is can be said only where there is one: whoever was killed before needs a while to start."""
    count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'contactcenter router lease'"
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        with contextlib.suppress(*GONE):
            if await routers.value(count) > 1:
                return
        await asyncio.sleep(0.1)
    raise AssertionError("nobody stands by")


async def _now(routers: Routers) -> datetime:
    at: datetime = await routers.value("SELECT clock_timestamp()")
    return at


# ---- the faults: each gives the instant from which the next decision is waited for


async def kill_leader(routers: Routers, leader: "subprocess.Popen[bytes]", _random: Random) -> datetime:
    routers.kill(leader)
    return await _now(routers)


async def pause_leader(routers: Routers, leader: "subprocess.Popen[bytes]", random: Random) -> datetime:
    """For one to eight seconds, so now and then past the end of its lease."""
    leader.send_signal(signal.SIGSTOP)
    try:
        at = await _now(routers)
        await asyncio.sleep(random.uniform(1, 8))
    finally:
        leader.send_signal(signal.SIGCONT)
    return at


async def sleep_past_the_lease(routers: Routers, leader: "subprocess.Popen[bytes]", _random: Random) -> datetime:
    leader.send_signal(signal.SIGSTOP)
    try:
        at = await _now(routers)
        await asyncio.sleep(LIFE_S + 3)
    finally:
        leader.send_signal(signal.SIGCONT)
    return at


async def kill_standby(routers: Routers, leader: "subprocess.Popen[bytes]", _random: Random) -> datetime:
    if other := routers.standby(leader):
        routers.kill(other)
    return await _now(routers)


async def cut_lines(routers: Routers, _leader: "subprocess.Popen[bytes]", _random: Random) -> datetime:
    await routers.cut_the_leaders_lines()
    return await _now(routers)


async def restart_postgres(routers: Routers, _leader: "subprocess.Popen[bytes]", _random: Random) -> datetime:
    await routers.restart_postgres()
    return await _now(routers)


Act = Callable[[Routers, "subprocess.Popen[bytes]", Random], Awaitable[datetime]]
FAULTS: dict[str, tuple[Act, float]] = {
    "kill_leader": (kill_leader, KILLED_S),
    "pause_leader": (pause_leader, PAUSED_S),
    "sleep_past_the_lease": (sleep_past_the_lease, PAUSED_S),
    "kill_standby": (kill_standby, KILLED_S),
    "cut_lines": (cut_lines, KILLED_S),
    "restart_postgres": (restart_postgres, RESTARTED_S),
}
WEIGHTS = {"kill_leader": 10, "pause_leader": 3, "kill_standby": 3, "cut_lines": 3, "restart_postgres": 1}
NAMES = {
    "kill_leader": "the leader killed", "pause_leader": "the leader paused 1-8 s", "sleep_past_the_lease": "the leader paused 8 s",
    "kill_standby": "a standby killed", "cut_lines": "the leader's connections cut", "restart_postgres": "PostgreSQL restarted",
}  # fmt: skip
