"""The mobile network: carries texts between phones and the agency's numbers, and says what became of them."""

import asyncio
import json
import logging
import re
import uuid
from collections.abc import Mapping

import httpx
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # ships no types

from contactcenter.sandbox import shapes
from contactcenter.sandbox.store import Row
from contactcenter.sandbox.world import World

log = logging.getLogger(__name__)

STOPS = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "OPTOUT", "REVOKE"})
STARTS = frozenset({"START", "YES", "UNSTOP"})


def new_sid() -> str:
    return "SM" + uuid.uuid4().hex


def topic(phone: str) -> str:
    return f"phone:{phone}"


# --- from the desk to a phone -----------------------------------------------------------------------------------------


def accept(world: World, sender: str, phone: str, body: str, callback: str) -> Row:
    """Take a text from the desk; it is carried and reported beside the request. What befalls it is decided now."""
    sid = new_sid()
    fates = {kind: world.store.take_fault(kind) for kind in ("undelivered", "duplicate", "reorder", "silent")}
    world.store.add_text(
        {
            "sid": sid,
            "direction": "outbound-api",
            "sender": sender,
            "recipient": phone,
            "body": body,
            "status": "queued",
            "callback": callback,
            "fate": json.dumps({kind: found["code"] for kind, found in fates.items() if found}),
        }
    )
    world.soon(carry(world, sid))
    return _known(world, sid)


async def carry(world: World, sid: str) -> None:
    """Bring a text to its phone. Continues where a stop interrupted it."""
    row = _known(world, sid)
    fate = json.loads(row["fate"] or "{}")
    reports = []
    for status, code in _way(row["status"], fate):
        await asyncio.sleep(world.config.pace)
        world.store.set_status(sid, status, code)
        world.live.tell(topic(row["recipient"]))
        reports.append(shapes.receipt(_known(world, sid), world.config.account_sid))
        if "reorder" not in fate:
            await _report(world, row["callback"], reports.pop(), fate)
    for report in reversed(reports):
        await _report(world, row["callback"], report, fate)


def _way(status: str, fate: Mapping[str, str]) -> list[tuple[str, str]]:
    last = ("undelivered", fate["undelivered"]) if "undelivered" in fate else ("delivered", "")
    return [("sent", ""), last] if status == "queued" else [last]


async def _report(world: World, callback: str, report: dict[str, str], fate: Mapping[str, str]) -> None:
    if not callback or "silent" in fate:
        return
    for _ in range(2 if "duplicate" in fate else 1):
        await post_signed(world, callback, report)


# --- from a phone to the desk -----------------------------------------------------------------------------------------


async def write(world: World, phone: str, number: str, body: str, sid: str = "") -> Row:
    """Send a text from a phone. A known ``sid`` delivers the same text once more, as providers do."""
    sid = sid or new_sid()
    world.store.add_text(
        {"sid": sid, "direction": "inbound", "sender": phone, "recipient": number, "body": body, "status": "receiving"}
    )
    _mind_wishes(world, phone, number, body)
    world.live.tell(topic(phone))
    if not await hand_over(world, sid):
        world.soon(keep_trying(world, sid))
    return _known(world, sid)


def _mind_wishes(world: World, phone: str, number: str, body: str) -> None:
    word = re.sub(r"\W", "", body).upper()
    if word in STOPS:
        world.store.stop(phone, number)
    elif word in STARTS:
        world.store.start(phone, number)


async def hand_over(world: World, sid: str) -> bool:
    row = _known(world, sid)
    form = shapes.arriving(row, world.config.account_sid)
    taken = await post_signed(world, world.config.numbers[row["recipient"]], form)
    if taken:
        world.store.set_status(sid, "received")
        world.live.tell(topic(row["sender"]))
    return taken


async def keep_trying(world: World, sid: str) -> None:
    """Offer a text again, while a desk restarts for example; given up after the last of the configured waits."""
    for wait in world.config.retries:
        await asyncio.sleep(wait)
        if await hand_over(world, sid):
            return
    world.store.set_status(sid, "failed", "11200")
    world.live.tell(topic(_known(world, sid)["sender"]))


# --- both -------------------------------------------------------------------------------------------------------------


async def post_signed(world: World, url: str, form: dict[str, str]) -> bool:
    """Post a form as the provider signs it. True where the desk took it."""
    signature = RequestValidator(world.config.auth_token).compute_signature(url, form)
    try:
        answer = await world.http.post(url, data=form, headers={"X-Twilio-Signature": signature})
    except httpx.HTTPError as lost:
        log.info("the desk was not there: %s", type(lost).__name__)
        return False
    if not answer.is_success:
        log.warning("the desk answered %s to a webhook", answer.status_code)
    return answer.is_success


def resume(world: World) -> None:
    """Go on with what was under way when the sandbox stopped."""
    for row in world.store.texts_under_way():
        inbound = row["direction"] == "inbound"
        world.soon(keep_trying(world, row["sid"]) if inbound else carry(world, row["sid"]))


def _known(world: World, sid: str) -> Row:
    row = world.store.text(sid)
    if row is None:
        raise LookupError(sid)
    return row
