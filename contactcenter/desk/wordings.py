"""The agency's own words for what the desk says: of a queue, else of the agency, else ours."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from string import Formatter
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from contactcenter.db import Database
from contactcenter.desk import texts, tickets
from contactcenter.errors import Refused
from contactcenter.models import Staff, Ticket, Wording

KEEP_S = 3.0
SIGNATURE = "signature"
SIGNED_WITH = ("staff", "name", "agency", "queue")
_DEFAULT_SIGNATURE = "{staff}\n{agency}, {queue}"
MAX_WORDING = 2000


@dataclass(frozen=True)
class _Kept:
    bodies: Mapping[tuple[int, int | None, str, str], str]
    read_at: float = field(default_factory=time.monotonic)


_kept: WeakKeyDictionary[Database, _Kept] = WeakKeyDictionary()


async def say(tx: AsyncSession, agency_id: int, queue_id: int | None, language: str, key: str, **values: Any) -> str:
    """A text of the desk in the agency's words, with its values filled in."""
    own = await _own(tx, agency_id, queue_id, language, key)
    return _fill(own, values) if own is not None else texts.say(language, key, **values)


async def signature(tx: AsyncSession, ticket: Ticket, staff: Staff | None) -> str:
    """What stands below an answer of staff; empty where the agency wants none, or nobody wrote."""
    if staff is None:
        return ""
    agency, queue = await tickets.entries(tx, ticket)
    body = await _own(tx, ticket.agency_id, ticket.queue_id, ticket.language, SIGNATURE)
    values = {"staff": staff.name, "name": staff.name, "agency": agency.row.name, "queue": queue.row.name}
    return _fill(_DEFAULT_SIGNATURE if body is None else body, values)


async def _own(tx: AsyncSession, agency_id: int, queue_id: int | None, language: str, key: str) -> str | None:
    bodies = (await _open(tx)).bodies
    mine = bodies.get((agency_id, queue_id, language, key))
    return mine if mine is not None else bodies.get((agency_id, None, language, key))


async def _open(tx: AsyncSession) -> _Kept:
    """All wordings, at most three seconds old: the doors ask for every message."""
    database = tx.info["database"]
    kept = _kept.get(database)
    if kept is None or time.monotonic() - kept.read_at > KEEP_S:
        rows = await tx.execute(
            select(Wording.agency_id, Wording.queue_id, Wording.language, Wording.key, Wording.body)
        )
        kept = _kept[database] = _Kept({(row[0], row[1], row[2], row[3]): row[4] for row in rows})
    return kept


def forget() -> None:
    """Read afresh next time (after a change in this process)."""
    _kept.clear()


def _fill(body: str, values: Mapping[str, Any]) -> str:
    """Plain names only: what an agency wrote must not reach into our objects, as ``str.format`` would let it."""
    return re.sub(r"\{(\w+)\}", lambda name: str(values.get(name[1], name[0])), body).strip()


def keys() -> list[str]:
    """What an agency may put into its own words."""
    return sorted([SIGNATURE, *(key for key, body in texts.catalogue("en").items() if isinstance(body, str))])


def check(key: str, body: str) -> str:
    """The wording as it may be stored. Refused with a sentence: unknown key, too long, or a name that we cannot fill in."""
    if key not in keys():
        raise Refused("There is no such text.", slug="unknown-wording")
    if len(body) > MAX_WORDING:
        raise Refused("The text is too long.", slug="too-long", limit=MAX_WORDING, count=len(body))
    allowed = set(SIGNED_WITH) if key == SIGNATURE else _names(str(texts.catalogue("en")[key]))
    unknown = _names(body) - allowed
    if unknown:
        raise Refused(
            f"These names mean nothing here: {', '.join(sorted(unknown))}.", slug="unknown-name", names=sorted(unknown)
        )
    return body.strip()


def _names(body: str) -> set[str]:
    try:
        return {name for _, name, _, _ in Formatter().parse(body) if name is not None}
    except ValueError as error:
        raise Refused("A brace in the text has no partner.", slug="braces") from error
