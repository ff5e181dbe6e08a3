"""The mobile network: carries texts between phones and the agency's numbers, and says what became of them."""

import asyncio
import json
import logging
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # ships no types

from contactcenter.sandbox import keywords, shapes
from contactcenter.sandbox.store import Row
from contactcenter.sandbox.world import World

log = logging.getLogger(__name__)

# Phones that take nothing, and why: beside the provider's own numbers for tests, which it refuses at once.
UNREACHED = {
    "+15005550030": "30003",
    "+15005550050": "30005",
    "+15005550060": "30006",
    "+15005550070": "30007",
}
WINDOW_SECONDS = 24 * 60 * 60
MOST_FILE = 5 * 1024 * 1024

Picture = tuple[str, bytes]
"""Type and content."""


def new_sid(kind: str = "SM") -> str:
    return kind + uuid.uuid4().hex


def topic(address: str) -> str:
    return f"phone:{_bare(address)}"


def address_of(phone: str, number: str) -> str:
    """A phone's address on the network of one of the agency's numbers: ``net:+1...`` where that number is written so."""
    network, colon, _ = number.rpartition(":")
    return network + colon + phone


def _bare(address: str) -> str:
    return address.rpartition(":")[2]


# --- from the desk to a phone -----------------------------------------------------------------------------------------


def accept(world: World, sender: str, phone: str, body: str, callback: str, media: Sequence[str] = ()) -> Row:
    """Take a text from the desk; it is carried and reported beside the request. What befalls it is decided now."""
    sid = new_sid("MM" if media else "SM")
    world.store.add_text(
        {
            "sid": sid,
            "direction": "outbound-api",
            "sender": sender,
            "recipient": phone,
            "body": body,
            "status": "queued",
            "callback": callback,
            "fate": json.dumps(_fate(world, sender, phone) | ({"media": list(media)} if media else {})),
        }
    )
    world.soon(carry(world, sid))
    return known(world, sid)


def _fate(world: World, sender: str, phone: str) -> dict[str, Any]:
    struck = {kind: world.store.take_fault(kind) for kind in ("undelivered", "duplicate", "reorder", "silent", "late")}
    fate = {kind: found["seconds"] if kind == "late" else found["code"] for kind, found in struck.items() if found}
    if ":" in phone and not world.store.wrote_since(phone, sender, time.time() - WINDOW_SECONDS):
        fate["undelivered"] = "63016"
    if _bare(phone) in UNREACHED:
        fate["undelivered"] = UNREACHED[_bare(phone)]
    return fate


async def carry(world: World, sid: str) -> None:
    """Bring a text to its phone. Continues where a stop interrupted it."""
    row = known(world, sid)
    fate = json.loads(row["fate"] or "{}")
    held: list[dict[str, str]] = []
    for status, code in _way(row, fate):
        await asyncio.sleep(world.config.pace)
        if status == "sent" and not await _load(world, sid, fate.get("media", ())):
            status, code = "undelivered", "11200"
        world.store.set_status(sid, status, code)
        world.live.tell(topic(row["recipient"]))
        held.append(shapes.receipt(known(world, sid), world.config.account_sid))
        if "reorder" not in fate and "late" not in fate:
            await _report(world, row, held.pop(), fate)
        if status == "undelivered":
            break
    await asyncio.sleep(float(fate.get("late", 0)))
    for report in reversed(held) if "reorder" in fate else held:
        await _report(world, row, report, fate)


def _way(row: Row, fate: Mapping[str, Any]) -> list[tuple[str, str]]:
    steps = [("sent", "")] if row["status"] == "queued" else []
    if "undelivered" in fate:
        return [*steps, ("undelivered", fate["undelivered"])]
    return [*steps, ("delivered", ""), *([("read", "")] if ":" in row["recipient"] else [])]


async def _load(world: World, sid: str, urls: Sequence[str]) -> bool:
    """Fetch the files that the desk offered for this text."""
    for url in urls:
        try:
            answer = await world.http.get(url)
        except httpx.HTTPError:
            return False
        if not answer.is_success or len(answer.content) > MOST_FILE:
            return False
        kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        world.store.add_media(new_sid("ME"), sid, kind, answer.content)
    return True


async def _report(world: World, row: Row, report: dict[str, str], fate: Mapping[str, Any]) -> None:
    if not row["callback"] or "silent" in fate:
        return
    for _ in range(2 if "duplicate" in fate else 1):
        if await post_signed(world, row["callback"], report):
            world.store.set_told(row["sid"], report["MessageStatus"])
            world.live.tell(topic(row["recipient"]))


# --- from a phone to the desk -----------------------------------------------------------------------------------------


async def write(
    world: World, phone: str, number: str, body: str, sid: str = "", pictures: Sequence[Picture] = ()
) -> Row:
    """Send a text from a phone. A known ``sid`` delivers the same text once more, as providers do."""
    sid = sid or new_sid("MM" if pictures else "SM")
    sender = address_of(phone, number)
    word = keywords.word_of(world.store, sender, number, body)
    closed = world.store.take_fault("closed")
    text = {"sid": sid, "direction": "inbound", "sender": sender, "recipient": number, "body": body}
    fate = {"word": word} | ({"closed": "yes"} if closed else {})
    if world.store.add_text(text | {"status": "receiving", "fate": json.dumps(fate)}):
        for kind, content in pictures:
            world.store.add_media(new_sid("ME"), sid, kind, content)
        keywords.obey(world.store, sender, number, word)
    world.live.tell(topic(phone))
    if closed:  # the provider has it, and says so to whoever asks; nobody is told
        world.store.set_status(sid, "received")
    elif not await hand_over(world, sid):
        world.soon(keep_trying(world, sid))
    return known(world, sid)


async def hand_over(world: World, sid: str) -> bool:
    row, config = known(world, sid), world.config
    word = json.loads(row["fate"] or "{}").get("word", "")
    form = shapes.arriving(row, world.store.media_of(sid), config.account_sid, config.url, word)
    taken = await post_signed(world, config.numbers[row["recipient"]], form)
    if taken:
        world.store.set_status(sid, "received")
        world.store.set_told(sid, "received")
        world.live.tell(topic(row["sender"]))
    return taken


async def keep_trying(world: World, sid: str) -> None:
    """Offer a text again, while a desk restarts for example; given up after the last of the configured waits."""
    for wait in world.config.retries:
        await asyncio.sleep(wait)
        if await hand_over(world, sid):
            return
    world.store.set_status(sid, "failed", "11200")
    world.live.tell(topic(known(world, sid)["sender"]))


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


def known(world: World, sid: str) -> Row:
    row = world.store.text(sid)
    if row is None:
        raise LookupError(sid)
    return row
