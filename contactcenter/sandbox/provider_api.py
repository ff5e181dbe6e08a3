"""The provider's REST API for texts (https://www.twilio.com/docs/messaging/api/message-resource), and its faults."""

import asyncio
import base64
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import phonenumbers
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, RedirectResponse

from contactcenter.sandbox import network, shapes
from contactcenter.sandbox.store import Row
from contactcenter.sandbox.world import Here, World

routes = APIRouter(prefix=f"/{shapes.VERSION}/Accounts/{{account}}")

MAX_BODY = 1600
MAX_PAGE = 1000
MAX_FILES = 10


class Refused(Exception):
    """An answer of the API that is an error, in its own words."""

    def __init__(self, status: int, code: int, words: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(words)
        self.status, self.code, self.words, self.headers = status, code, words, headers


async def refuse(_: Request, refused: Exception) -> JSONResponse:
    assert isinstance(refused, Refused)
    body = shapes.error(refused.status, refused.code, refused.words)
    return JSONResponse(body, refused.status, dict(refused.headers or {}))


@routes.post("/Messages.json", status_code=201)
async def send(account: str, request: Request, world: Here) -> dict[str, Any]:
    _admit(world, account, request)
    pairs = parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True)
    form, media = dict(pairs), [value for name, value in pairs if name == "MediaUrl"]
    _refuse_before(world)
    _check(world, form, media)
    body, callback = form.get("Body", ""), form.get("StatusCallback", "")
    row = network.accept(world, form["From"], form["To"], body, callback, media)
    if hang := world.store.take_fault("hang_after"):
        await asyncio.sleep(hang["seconds"])
    if world.store.take_fault("error_after"):
        raise Refused(500, 20500, "An internal server error has occurred")
    return shapes.message(row, account)


@routes.get("/Messages.json")
async def listed(account: str, request: Request, world: Here) -> dict[str, Any]:
    _admit(world, account, request)
    asked = request.query_params
    since, until = _period(asked)
    rows = world.store.texts_between(asked.get("From", ""), asked.get("To", ""), since, until)
    page = _page("messages", [shapes.message(row, account) for row in rows], request)
    _note_found(world, rows, {item["sid"] for item in page["messages"]})
    return page


def _note_found(world: World, rows: list[Row], shown: set[str]) -> None:
    """Whoever was not told of a text has now found it in the list: its phone says so."""
    for row in rows:
        if row["sid"] in shown and row["direction"] == "inbound" and row["status"] == "received" and not row["told"]:
            world.store.set_told(row["sid"], "listed")
            world.live.tell(network.topic(row["sender"]))


def _page(name: str, items: list[dict[str, Any]], request: Request) -> dict[str, Any]:
    asked = request.query_params
    filters = urlencode([(key, value) for key, value in asked.multi_items() if not key.startswith("Page")])
    size = min(max(_number(asked.get("PageSize"), 50), 1), MAX_PAGE)
    return shapes.listing(name, request.url.path, items, filters, max(_number(asked.get("Page"), 0), 0), size)


@routes.get("/Messages/{sid}.json")
async def fetched(account: str, sid: str, request: Request, world: Here) -> dict[str, Any]:
    _admit(world, account, request)
    return shapes.message(_found(world.store.text(sid), request), account)


def _found(row: Row | None, request: Request) -> Row:
    if row is None:
        raise Refused(404, 20404, f"The requested resource {request.url.path} was not found")
    return row


# --- files ------------------------------------------------------------------------------------------------------------


@routes.get("/Messages/{sid}/Media.json")
async def listed_files(account: str, sid: str, request: Request, world: Here) -> dict[str, Any]:
    _admit(world, account, request)
    _found(world.store.text(sid), request)
    return _page("media_list", [shapes.file(row, account) for row in world.store.media_of(sid)], request)


@routes.get("/Messages/{sid}/Media/{file}.json")
async def described_file(account: str, sid: str, file: str, request: Request, world: Here) -> dict[str, Any]:
    return shapes.file(_file(world, account, sid, file, request), account)


@routes.get("/Messages/{sid}/Media/{file}")
async def fetched_file(account: str, sid: str, file: str, request: Request, world: Here) -> RedirectResponse:
    """The way to a file: with the account's key, to a place that wants none. Now and then it is not there yet."""
    row = _file(world, account, sid, file, request)
    if world.store.take_fault("media_late"):
        raise Refused(404, 20404, f"The requested resource {request.url.path} was not found")
    return RedirectResponse(f"/sandbox/media/{row['sid']}", 307)


