"""The one door for all providers: verify, keep the raw event, do what it says, answer. Commit before the answer."""

import time
from urllib.parse import parse_qsl

import structlog
from fastapi import APIRouter, Request, Response

from channels import base
from contactcenter import events, metrics
from contactcenter.api.deps import house_of
from contactcenter.desk import inbox as desk_inbox
from contactcenter.desk.book import channel_inbox, kept_book
from contactcenter.errors import DeskError, Forbidden, NotFound
from contactcenter.models import Inbox
from contactcenter.wiring import House

log = structlog.get_logger()
router = APIRouter(tags=["webhooks"])
MAX_BODY = 64 * 1024


async def webhook(request: Request) -> Response:
    """403 for a bad signature, 404 for an unknown inbox, success for a repeat."""
    began = time.perf_counter()
    house = house_of(request)
    name, slug, rest = (request.path_params[part] for part in ("name", "slug", "rest"))
    channel = house.kit.channels.get(name)
    if channel is None:
        raise NotFound("There is no such channel here.")
    body = await request.body()
    if len(body) > MAX_BODY:
        raise TooLarge("The request is larger than this address takes.")
    row = (await kept_book(house.database)).inbox(name, slug)  # no statement before the signature is known to be good
    asked = _asked(request, house, row, rest, body)
    try:
        channel.verify(asked)
    except base.BadSignature as error:
        await _refused(house, row, str(error), asked.client_ip)
        raise Forbidden("The signature does not fit.", slug="bad-signature") from error
    await accept(house, channel, row, asked)
    metrics.webhook_seconds.observe(time.perf_counter() - began)
    answer = channel.reply(asked)
    return Response(answer.body, answer.status, media_type=answer.content_type)


# A plain route: there is nothing here that the framework would validate, and no door is hotter.
router.add_route(
    "/channels/{name}/{slug}/{rest:path}", webhook, methods=["POST", "GET"], include_in_schema=False
)  # fmt: skip


class TooLarge(DeskError):
    status = 413
    slug = "too-large"
    title = "Too large"


def _asked(request: Request, house: House, row: Inbox, rest: str, body: bytes) -> base.WebhookRequest:
    raw_path = request.scope.get("raw_path", request.url.path.encode()).decode("latin-1").partition("?")[0]
    query = request.scope["query_string"].decode("latin-1")
    return base.WebhookRequest(
        inbox=channel_inbox(row),
        method=request.method,
        rest=rest,
        url=f"{house.settings.base_url}{raw_path}{'?' + query if query else ''}",
        headers={key.lower(): value for key, value in request.headers.items()},
        query=base.Form(_pairs(query)),
        form=base.Form(_pairs(body.decode("utf-8", "replace")) if _is_form(request) else ()),
        body=body,
        client_ip=request.client.host if request.client else "",
    )


def _pairs(encoded: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(encoded, keep_blank_values=True, max_num_fields=500)
    except ValueError:
        return []


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
    """Raw event, dedupe key and what follows from it, in one transaction. What breaks is kept and shown as unreadable."""
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
    items = channel.parse(raw)
    try:
        async with house.database.straight(desk_inbox.lock_of(row, items)) as tx:
            new = await desk_inbox.take(tx, house.kit, row, raw, items)
        result = "accepted" if new else "repeat"
    except DeskError:
        raise
    except Exception as error:  # a message we cannot thread must not be lost, nor answered with an error for ever
        log.exception("receive_broke", channel=row.channel)
        async with house.database.transaction() as tx:
            raw_id = await desk_inbox.store(tx, house.kit, raw, "failed")
            if raw_id is not None:
                await desk_inbox.mark_unreadable(tx, row, raw_id, f"could not be filed: {type(error).__name__}")
        result = "unreadable"
    metrics.inbound.labels(channel=row.channel, result=result).inc()
