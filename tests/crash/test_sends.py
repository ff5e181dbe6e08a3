"""Texts while everything goes wrong: each exactly once, in order, with a true end. And STOP in the middle of a burst."""

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.crash import sends
from tests.crash.faults import end_postgres
from tests.crash.post_office import PostOffice
from tests.running_desk import soon

pytestmark = pytest.mark.timeout(150)


@pytest.fixture
def office() -> Iterator[PostOffice]:
    with tempfile.TemporaryDirectory(prefix="office", ignore_cleanup_errors=True) as folder:
        yield PostOffice(Path(folder), 2)
        end_postgres(Path(folder))


async def test_workers_die_redis_forgets_the_provider_hangs_up_and_every_text_leaves_once(office: PostOffice) -> None:
    harm = ["reports twice", "500 after accepting", "kill a worker", "empty Redis", "reports in reverse", "busy",
            "kill a worker"]  # fmt: skip
    outcome = await sends.run(office, 200, 20, seed=5, harm=harm, citizens=50, hurry=True)
    assert outcome.clean, outcome
    assert (outcome.texts, outcome.faults.total()) == (200, len(harm))
    assert outcome.doubted > 0, "the faults did strike"


async def test_after_stop_in_the_middle_of_a_burst_not_one_text_leaves_after_a_second(office: PostOffice) -> None:
    phone, *others = await office.open(3, rate=2000)
    try:
        burst = [(one, f"Line #{n}") for n in range(1, 400) for one in (phone, *others[:1])]
        for start in range(0, len(burst), 100):
            await office.hand_over(burst[start : start + 100])
        await soon(lambda: _left_to(office, phone, 5), 20, "the burst to begin")
        await office.stop_word(phone)
        stopped = time.time()
        await soon(lambda: _nothing_waits(office, phone), 5, "what waits to be canceled")
        before = len(_taken(office, phone))
        await asyncio.sleep(2)
        taken = _taken(office, phone)
        assert taken and len(taken) == before < 399, "the burst was under way, and ended"
        assert max(taken) - stopped < 1.0
        assert await office.rows(
            "SELECT 1 FROM delivery_attempt a JOIN delivery d ON d.id = a.delivery_id JOIN endpoint e ON e.id = d.endpoint_id "
            "WHERE e.canonical = $1 AND a.started_at > to_timestamp($2)", phone, stopped + 1.0,
        ) == []  # fmt: skip
        states = {row[0] for row in await office.rows(
            "SELECT d.state FROM delivery d JOIN endpoint e ON e.id = d.endpoint_id WHERE e.canonical = $1", phone
        )}  # fmt: skip
        assert states <= {"sent", "delivered", "canceled"}
        assert len(_taken(office, others[0])) > 0, "the other person's texts go on"
    finally:
        await office.close()


def _taken(office: PostOffice, phone: str) -> list[float]:
    """When the provider took each text to a phone."""
    with closing(sqlite3.connect(office.folder / "data" / "sandbox.sqlite")) as remembered:
        return [row[0] for row in remembered.execute("SELECT created FROM text WHERE recipient = ?", (phone,))]


async def _left_to(office: PostOffice, phone: str, count: int) -> bool:
    return len(_taken(office, phone)) >= count


async def _nothing_waits(office: PostOffice, phone: str) -> bool:
    return not await office.rows(
        "SELECT 1 FROM delivery d JOIN endpoint e ON e.id = d.endpoint_id WHERE e.canonical = $1 AND d.state IN "
        "('held', 'queued', 'sending')", phone,
    )  # fmt: skip
