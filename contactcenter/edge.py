"""What every HTTP exchange passes through: correlation id, our own Origin, security headers. Plain ASGI, no buffering."""

import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.responses import JSONResponse

from contactcenter.events import correlation

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

SAFE = {"GET", "HEAD", "OPTIONS"}
SIGNED_BY_PROVIDER = "/channels/"


class Edge:
    """Refuses unsafe requests from foreign origins, and dresses every answer.

    A cookie travels with a forged request too, so every unsafe method must carry our own Origin (or, where a browser sends
    none, ``Sec-Fetch-Site: same-origin``). Webhooks carry a provider's signature instead.
    """

    def __init__(self, app: App, base_url: str) -> None:
        self._app = app
        self._origins = {base_url.encode()}
        if "//127.0.0.1" in base_url:
            self._origins.add(base_url.replace("//127.0.0.1", "//localhost").encode())
        self._headers = [
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"cross-origin-opener-policy", b"same-origin"),
            (b"cross-origin-resource-policy", b"same-origin"),
        ]
        if base_url.startswith("https://"):
            self._headers.append((b"strict-transport-security", b"max-age=31536000"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        headers = dict(scope["headers"])
        token = correlation.set(secrets.token_hex(8))
        try:
            if scope["method"] not in SAFE and not path.startswith(SIGNED_BY_PROVIDER) and not self._ours(headers):
                await _foreign()(scope, receive, send)
                return
            await self._app(scope, receive, _in_words(self._dressing(path, send)))
        finally:
            correlation.reset(token)

    def _ours(self, headers: dict[bytes, bytes]) -> bool:
        origin = headers.get(b"origin")
        if origin is None:
            return headers.get(b"sec-fetch-site") == b"same-origin"
        return origin in self._origins

    def _dressing(self, path: str, send: Send) -> Send:
        private = path.startswith(("/api", "/channels"))
        request_id = correlation.get().encode()

        async def dressed(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                present = {name for name, _ in message["headers"]}
                extra = [*self._headers, (b"x-request-id", request_id)]
                if private:
                    extra.append((b"cache-control", b"no-store"))
                message["headers"] = [*message["headers"], *[pair for pair in extra if pair[0] not in present]]
            await send(message)

        return dressed


def _in_words(send: Send) -> Send:
    """The framework refuses a body over its limit in plain text, before our own error handlers; say it as we do."""
    replaced = False

    async def worded(message: dict[str, Any]) -> None:
        nonlocal replaced
        if replaced:
            return
        if message["type"] == "http.response.start" and message["status"] == 413:
            replaced = (b"content-type", b"application/problem+json") not in message["headers"]
        if not replaced:
            await send(message)
            return
        answer = _too_large()
        await send({"type": "http.response.start", "status": 413, "headers": answer.raw_headers})
        await send({"type": "http.response.body", "body": answer.body})

    return worded


def _too_large() -> JSONResponse:
    body = {
        "type": "/problems/too-large", "title": "Too large", "status": 413,
        "detail": "The request is larger than this address takes.",
    }  # fmt: skip
    return JSONResponse(body, 413, media_type="application/problem+json")


def _foreign() -> Any:
    body = {
        "type": "/problems/foreign-origin", "title": "This request did not come from our own pages", "status": 403,
        "detail": "Send the request from the desk's own address; programs set the Origin header to it.",
    }  # fmt: skip
    return JSONResponse(body, 403, media_type="application/problem+json")
