"""Worker processes between a PostgreSQL, a Redis and the sandbox's provider; texts that are handed over, and both ledgers."""

import contextlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import select
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # ships no types

from contactcenter import wiring
from contactcenter.demo import world
from contactcenter.desk import deliveries
from contactcenter.ids import uuid7
from contactcenter.migrate import migrate
from contactcenter.models import Message, Ticket
from contactcenter.settings import PREFIX, Settings, channel_settings
from contactcenter.stores import EmbeddedPostgres, EmbeddedRedis
from tests import crowd
from tests.crash.faults import end_postgres
from tests.running_desk import free_ports, wait_for

BOX = "text"
_CITIZENS = """
WITH people AS (
  INSERT INTO contact (agency_id, name) SELECT a.id, one FROM agency a, unnest($1::text[]) one RETURNING id, agency_id, name),
ends AS (INSERT INTO endpoint (agency_id, kind, raw, canonical, contact_id, proof)
  SELECT agency_id, 'phone', name, name, id, 'claimed' FROM people RETURNING id, agency_id, contact_id, canonical)
INSERT INTO ticket (agency_id, reference, queue_id, contact_id, endpoint_id, inbox_id, channel, subject, language, status,
  arrived_at, va, next_action_at)
SELECT e.agency_id, 'RV' || e.canonical, i.queue_id, e.contact_id, e.id, i.id, i.channel, '', 'en', 'queued', clock_timestamp(),
  clock_timestamp(), clock_timestamp() + interval '1 day' FROM ends e, inbox i WHERE i.slug = 'text'
"""


@dataclass(frozen=True, slots=True)
class Text:
    """A text as both ledgers know it. ``accepted``: how often the provider took it; ``told``: what it said last."""

    id: str
    phone: str
    seq: int
    state: str
    accepted: int
    told: str
    silent: bool
    reported: bool
    """Whether the last report reached our door and was kept."""


