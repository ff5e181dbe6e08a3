"""A message as it came: its page, its head, its bytes, its files. Every one of them is a stranger's."""

import base64
import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path as Folder
from typing import Annotated, Any
from urllib.parse import quote, unquote
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

import agent_ui
from contactcenter import events
from contactcenter.api import pictures as remote
from contactcenter.api.deps import HouseDep, Person, Tx, Who, signed_in
from contactcenter.api.tickets import PROBLEMS
from contactcenter.desk import said
from contactcenter.desk.kit import Kit
from contactcenter.errors import Conflict, NotFound
from contactcenter.models import Attachment, Message, RawEvent, Ticket
from contactcenter.schemas import Headers
from contactcenter.wiring import House

router = APIRouter(tags=["messages"], responses=PROBLEMS)
Id = Annotated[int, Path(ge=1, le=2**53)]

STYLE = (Folder(agent_ui.__file__).parent / "static" / "css" / "mail.css").read_text("utf-8")
STYLE_HASH = base64.b64encode(sha256(STYLE.encode()).digest()).decode()
PAGE = (
    '<!doctype html><html><head><meta charset="utf-8"><title>Message</title><style>{style}</style></head>'
    "<body>{body}</body></html>"
)
PAGE_POLICY = (
    f"sandbox; default-src 'none'; style-src 'sha256-{STYLE_HASH}'; img-src data:; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'"
)
"""The frame has no origin of its own, so nothing it loads could carry a cookie: its pictures travel inside the page."""
FILE_POLICY = "sandbox; default-src 'none'"
PICTURE = re.compile(r'<img\b((?:\s+[\w-]+(?:="[^"]*")?)*)\s*/?>')
ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')
INLINE_MOST = 8_000_000
"""Bytes of pictures in one page; what is more stays a file beside the message."""
HEAD_MOST = 64 * 1024


@dataclass(frozen=True, slots=True)
class Written:
    """What the page of a message is made of."""

    body: str
    inline: Mapping[str, Attachment]


@router.get("/messages/{message_id}/body", response_class=Response)
async def message_body(request: Request, house: HouseDep, message_id: UUID, pictures: bool = False) -> Response:
    """The sanitised HTML as a page of its own for a sandboxed frame. ``pictures``: with those that lie with the sender,
    fetched by us, so that the sender learns nothing of who reads."""
    async with house.database.transaction() as tx:  # ended before the first picture is asked for
        who = await signed_in(request, tx, house)
        written = await _written(tx, who, message_id)
        if pictures:
            await _note_view(tx, who, message_id, "message.pictures_shown")
    shown = await _inline(house, written)
    if pictures:
        shown |= await remote.fetched(addresses(written.body))
    page = PAGE.format(style=STYLE, body=with_pictures(written.body, shown))
    return Response(page, media_type="text/html", headers={"content-security-policy": PAGE_POLICY})


async def _written(tx: AsyncSession, who: Person, message_id: UUID) -> Written:
    body = await tx.scalar(
        select(Message.body_html)
        .join(Ticket, Ticket.id == Message.ticket_id)
        .where(Message.id == message_id, who.scope.condition())
    )
    if body is None:
        raise NotFound("There is no such message that you may see.")
    files = await tx.scalars(select(Attachment).where(Attachment.message_id == message_id, Attachment.content_id != ""))
    return Written(body, {f"cid:{file.content_id}": file for file in files if may_show(file)})


def may_show(file: Attachment) -> bool:
    return said.is_open(file) and file.type in said.PICTURES


async def _inline(house: House, written: Written) -> dict[str, str]:
    """The pictures of the text that came with it, by the name the text gives them."""
    wanted = {unquote(source) for source in sources(written.body, "src")}
    shown: dict[str, str] = {}
    left = INLINE_MOST
    for name, file in written.inline.items():
        if name in wanted and file.size <= left:
            left -= file.size
            shown[name] = as_data(file.type, await house.kit.files.get(file.sha256))
    return shown


def as_data(kind: str, body: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(body).decode()}"


def sources(body: str, attribute: str) -> list[str]:
    """What the pictures of a sanitised page name as their place, in order."""
    found = (dict(ATTRIBUTE.findall(picture)).get(attribute) for picture in PICTURE.findall(body))
    return [html.unescape(source) for source in found if source]


def addresses(body: str) -> list[str]:
    return [source for source in sources(body, "data-remote") if source.startswith("https://")]


def with_pictures(body: str, shown: Mapping[str, str]) -> str:
    """The page with what is known in place of names; a picture that is not there leaves its words."""

    def placed(match: re.Match[str]) -> str:
        given = dict(ATTRIBUTE.findall(match[1]))
        name = html.unescape(given.pop("data-remote", "") or given.get("src", ""))
        source = shown.get(name) or shown.get(unquote(name))
        if source is None:
            return f"<i>{given['alt']}</i>" if given.get("alt") else ""
        return "<img " + " ".join(f'{key}="{value}"' for key, value in (given | {"src": source}).items()) + ">"

    return PICTURE.sub(placed, body)


