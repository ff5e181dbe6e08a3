"""Browsers of citizens, staff and strangers before the desk's own web application, without a network between them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from contactcenter.app import create_app
from tests.desk_rig import PASSWORD, Rig

Open = Callable[..., Awaitable[httpx.AsyncClient]]


@pytest.fixture
async def browse(rig: Rig) -> AsyncIterator[Open]:
    """Opens a browser, signed in as ``username`` if one is given; ``address`` is where it sits."""
    app, base = create_app(rig.house), rig.house.settings.base_url
    opened: list[httpx.AsyncClient] = []

    async def open_one(username: str = "", *, address: str = "127.0.0.1", **headers: str) -> httpx.AsyncClient:
        wire = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 4000))
        browser = httpx.AsyncClient(transport=wire, base_url=base, headers={"origin": base, **headers})
        opened.append(browser)
        if username:
            answer = await browser.post("/api/session", json={"username": username, "password": PASSWORD})
            assert answer.status_code == 200, answer.text
        return browser

    yield open_one
    for browser in opened:
        await browser.aclose()


def assert_problem(answer: httpx.Response, status: int, slug: str = "") -> dict[str, Any]:
    """The answer is a problem (RFC 9457) with a sentence that a person can act on."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["status"] == status and body["title"] and body["type"].startswith("/problems/")
    assert body["detail"].strip().endswith(".") and " " in body["detail"]
    if slug:
        assert body["type"] == f"/problems/{slug}"
    return body
