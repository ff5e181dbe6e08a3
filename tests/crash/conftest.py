import tempfile
from collections.abc import AsyncIterator, Iterator
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
