"""Every error leaves as problem+json (RFC 9457) with a sentence; values that were sent are never echoed."""

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException

from contactcenter.errors import DeskError

log = structlog.get_logger()


def install(app: FastAPI) -> None:
    app.add_exception_handler(DeskError, desk_problem)
    app.add_exception_handler(RequestValidationError, validation_problem)
    app.add_exception_handler(HTTPException, http_problem)
    app.add_exception_handler(DBAPIError, data_problem)
    app.add_exception_handler(Exception, bug)


def problem(
    status: int, slug: str, title: str, detail: str, headers: dict[str, str] | None = None, **extras: Any
) -> JSONResponse:
    body = {"type": f"/problems/{slug}", "title": title, "status": status, "detail": detail, **extras}
    return JSONResponse(body, status, headers, media_type="application/problem+json")


async def desk_problem(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, DeskError)
    extras = {key: value for key, value in error.extras.items() if key not in ("type", "title", "status", "detail")}
    return problem(error.status, error.slug, error.title, error.detail, error.headers, **_plain(extras))


async def validation_problem(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    fields = [
        {"field": ".".join(str(part) for part in one["loc"]), "message": one["msg"]} for one in error.errors()[:20]
    ]
    where = ", ".join(field["field"] for field in fields) or "the request"
    return problem(422, "not-valid", "The request cannot be read", f"Check these fields: {where}.", fields=fields)


async def http_problem(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    words = {
        404: ("not-found", "Not found", "There is nothing at this address."),
        405: ("method", "Method not allowed", "This address does not take this method."),
        413: ("too-large", "Too large", "The request is larger than this address takes."),
    }
    slug, title, detail = words.get(error.status_code, ("refused", "Refused", "The request was refused."))
    return problem(error.status_code, slug, title, detail, dict(error.headers or {}))


async def data_problem(request: Request, error: Exception) -> JSONResponse:
    """What the database refused although we let it through: text it cannot hold, a number too large. The rest is a bug."""
    name = type(getattr(getattr(error, "orig", None), "__cause__", None)).__name__
    if name in (
        "CharacterNotInRepertoireError",
        "UntranslatableCharacterError",
        "DataError",
        "NumericValueOutOfRangeError",
    ):
        return problem(422, "not-valid", "The request cannot be stored", "A value in the request cannot be stored.")
    return await bug(request, error)


async def bug(request: Request, error: Exception) -> JSONResponse:
    log.exception("bug", path=request.url.path, exc_info=error)
    return problem(
        500, "fault", "Sorry, there is a problem with the service", "Try again. If it stays, tell us the request id."
    )


def _plain(extras: dict[str, Any]) -> dict[str, Any]:
    from contactcenter.events import plain

    return plain(extras)
