"""Our own addresses: how each does, and a look at one on request."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request

from channels.base import ChannelError
from contactcenter import events
from contactcenter.api.deps import HouseDep, Supervisor, Tx, auditing, signed_in
from contactcenter.api.tickets import PROBLEMS
from contactcenter.desk import pages
from contactcenter.desk.book import channel_inbox, open_book
from contactcenter.errors import NotFound
from contactcenter.schemas import InboxOut, InboxTest

router = APIRouter(tags=["inboxes"], responses=PROBLEMS)
SECONDS = 20


@router.get("/inboxes", response_model=list[InboxOut])
async def inboxes(tx: Tx, who: Supervisor, house: HouseDep) -> Any:
    """Every address of ours with its last success and its trouble, in a sentence one can act on."""
    return await pages.inboxes(tx, house.kit, who.scope)


@router.post("/inboxes/{slug}/test", response_model=InboxTest)
async def test(request: Request, house: HouseDep, slug: Annotated[str, Path(max_length=100)]) -> Any:
    """Sign in there once and look. Changes nothing; takes up to 20 s."""
    async with house.database.transaction() as tx:  # ended before the provider is asked
        who = await auditing(await signed_in(request, tx, house))
        boxes = (await open_book(tx)).inboxes.values()
        box = next((one for one in boxes if one.slug == slug and one.agency_id == who.scope.agency_id), None)
        channel = house.kit.channels.get(box.channel) if box else None
        if box is None or channel is None:
            raise NotFound("There is no such address of ours.")
        actor = events.Actor("staff", who.staff.id)
        await events.record_beside(tx, "inbox.tested", who.scope.agency_id, actor, inbox=slug)
    try:
        async with asyncio.timeout(SECONDS):
            health = await channel.test(channel_inbox(box))
    except TimeoutError:
        return {
            "problem": "No answer in 20 seconds. Look at the server's name and port.",
            "backlog": None,
            "token_until": None,
        }
    except ChannelError as error:
        return {"problem": str(error) or "It did not work.", "backlog": None, "token_until": None}
    return {"problem": health.problem, "backlog": health.backlog, "token_until": health.token_until}
