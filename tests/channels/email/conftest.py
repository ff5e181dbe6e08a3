from collections.abc import AsyncIterator

import pytest

from tests.channels.email.relay import FakeRelay, fake_relay


@pytest.fixture
async def relay() -> AsyncIterator[FakeRelay]:
    async with fake_relay() as fake:
        yield fake
