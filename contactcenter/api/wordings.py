"""The agency's own texts: signatures and what the desk says by itself, per queue and language."""

from typing import Any

from fastapi import APIRouter
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from contactcenter import events
from contactcenter.api.deps import Auditor, Person, Tx
from contactcenter.api.tickets import PROBLEMS
from contactcenter.db import after_commit
from contactcenter.desk import wordings as own_words
from contactcenter.desk.book import open_book
from contactcenter.errors import NotFound, Refused
from contactcenter.models import Queue, Wording
from contactcenter.schemas import WordingIn, WordingOut

router = APIRouter(tags=["wordings"], responses=PROBLEMS)


@router.get("/wordings", response_model=list[WordingOut])
async def wordings(tx: Tx, who: Auditor) -> Any:
    """What the agency says in its own words; every other text is the product's."""
    rows = await tx.execute(
        select(Wording, Queue.slug)
        .outerjoin(Queue, Queue.id == Wording.queue_id)
        .where(Wording.agency_id == who.scope.agency_id)
        .order_by(Wording.key, Queue.slug.nulls_first(), Wording.language)
    )
    return [{"key": one.key, "language": one.language, "queue": queue, "body": one.body} for one, queue in rows]


@router.put("/wordings", status_code=204)
async def word(tx: Tx, who: Auditor, wanted: WordingIn) -> None:
    """Say it in the agency's own words, or with an empty body in the product's again."""
    place = {
        "agency_id": who.scope.agency_id, "queue_id": await _queue(tx, who, wanted), "language": wanted.language,
        "key": wanted.key,
    }  # fmt: skip
    body = own_words.check(wanted.key, wanted.body)
    if body:
        saying = insert(Wording).values(**place, body=body)
        same = ["agency_id", "queue_id", "language", "key"]
        await tx.execute(saying.on_conflict_do_update(index_elements=same, set_={"body": body}))
    else:
        await tx.execute(delete(Wording).where(*(_same(name, value) for name, value in place.items())))
    actor = events.Actor("staff", who.staff.id)
    await events.record_beside(
        tx, "wording.changed", who.scope.agency_id, actor, key=wanted.key, language=wanted.language, queue=wanted.queue,
        after=body,
    )  # fmt: skip
    after_commit(tx, own_words.forget)


def _same(name: str, value: Any) -> Any:
    column = getattr(Wording, name)
    return column.is_(None) if value is None else column == value


async def _queue(tx: AsyncSession, who: Person, wanted: WordingIn) -> int | None:
    agency = (await open_book(tx)).agencies[who.scope.agency_id]
    if wanted.language not in agency.row.languages:
        raise Refused("The agency does not speak this language.", slug="language")
    if wanted.queue is None:
        return None
    found = next((queue.id for queue in agency.queues.values() if queue.row.slug == wanted.queue), None)
    if found is None:
        raise NotFound("There is no such queue.")
    return found