@router.get("/messages/{message_id}/original", response_class=Response)
async def original(tx: Tx, who: Who, house: HouseDep, message_id: UUID) -> Response:
    """The bytes as they came, for saving. Who took them is written to the log."""
    message, body = await _original(tx, house.kit, who, message_id)
    await _note_view(tx, who, message.id, "message.original_viewed", what="original")
    name = f"message-{message.id}.eml"
    return Response(
        body,
        media_type="message/rfc822",
        headers={
            "content-disposition": f'attachment; filename="{name}"', "content-security-policy": FILE_POLICY,
        },
    )  # fmt: skip


@router.get("/messages/{message_id}/headers", response_model=Headers)
async def headers(tx: Tx, who: Who, house: HouseDep, message_id: UUID) -> Any:
    """The lines above the text, as they came. Who read them is written to the log."""
    message, body = await _original(tx, house.kit, who, message_id)
    await _note_view(tx, who, message.id, "message.original_viewed", what="headers")
    return {"headers": [{"name": name, "value": value} for name, value in head_of(body)]}


async def _original(tx: AsyncSession, kit: Kit, who: Person, message_id: UUID) -> tuple[Message, bytes]:
    row = (
        await tx.execute(
            select(Message, RawEvent)
            .join(Ticket, Ticket.id == Message.ticket_id)
            .join(RawEvent, RawEvent.id == Message.raw_event_id)
            .where(Message.id == message_id, who.scope.condition())
        )
    ).one_or_none()
    if row is None or not said.is_original(kit, row[0], row[1].envelope):
        raise NotFound("There is no such message that you may see.")
    raw: RawEvent = row[1]
    return row[0], raw.body if raw.body is not None else await kit.files.get(raw.file_hash or "")


def head_of(body: bytes) -> list[tuple[str, str]]:
    """Names and values down to the first empty line, folded lines joined (RFC 5322, 2.2.3). Bytes that are no UTF-8 stay
    visible as such; nothing is decoded further: this is for those who want to see what was sent."""
    head = re.split(rb"\r?\n\r?\n", body[:HEAD_MOST], maxsplit=1)[0].decode("utf-8", "backslashreplace")
    lines = re.sub(r"\r?\n[ \t]+", " ", head).splitlines()
    pairs = (line.partition(":") for line in lines)
    return [(name.strip()[:200], shown(value.strip())) for name, colon, value in pairs if colon]


def shown(value: str) -> str:
    """Characters that turn text around or cannot be seen, as their numbers."""
    return "".join(c if c.isprintable() else f"[U+{ord(c):04X}]" for c in value)[:4000]


async def _note_view(tx: AsyncSession, who: Person, message_id: UUID, kind: str, **data: Any) -> None:
    ticket_id = await tx.scalar(select(Message.ticket_id).where(Message.id == message_id))
    actor = events.Actor("staff", who.staff.id)
    await events.record_beside(tx, kind, who.scope.agency_id, actor, ticket_id=ticket_id, about=message_id, **data)


@router.get("/attachments/{attachment_id}", response_class=Response)
async def attachment(tx: Tx, who: Who, house: HouseDep, attachment_id: Id) -> Response:
    """A file, always as a download, and only when it may be handed out."""
    file = await _file(tx, who, attachment_id)
    disposition = f"attachment; filename*=UTF-8''{quote(file.name, safe='')}"
    return await _sent(house, file, "application/octet-stream", disposition)


@router.get("/attachments/{attachment_id}/picture", response_class=Response)
async def picture(tx: Tx, who: Who, house: HouseDep, attachment_id: Id) -> Response:
    """A file to be looked at, where its bytes are one of four kinds of pictures."""
    file = await _file(tx, who, attachment_id)
    if not may_show(file):
        raise NotFound("There is no such file that you may see.")
    return await _sent(house, file, file.type, "inline")


async def _file(tx: AsyncSession, who: Person, attachment_id: int) -> Attachment:
    file: Attachment | None = await tx.scalar(
        select(Attachment)
        .join(Message, Message.id == Attachment.message_id)
        .join(Ticket, Ticket.id == Message.ticket_id)
        .where(Attachment.id == attachment_id, who.scope.condition())
    )
    if file is None:
        raise NotFound("There is no such file that you may see.")
    if not said.is_open(file):
        raise Conflict(_CLOSED.get(file.scan, "This file has not come yet."), slug="file-not-open")
    return file


_CLOSED = {
    "pending": "This file is still being checked for harm. Try again in a moment.",
    "infected": "Something harmful was found in this file. It is not handed out.",
}


async def _sent(house: House, file: Attachment, kind: str, disposition: str) -> Response:
    try:
        body = await house.kit.files.get(file.sha256)
    except FileNotFoundError as error:
        raise NotFound("There is no such file that you may see.") from error
    headers = {"content-disposition": disposition, "content-security-policy": FILE_POLICY}
    return Response(body, media_type=kind, headers=headers)
