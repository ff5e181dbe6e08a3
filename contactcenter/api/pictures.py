"""Pictures that lie with the sender of a mail, fetched by us and only when somebody asks: the sender sees our house, not a person."""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from channels import _egress, _files
from contactcenter.desk.said import PICTURES

MOST_PICTURES = 20
MOST_BYTES = 2 * 1024 * 1024
AT_ONCE = 4
SECONDS = 8.0
"""For all pictures of a page together; those that are late are left out."""

Fetch = Callable[..., Awaitable[_egress.Fetched]]


async def fetched(addresses: Sequence[str], fetch: Fetch = _egress.fetched) -> dict[str, str]:
    """By address: the picture as data for a page. What is no picture, too large, too slow or not public is left out."""
    found: dict[str, str] = {}
    room = asyncio.Semaphore(AT_ONCE)

    async def one(address: str) -> None:
        async with room:
            with suppress(_egress.Refused, _egress.NotNow):
                answer = await fetch(address, most=MOST_BYTES)
                kind = _files.sniffed(answer.body, answer.type, "")
                if kind in PICTURES:
                    found[address] = f"data:{kind};base64,{base64.b64encode(answer.body).decode()}"

    with suppress(TimeoutError):
        async with asyncio.timeout(SECONDS), asyncio.TaskGroup() as group:
            for address in list(dict.fromkeys(addresses))[:MOST_PICTURES]:
                group.create_task(one(address))
    return found
