"""What the pages and tests ask of the sandbox: phones, mailboxes, faults and live news. JSON in and out."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Path, Response
from fastapi.responses import StreamingResponse
from pydantic import Base64Bytes, BaseModel, Field

from contactcenter.sandbox import letters, network, post, provider_api
from contactcenter.sandbox.matters import MATTERS
from contactcenter.sandbox.store import Row
from contactcenter.sandbox.world import Here, World

routes = APIRouter(prefix="/sandbox")

# Numbers that the North American plan keeps for fiction: nobody's phone rings.
PHONES = ("+12025550142", "+12025550167", "+12025550188")
MAILBOXES = ("ana@citizens.example", "sam@citizens.example", "lucia@citizens.example")

FAILING = {number: code for number, (code, _) in provider_api.REFUSED_NUMBERS.items()} | network.UNREACHED
# What a phone may send and a page may show; nothing that a browser would run.
FILES = ("image/jpeg", "image/png", "image/gif", "image/webp", "application/pdf")

Phone = Annotated[str, Path(pattern=r"^\+[1-9][0-9]{6,14}$")]
Mailbox = Annotated[str, Path(pattern=r"^[^@\s<>\",;:]{1,64}@[A-Za-z0-9.-]{1,190}$")]
OneLine = Annotated[str, Field(pattern=r"^[^\r\n\x00]*$", max_length=500)]
MessageId = Annotated[str, Field(pattern=r"^(<[^<>\s]{1,900}>)?$")]


@routes.get("/world")
async def world_facts(world: Here) -> dict[str, Any]:
    config = world.config
    return {
        "agency": config.agency_name,
        "numbers": list(config.numbers),
        "addresses": list(config.agency_addresses),
        "phones": list(dict.fromkeys([*PHONES, *(one.rpartition(":")[2] for one in world.store.phones())])),
        "failing": {number: str(code) for number, code in FAILING.items()},
        "examples": [{"language": one.language, "text": one.short} for one in MATTERS],
        "mailboxes": list(dict.fromkeys([*MAILBOXES, *world.store.mailboxes()])),
    }


@routes.get("/events")
async def events(world: Here) -> StreamingResponse:
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(world.live.stream(), media_type="text/event-stream", headers=headers)


# --- phones -----------------------------------------------------------------------------------------------------------


class NewFile(BaseModel):
    """``data``: base64."""

    type: Literal["image/jpeg", "image/png", "image/gif", "image/webp", "application/pdf"]
    data: Base64Bytes = Field(max_length=7_000_000)


class NewText(BaseModel):
    """``sid``: deliver under this id, also once more. ``times``: how often the provider delivers it."""

    to: str
    body: str = Field(default="", max_length=1600)
    sid: str = Field(default="", pattern=r"^([A-Za-z0-9]{2,60})?$")
    times: int = Field(default=1, ge=1, le=5)
    files: list[NewFile] = Field(default=[], max_length=10)


@routes.get("/phone/{phone}/texts")
async def texts(phone: Phone, world: Here) -> dict[str, Any]:
    mine = {number: network.address_of(phone, number) for number in world.config.numbers}
    rows = world.store.texts_of(list(dict.fromkeys([phone, *mine.values()])))
    stopped = [number for number, address in mine.items() if world.store.is_stopped(address, number)]
    return {"phone": phone, "stopped": stopped, "texts": [_text(row, world) for row in rows]}


@routes.post("/phone/{phone}/texts", status_code=201)
async def write_text(phone: Phone, new: NewText, world: Here) -> dict[str, Any]:
    if new.to not in world.config.numbers:
        raise HTTPException(404, "No such number of the agency")
    if not all(one.data for one in new.files) or not (new.body or new.files):
        raise HTTPException(422, "An empty text")
    if sum(len(one.data) for one in new.files) > network.MOST_FILE:
        raise HTTPException(413, "More than 5 MB")
    pictures = [(one.type, one.data) for one in new.files]
    row = await network.write(world, phone, new.to, new.body, new.sid, pictures)
    for _ in range(new.times - 1):
        await network.hand_over(world, row["sid"])
    return _text(row, world)


@routes.get("/media/{sid}")
async def media(sid: str, world: Here) -> Response:
    """A file of a text, for the phone's screen and for whom the provider's API sends here."""
    row = world.store.media(sid)
    if row is None:
        raise HTTPException(404, "No such file")
    kind = row["type"] if row["type"] in FILES else "application/octet-stream"
    return Response(row["body"], media_type=kind)


def _text(row: Row, world: World) -> dict[str, Any]:
    """A text as its phone sees it. ``accepted``: the desk has it. ``told``: the last state that the desk knows; *listed* where it
    found the text in the provider's list."""
    inbound = row["direction"] == "inbound"
    return {
        "sid": row["sid"],
        "mine": inbound,
        "from": row["sender"],
        "to": row["recipient"],
        "body": row["body"],
        "files": [{"sid": one["sid"], "type": one["type"]} for one in world.store.media_of(row["sid"])],
        "status": row["status"],
        "error_code": row["error_code"],
        "told": row["told"],
        "by_provider": row["direction"] == "outbound-reply",
        "accepted": row["told"] in ("received", "listed") if inbound else True,
        "on_phone": inbound or row["status"] in ("delivered", "read"),
        "at": row["created"],
    }


# --- mailboxes --------------------------------------------------------------------------------------------------------


class NewLetter(BaseModel):
    to: Annotated[str, Field(pattern=r"^[^@\s<>]{1,200}@[A-Za-z0-9.-]{1,190}$")]
    subject: OneLine = ""
    text: str = Field(max_length=letters.MAX_TEXT)
    in_reply_to: MessageId = ""
    references: list[MessageId] = Field(default=[], max_length=50)


@routes.get("/mailbox/{address}")
async def mailbox(address: Mailbox, world: Here) -> dict[str, Any]:
    rows = world.store.letters_of(address.lower())
    return {"mailbox": address.lower(), "letters": [letters.shape(row) for row in rows]}


@routes.post("/mailbox/{address}", status_code=201)
async def write_letter(address: Mailbox, new: NewLetter, world: Here) -> dict[str, Any]:
    number = letters.compose(world, address, new.to, new.subject, new.text, new.in_reply_to, new.references)
    if not await post.bring(world, number):
        world.soon(post.keep_trying(world, number))
    return letters.shape(world.store.letter(number))


# --- faults -----------------------------------------------------------------------------------------------------------


class NewFault(BaseModel):
    """``times``: for so many sends; None always; 0 ends it. ``seconds``: of Retry-After, of the hang, or of the delay of reports."""

    kind: Literal[
        "busy", "error_before", "error_after", "hang_after", "duplicate", "reorder", "silent", "late", "undelivered", "closed",
        "media_late",
    ]  # fmt: skip
    times: int | None = Field(default=1, ge=0, le=10_000)
    code: str = Field(default="30003", pattern=r"^[0-9]{5}$")
    seconds: float = Field(default=20, ge=0, le=120)


@routes.get("/faults")
async def faults(world: Here) -> list[Row]:
    return world.store.faults()


@routes.post("/faults")
async def set_fault(new: NewFault, world: Here) -> list[Row]:
    world.store.set_fault(new.kind, new.times, new.code, new.seconds)
    return _told(world)


@routes.delete("/faults")
async def forget_faults(world: Here) -> list[Row]:
    world.store.forget_faults()
    return _told(world)


def _told(world: World) -> list[Row]:
    world.live.tell("faults")
    return world.store.faults()
