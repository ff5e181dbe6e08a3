from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from tests.crash.faults import end_postgres
from tests.running_desk import WholeDesk, running


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeDesk]:
    folder: Path = tmp_path_factory.mktemp("desk")
    yield from running(folder)
    end_postgres(folder)


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=15, trust_env=False) as client:
        yield client
