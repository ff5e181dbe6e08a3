"""The sandbox's own pages: three doors, a phone and a mailbox. No inline script or style, nothing from elsewhere."""

from collections.abc import Awaitable, Callable
from html import escape
from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from contactcenter.sandbox.world import Here

FOLDER = Path(__file__).parent / "static"
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none';"
        " form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}

routes = APIRouter(default_response_class=HTMLResponse)


@routes.get("/")
async def front(world: Here) -> str:
    config = world.config
    page = (FOLDER / "front.html").read_text(encoding="utf-8")
    for name, value in (
        ("agency", config.agency_name),
        ("visitor_page", config.visitor_page_url),
        ("desk", config.desk_url),
        ("number", next(iter(config.numbers), "")),
        ("address", next(iter(config.agency_addresses), "")),
    ):
        page = page.replace("{{" + name + "}}", escape(value))
    return page


@routes.get("/phone")
@routes.get("/phone/{number}")
async def phone() -> str:
    return (FOLDER / "phone.html").read_text(encoding="utf-8")


@routes.get("/mailbox")
@routes.get("/mailbox/{address}")
async def mailbox() -> str:
    return (FOLDER / "mailbox.html").read_text(encoding="utf-8")


async def guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Security headers for everything the sandbox serves."""
    response = await call_next(request)
    response.headers.update(HEADERS)
    return response
