import tempfile
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import httpx
import pytest

from tests.crash.faults import end_postgres
from tests.running_desk import WholeDesk, running


@pytest.fixture(scope="module")
def desk() -> Iterator[WholeDesk]:
    """Not below pytest's own folder: each test run closes that one to the user under whom PostgreSQL runs."""
    with tempfile.TemporaryDirectory(prefix="desk", ignore_cleanup_errors=True) as folder:
        yield from running(Path(folder))
        end_postgres(Path(folder))


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=15, trust_env=False) as client:
        yield client


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What the processes said last stands in the report of a story that failed."""
    report = yield
    running_desk = getattr(item, "funcargs", {}).get("desk")
    if report.failed and isinstance(running_desk, WholeDesk):
        report.sections.append(("the desk's logs", running_desk.logs()))
    return report
