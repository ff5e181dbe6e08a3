"""The one door for all providers: verify, keep the raw event, do what it says, answer. Commit before the answer."""

import time

from fastapi import APIRouter, Request, Response
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.routing import Route, request_response

from channels import base
from contactcenter import events, metrics
from contactcenter.api.deps import house_of
from contactcenter.desk import inbox as desk_inbox
from contactcenter.desk.book import channel_inbox, kept_book
from contactcenter.errors import DeskError, Forbidden, NotFound, StoreAway
from contactcenter.models import Inbox
from contactcenter.wiring import House

router = APIRouter(tags=["webhooks"])
MAX_BODY, MAX_WHOLE = 64 * 1024, 40 * 1024 * 1024
"""The second where whole messages come in by this door."""


async def webhook(request: Request) -> Response:
    """403 for a bad signature (or what the provider understands better), 404 for an unknown inbox, success for a repeat."""
    began = time.perf_counter()
    house = house_of(request)
    name, slug, rest = (request.path_params[part] for part in ("name", "slug", "rest"))
    channel = house.kit.channels.get(name)
    if channel is None:
        raise NotFound("There is no such channel here.")
    row = (await kept_book(house.database)).inbox(name, slug)  # no statement before the signature is known to be good
    body = await _body(request, MAX_WHOLE if channel.capabilities.child else MAX_BODY)
    asked = _asked(request, house, row, rest, body)
    try:
        channel.verify(asked)
    except base.BadSignature as error:
        return await _refuse(house, row, error, asked.client_ip)
    await accept(house, channel, row, asked)
    metrics.webhook_seconds.observe(time.perf_counter() - began)
    answer = channel.reply(asked)
    return Response(answer.body, answer.status, media_type=answer.content_type)


async def _body(request: Request, limit: int) -> bytes:
    """The body, read no further than its limit."""
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > limit:
        raise TooLarge("The request is larger than this address takes.")
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise TooLarge("The request is larger than this address takes.")
        parts.append(part)
    return b"".join(parts)


async def _refuse(house: House, row: Inbox, error: base.BadSignature, address: str) -> Response:
    """Some providers take 403 for "never send this again": the channel says which status makes them come again."""
    if error.status in (401, 403):
        await _refused(house, row, str(error), address)
    if error.status == 403:
        raise Forbidden("The signature does not fit.", slug="bad-signature") from error
    headers = {"Retry-After": "5"} if error.status == 503 else None
    return Response(status_code=error.status, headers=headers)


# A plain route: there is nothing here that the framework would validate, and no door is hotter.
# Its own limits hold here, above the one of the whole application.
router.routes.append(
    Route(
        "/channels/{name}/{slug}/{rest:path}", RequestBodyLimitMiddleware(request_response(webhook), MAX_WHOLE),
        methods=["POST", "GET"], include_in_schema=False,
    )
)  # fmt: skip


class TooLarge(DeskError):
    status = 413
    slug = "too-large"
    title = "Too large"


def _asked(request: Request, house: House, row: Inbox, rest: str, body: bytes) -> base.WebhookRequest:
    raw_path = (request.scope.get("raw_path") or request.url.path.encode()).decode("latin-1").partition("?")[0]
    query = request.scope["query_string"].decode("latin-1")
    return base.WebhookRequest(
        inbox=channel_inbox(row),
        method=request.method,
        rest=rest,
        url=f"{house.settings.base_url}{raw_path}{'?' + query if query else ''}",
        headers={key.lower(): value for key, value in request.headers.items()},
        query=base.Form(base.form_fields(query)),
        form=base.Form(base.form_fields(body.decode("utf-8", "replace")) if _is_form(request) else ()),
        body=body,
        client_ip=request.client.host if request.client else "",
    )


def _is_form(request: Request) -> bool:
    return request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")


async def _refused(house: House, row: Inbox, why: str, address: str) -> None:
    """A security event; best effort within its own transaction, and bounded per address."""
    metrics.refused.labels(channel=row.channel, why="signature").inc()
    if await house.limits.allow(f"refused:{address}", 60, 60):
        async with house.database.transaction() as tx:
            await events.record_beside(
                tx, "webhook.refused", row.agency_id, events.DESK, channel=row.channel, inbox=row.slug, why=why[:200],
                address=address,
            )  # fmt: skip


async def accept(house: House, channel: base.Channel, row: Inbox, asked: base.WebhookRequest) -> None:
    """Raw event, dedupe key and what follows from it, in one transaction. What breaks is kept and shown as unreadable.

    What must be read in a child is only kept here: the intake reads it.
    """
    raw = base.Raw(
        source=f"{row.channel}:{row.slug}",
        source_key=channel.key(asked),
        inbox=asked.inbox,
        envelope={
            "rest": asked.rest,
            "query": asked.url.partition("?")[2],
            "content_type": asked.headers.get("content-type", ""),
        },
        received_at=house.kit.now(),
        body=asked.body,
    )
    if channel.capabilities.child:
        try:
            kept = await desk_inbox.keep(house.database, house.kit, raw)
        except OSError as error:  # the folder of large bodies is full: the provider shall come again
            raise StoreAway from error
        result = "accepted" if kept else "repeat"
    else:
        result = await desk_inbox.take_safely(house.database, house.kit, row, raw, channel.parse(raw))
    metrics.inbound.labels(channel=row.channel, result=result).inc()
