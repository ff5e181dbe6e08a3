"""To which ticket a message belongs. A hint is a proposal; whoever is no participant is never merged and gets no history."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncSession

from channels import base
from channels.base import Inbound
from contactcenter.desk.filing import Sender, Statement
from contactcenter.desk.references import read_reference, read_reply_token

MAX_REFERENCES = 30
VALID_FOR = timedelta(days=90)
"""How long after its closure a ticket can still be reached by reply address or message id."""


@dataclass(frozen=True, slots=True)
class Match:
    """``how``: *append*; *held* (a stranger holds a valid token: an agent decides); *linked* (a stranger's forward: a new
    ticket that points to ``ticket_id``); *new*; *seen* (the same mail came to this ticket by another inbox of ours).

    ``maybe``: for a new ticket, the one it may belong to, and ``why``: *subject_tag* or *like_subject*.
    """

    how: Literal["append", "held", "linked", "new", "seen"]
    ticket_id: int | None = None
    maybe: int | None = None
    why: str = ""


NEW = Match("new")

# Rank 0: a reply address of ours; 1: an id that we gave, or that a relay put in its place; 2: an id of somebody's earlier mail.
_LED_TO = Statement(
    """
    WITH led AS (
      SELECT CAST(:token AS bigint) AS ticket_id, 0 AS rank, NULL AS id WHERE CAST(:token AS bigint) IS NOT NULL
      UNION ALL
      SELECT m.ticket_id, CASE m.direction WHEN 'out' THEN 1 ELSE 2 END, m.external_id FROM message m
        WHERE m.external_id = ANY(CAST(:references AS text[]))
      UNION ALL
      SELECT m.ticket_id, 1, m.remote_id FROM message m WHERE m.remote_id = ANY(CAST(:references AS text[])))
    SELECT t.id, led.rank, t.contact_id, t.endpoint_id, p.role,
      EXISTS (SELECT 1 FROM message s WHERE s.ticket_id = t.id AND s.direction = 'in' AND s.external_id = :external_id
        AND s.content_digest = :digest) AS seen
    FROM led JOIN ticket t ON t.id = led.ticket_id AND t.agency_id = :agency
      LEFT JOIN participant p ON p.ticket_id = t.id AND p.endpoint_id = CAST(:endpoint AS bigint)
    WHERE t.status <> 'cancelled' AND (t.closed_at IS NULL OR t.closed_at > :valid_from)
    ORDER BY led.rank, array_position(CAST(:references AS text[]), led.id), t.id DESC LIMIT 1
    """
)

_ALIKE = Statement(
    """
    SELECT t.id, t.reference, t.subject FROM ticket t WHERE t.agency_id = :agency AND t.reference = ANY(CAST(:tags AS text[]))
    UNION ALL
    (SELECT t.id, t.reference, t.subject FROM ticket t WHERE t.endpoint_id = CAST(:endpoint AS bigint)
      AND t.status <> 'cancelled' AND (t.closed_at IS NULL OR t.closed_at > :valid_from) ORDER BY t.id DESC LIMIT 20)
    """
)


async def match(
    tx: AsyncSession,
    channel: base.Channel,
    agency_id: int,
    inbound: Inbound,
    sender: Sender,
    *,
    secret: bytes,
    now: datetime,
) -> Match:
    """The first of: reply token, our message ids, ids of the person's earlier mails, the endpoint's own matter.

    On a channel with threads of its own a message without one is a new matter; a reference or a like subject only says where it
    may belong. A sender that failed authentication is never a participant.
    """
    led = await _led_to(tx, agency_id, inbound, sender, secret, now)
    if led is not None:
        return led
    if not channel.capabilities.subjects:
        return NEW if sender.own_ticket is None else Match("append", sender.own_ticket)
    return await _alike(tx, channel, agency_id, inbound, sender, now)


async def _led_to(
    tx: AsyncSession, agency_id: int, inbound: Inbound, sender: Sender, secret: bytes, now: datetime
) -> Match | None:
    token = read_reply_token(secret, inbound.hints.reply_token) if inbound.hints.reply_token else None
    references = inbound.hints.references[:MAX_REFERENCES]
    if token is None and not references:
        return None
    row = await _LED_TO.row(
        tx,
        {"token": token[0] if token else None, "references": list(references), "agency": agency_id,
         "endpoint": sender.endpoint_id, "valid_from": now - VALID_FOR, "external_id": inbound.external_id,
         "digest": inbound.digest},
    )  # fmt: skip
    if row is None:
        return None
    if row["seen"]:
        return Match("seen", row["id"])
    return Match(_way_in(row, inbound, sender, token), row["id"])


def _way_in(
    row: Any, inbound: Inbound, sender: Sender, token: tuple[int, int] | None
) -> Literal["append", "held", "linked"]:
    """Participants are added to; a stranger is held where they hold a reply address of ours, or an agent has them held already."""
    by_token = row["rank"] == 0
    known = sender.endpoint_id is not None and (
        row["role"] in ("requester", "cc")
        or sender.contact_id == row["contact_id"]
        or sender.endpoint_id == row["endpoint_id"]
        or (by_token and token is not None and token[1] == sender.endpoint_id and row["role"] != "held")
    )
    if known and inbound.auth != "fail":
        return "append"
    return "held" if by_token or row["role"] == "held" else "linked"


async def _alike(
    tx: AsyncSession, channel: base.Channel, agency_id: int, inbound: Inbound, sender: Sender, now: datetime
) -> Match:
    """A subject proves nothing: where a mail may belong is shown to the agent, and joins nothing."""
    tags, subject = references_in(inbound.subject), bare(channel, inbound.subject)
    if not tags and (sender.endpoint_id is None or not subject):
        return NEW
    found = await _ALIKE.rows(
        tx, {"agency": agency_id, "tags": tags, "endpoint": sender.endpoint_id, "valid_from": now - VALID_FOR}
    )
    for row in found:
        if row["reference"] in tags:
            return Match("new", maybe=row["id"], why="subject_tag")
    for row in found:
        if subject and bare(channel, row["subject"]) == subject:
            return Match("new", maybe=row["id"], why="like_subject")
    return NEW


# --- subjects -------------------------------------------------------------------------------------------------------------

_TAG = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{1,6}-[0-9A-Za-z]{4}-[0-9A-Za-z]{4}(?![A-Za-z0-9])")
LONGEST = 1000


def bare(channel: base.Channel, subject: str) -> str:
    """The subject without what programs put before it and without our own reference, to be compared with another."""
    words = channel.bare_subject(_TAG.sub("", subject[:LONGEST])).replace("[]", " ").replace("()", " ")
    return " ".join(words.split()).casefold()


def references_in(subject: str) -> list[str]:
    """References of ours that stand in a subject, as we print them."""
    found = (read_reference(one) for one in _TAG.findall(subject[:LONGEST]))
    return list(dict.fromkeys(one for one in found if one))[:5]