def _file(world: World, account: str, sid: str, file: str, request: Request) -> Row:
    _admit(world, account, request)
    row = _found(world.store.media(file), request)
    return _found(row if row["text_sid"] == sid else None, request)


# --- what the provider minds ------------------------------------------------------------------------------------------


def _admit(world: World, account: str, request: Request) -> None:
    expected = f"{world.config.account_sid}:{world.config.auth_token}"
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    wanted = base64.b64encode(expected.encode()).decode()
    if scheme.lower() != "basic" or not hmac.compare_digest(given.encode(), wanted.encode()):
        raise Refused(401, 20003, "Authenticate", {"WWW-Authenticate": 'Basic realm="Twilio API"'})
    if account != world.config.account_sid:
        raise Refused(404, 20404, f"The requested resource {request.url.path} was not found")


def _refuse_before(world: World) -> None:
    """Faults that strike before anything is accepted."""
    if busy := world.store.take_fault("busy"):
        wait = {"Retry-After": str(round(busy["seconds"]))}
        raise Refused(429, 20429, "Too many requests", wait)
    if world.store.take_fault("error_before"):
        raise Refused(500, 20500, "An internal server error has occurred")


# The provider's own numbers for tests, and what it says to them (https://www.twilio.com/docs/iam/test-credentials).
REFUSED_NUMBERS = {
    "+15005550001": (21211, "Invalid 'To' Phone Number: +15005550001"),
    "+15005550002": (21612, "There is no route from this 'From' number to this 'To' number"),
    "+15005550003": (21408, "Permission to send to this region has not been given"),
    "+15005550004": (21610, "Attempt to send to unsubscribed recipient"),
    "+15005550009": (21614, "'To' number is not a mobile number"),
}


def _check(world: World, form: Mapping[str, str], media: list[str]) -> None:
    """Raise what the provider would say of these parameters, the first one only."""
    to, sender, body = form.get("To", ""), form.get("From", ""), form.get("Body", "")
    callback = form.get("StatusCallback")
    problems = (
        (not to, 21604, "A 'To' phone number is required."),
        (not sender, 21603, "A 'From' phone number is required."),
        (not body and not media, 21602, "Message body is required."),
        (len(body) > MAX_BODY, 21617, f"The concatenated message body exceeds the {MAX_BODY} character limit"),
        (not _possible(to), 21211, f"Invalid 'To' Phone Number: {to}"),
        (sender not in world.config.numbers, 21606, f"The 'From' phone number {sender} is not one of this account"),
        (
            callback is not None and not _web(callback),
            21609,
            f"The 'StatusCallback' URL {callback} is not a valid URL.",
        ),
        (len(media) > MAX_FILES, 21623, f"The number of media files must be at most {MAX_FILES}"),
        (not all(map(_web, media)), 21620, "Invalid media URL(s)"),
        (to in REFUSED_NUMBERS, *REFUSED_NUMBERS.get(to, (0, ""))),
        (world.store.is_stopped(to, sender), 21610, "Attempt to send to unsubscribed recipient"),
    )
    for wrong, code, words in problems:
        if wrong:
            raise Refused(400, code, words)


def _possible(address: str) -> bool:
    """A number, also behind the name of a network (``net:+1...``), where an id without a number will do as well."""
    network, _, number = address.rpartition(":")
    if network and re.fullmatch(r"[A-Z]{2}\.\w{1,128}", number, re.ASCII):
        return True
    if not re.fullmatch(r"\+[1-9][0-9]{6,14}", number):
        return False
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return False


def _web(url: str) -> bool:
    """Providers refuse a host with an underscore."""
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "_" not in parts.netloc


def _period(asked: Mapping[str, str]) -> tuple[float, float]:
    since, until = 0.0, float("inf")
    if day := _moment(asked.get("DateSent")):
        since, until = day.timestamp(), (day + timedelta(days=1)).timestamp()
    if after := _moment(asked.get("DateSent>")):
        since = after.timestamp()
    if before := _moment(asked.get("DateSent<")):
        until = (before + timedelta(days=1 if len(asked["DateSent<"]) == 10 else 0)).timestamp()
    return since, until


def _moment(value: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _number(value: str | None, default: int) -> int:
    return int(value) if value and value.isascii() and value.isdigit() else default