class PostOffice:
    """``count`` workers; whichever dies is replaced by the next ``keep_up``."""

    def __init__(self, folder: Path, count: int) -> None:
        self.folder, self.count = folder, count
        self.port = free_ports()
        self.sandbox = f"http://127.0.0.1:{self.port + 10}"
        self.url = f"http://127.0.0.1:{self.port}"
        self._postgres = EmbeddedPostgres(folder / "data" / "postgres")
        self._redis = EmbeddedRedis(folder / "redis")
        self.workers: list[subprocess.Popen[bytes]] = []
        self._others: list[subprocess.Popen[bytes]] = []
        self.killed: set[int] = set()
        self.fallen: list[str] = []
        self.stopped: dict[int, float] = {}

    async def open(self, citizens: int, rate: float) -> list[str]:
        """Stores, the demo agency with a fast sender, the provider, a door for its callbacks, workers. Gives the phones."""
        url = self._postgres.start()
        self.redis_url = self._redis.start()
        self.database_url = url.replace("/postgres?", "/office?", 1)
        connection = await asyncpg.connect(url)
        await connection.execute("CREATE DATABASE office")
        await connection.close()
        await migrate(self.database_url)
        await crowd.move_in(self.database_url, 0)
        phones = [f"+1{201 + n // 9000}555{1000 + n % 9000:04d}" for n in range(citizens)]
        async with self.connection() as connection:
            await connection.execute(_CITIZENS, phones)
            await connection.execute(
                "UPDATE inbox SET config = config || $1::jsonb WHERE slug = 'text'",
                json.dumps({"parts_per_second": rate, "burst": rate}),
            )
        self._start_processes()
        return phones

    def _start_processes(self) -> None:
        (self.folder / "data").mkdir(exist_ok=True)
        settings = Settings(
            data_dir=self.folder / "data", port=self.port, database_url=self.database_url, redis_url=self.redis_url,
            log_level="warning",
        )  # fmt: skip
        clean = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        self.environment = clean | world.environment(settings) | {
            PREFIX + "DATA_DIR": str(settings.data_dir), PREFIX + "DATABASE_URL": self.database_url,
            PREFIX + "REDIS_URL": self.redis_url,
            PREFIX + "PORT": str(self.port), PREFIX + "LOG_LEVEL": "warning", PREFIX + "PARENT": str(os.getpid()),
        }  # fmt: skip
        self._others = [self._process("sandbox"), self._process("web")]
        for address in (f"{self.url}/readyz", f"{self.sandbox}/sandbox/world"):
            wait_for(partial(self._answers, address), 40, address)
        adapters = {name.removeprefix(PREFIX): value for name, value in world.environment(settings).items()}
        self.house = wiring.build("office", settings, channel_settings() | adapters)
        self.keep_up()

    def _answers(self, address: str) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(address, timeout=2, trust_env=False).status_code == 200
        return False

    def _process(self, role: str) -> "subprocess.Popen[bytes]":
        with (self.folder / f"{role}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "contactcenter", role], env=self.environment, stdout=log, stderr=log
            )

    async def close(self) -> None:
        await self.house.close()
        for process in [*self.workers, *self._others]:
            self._end(process)
        self._redis.stop()
        end_postgres(self.folder)
        wait_for(lambda: not (self.folder / "data/postgres/postmaster.pid").exists(), 10, "the end of PostgreSQL")

    def _end(self, process: "subprocess.Popen[bytes]") -> None:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
        process.wait(5)

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        connection = await asyncpg.connect(self.database_url, timeout=5, command_timeout=30)
        try:
            yield connection
        finally:
            await connection.close(timeout=2)

    async def rows(self, sql: str, *values: Any) -> list[Any]:
        async with self.connection() as connection:
            return list(await connection.fetch(sql, *values))

    # ---- texts

    async def hand_over(self, texts: list[tuple[str, str]]) -> None:
        """(phone, words): written and rung for as the desk does it, one transaction for all."""
        async with self.house.database.transaction() as tx:
            for phone, words in texts:
                ticket = (
                    await tx.scalars(select(Ticket).where(Ticket.reference == f"RV{phone}").with_for_update())
                ).one()
                ticket.message_seq += 1
                message = Message(
                    id=uuid7(), ticket_id=ticket.id, seq=ticket.message_seq, direction="out", author_kind="staff",
                    channel=ticket.channel, inbox_id=ticket.inbox_id, body_text=words, language="en",
                )  # fmt: skip
                tx.add(message)
                await tx.flush()
                await deliveries.hand_over(tx, self.house.kit, ticket, message, ticket.endpoint_id)

    async def left(self) -> int:
        """How many are still on their way."""
        found = await self.rows("SELECT count(*) FROM delivery WHERE state IN ('held', 'queued', 'sending', 'unknown')")
        return int(found[0][0])

    async def hurry(self, seconds: float) -> None:
        """For what waits, time passes; what a living worker holds keeps its lease."""
        await self.rows(
            "UPDATE delivery SET due_at = due_at - make_interval(secs => $1), rung_at = rung_at - make_interval(secs => $1), "
            "lease_until = lease_until - make_interval(secs => $1), updated_at = updated_at - make_interval(secs => $1) "
            "WHERE state IN ('queued', 'unknown') OR (state = 'sending' AND handed_at < clock_timestamp() - interval '13 seconds')",
            seconds,
        )
        await self.rows(
            "UPDATE delivery_attempt SET started_at = started_at - make_interval(secs => $1) "
            "WHERE started_at < clock_timestamp() - interval '13 seconds'",
            seconds,
        )

    async def stop_word(self, phone: str) -> None:
        """STOP as the provider hands it over; the sandbox's own network does not hear of it and would go on taking texts."""
        url = f"{self.url}/channels/sms/{BOX}/messages"
        form = {"AccountSid": self.environment[PREFIX + "TWILIO_ACCOUNT_SID"], "MessageSid": f"SM{uuid7().hex}", "From": phone,
                "To": "+12025550100", "Body": "STOP", "NumMedia": "0"}  # fmt: skip
        token = self.environment[PREFIX + "TWILIO_AUTH_TOKEN"]
        signed = {"X-Twilio-Signature": RequestValidator(token).compute_signature(url, form)}
        async with httpx.AsyncClient(timeout=10, trust_env=False) as http:
            (await http.post(url, data=form, headers=signed)).raise_for_status()

    async def ledger(self) -> list[Text]:
        """Every text, with what the provider knows of it."""
        taken: dict[str, list[tuple[str, str, str]]] = {}
        with contextlib.closing(sqlite3.connect(self.folder / "data" / "sandbox.sqlite")) as remembered:
            for callback, status, fate, sid in remembered.execute(
                "SELECT callback, status, fate, sid FROM text WHERE direction <> 'inbound' ORDER BY rowid"
            ):
                found = re.search(r"[?&]m=([0-9a-f-]{36})", callback)
                taken.setdefault(found[1] if found else "?", []).append((status, fate, sid))
        kept = {
            row[0].rpartition(":")[0]
            for row in await self.rows("SELECT source_key FROM raw_event WHERE state = 'done'")
        }
        rows = await self.rows(
            "SELECT m.id::text, e.canonical, m.seq, d.state FROM delivery d JOIN message m ON m.id = d.message_id "
            "JOIN endpoint e ON e.id = d.endpoint_id ORDER BY d.id"
        )
        return [
            Text(row[0], row[1], row[2], row[3], len(known := taken.get(row[0], [])), known[-1][0] if known else "",
                 any("silent" in fate for _, fate, _ in known),
                 bool(known) and f"{known[-1][2]}:{known[-1][0]}" in kept)
            for row in rows
        ]  # fmt: skip

    def refused_reports(self) -> list[str]:
        """What the provider said of a door that did not take a report."""
        said = (self.folder / "sandbox.log").read_text("utf-8", "replace").splitlines()
        return [line for line in said if "the desk" in line]

    def arrived_in_order(self) -> list[str]:
        """The words of each phone that the provider took in another order than they were written: ``n`` of ``phone #n``."""
        last: dict[str, int] = {}
        wrong = []
        with contextlib.closing(sqlite3.connect(self.folder / "data" / "sandbox.sqlite")) as remembered:
            for phone, body in remembered.execute(
                "SELECT recipient, body FROM text WHERE direction <> 'inbound' ORDER BY rowid"
            ):
                number = int(body.rpartition("#")[2])
                if number < last.get(phone, -1):
                    wrong.append(f"{phone}: {number} after {last[phone]}")
                last[phone] = max(number, last.get(phone, -1))
        return wrong

    # ---- harm

    def keep_up(self) -> None:
        for process in [one for one in self.workers if one.poll() is not None]:
            self.workers.remove(process)
            if process.pid not in self.killed:
                self.fallen.append((self.folder / "worker.log").read_text("utf-8", "replace")[-3000:])
        for process in list(self.workers):
            if self.stopped.get(process.pid, float("inf")) < time.monotonic():
                del self.stopped[process.pid]
                process.send_signal(signal.SIGCONT)
        while len(self.workers) < self.count:
            self.workers.append(self._process("worker"))

    def kill(self, worker: "subprocess.Popen[bytes]") -> None:
        self.killed.add(worker.pid)
        self.stopped.pop(worker.pid, None)
        worker.kill()
        worker.wait(5)

    def pause(self, worker: "subprocess.Popen[bytes]", seconds: float) -> None:
        """Longer than its leases: it wakes up as a zombie."""
        worker.send_signal(signal.SIGSTOP)
        self.stopped[worker.pid] = time.monotonic() + seconds

    def empty_redis(self) -> None:
        with contextlib.suppress(RedisError, OSError), contextlib.closing(Redis.from_url(self.redis_url)) as redis:
            redis.flushall()

    def restart_redis(self) -> None:
        self._redis.stop()
        self._redis.start()

    async def fault(self, kind: str, times: int, **more: Any) -> None:
        async with httpx.AsyncClient(timeout=10, trust_env=False) as http:
            with contextlib.suppress(httpx.HTTPError):
                await http.post(f"{self.sandbox}/sandbox/faults", json={"kind": kind, "times": times, **more})
