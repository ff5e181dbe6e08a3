"""How a person stands with us when a text comes in: their matters, what we asked them, what they may still rate. One question
to the database where a text could mean several things; none for a stranger, or a person with one open matter."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from contactcenter.desk.filing import Sender, Statement
from contactcenter.models import Inbox
from contactcenter.models.tickets import OPEN

SURVEY_OPEN = timedelta(days=7)
COMMENT_OPEN = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Matter:
    """An open ticket of the address, or one closed so recently that a message contests the closure."""

    id: int
    reference: str
    subject: str
    queue_id: int
    inbox_id: int
    language: str
    open: bool
    created_at: datetime
    maybe_why: str | None
    words: str | None
    """How their first message from this address begins."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The last question of which matter is meant."""

    id: int
    ticket_id: int
    choices: tuple[dict[str, Any], ...]
    asked_at: datetime
    expires_at: datetime
    open: bool
    outcome: str | None


@dataclass(frozen=True, slots=True)
class Rated:
    """The last survey: asked, and perhaps answered."""

    id: int
    ticket_id: int
    asked_at: datetime
    answered_at: datetime | None
    score: int | None
    comment: str


@dataclass(frozen=True, slots=True)
class Standing:
    matters: tuple[Matter, ...]
    question: Asked | None
    survey: Rated | None

    def open_here(self, box: Inbox) -> list[Matter]:
        """Open matters at this address of ours, the oldest first, without the one that waits for an answer to our question."""
        waiting = self.question.ticket_id if self.question is not None and self.question.open else None
        return [one for one in self.matters if one.open and one.inbox_id == box.id and one.id != waiting]

    def closed_here(self, box: Inbox) -> list[Matter]:
        return [one for one in self.matters if not one.open and one.inbox_id == box.id]


_ASK = Statement(
    f"""
    SELECT
      (SELECT json_agg(x ORDER BY x.id) FROM (SELECT t.id, t.reference, t.subject, t.queue_id, t.inbox_id, t.language,
         ({OPEN}) AS open, t.created_at, t.maybe_why, (SELECT left(m.body_text, 80) FROM message m WHERE m.ticket_id = t.id
         AND m.author_endpoint_id = :endpoint AND m.direction = 'in' AND m.visibility = 'public' ORDER BY m.seq LIMIT 1) AS words
         FROM ticket t WHERE t.endpoint_id = :endpoint AND ({OPEN} OR
         (t.status = 'closed' AND t.closed_at > CAST(:now AS timestamptz) - make_interval(days =>
         (SELECT q.reopen_days FROM queue q WHERE q.id = t.queue_id)::int))) ORDER BY t.id DESC LIMIT 30) x) AS matters,
      (SELECT to_json(x) FROM (SELECT q.id, q.ticket_id, q.choices, q.asked_at, q.expires_at, q.answered_at IS NULL AS open,
         q.outcome FROM ticket t JOIN question q ON q.ticket_id = t.id WHERE t.endpoint_id = :endpoint AND q.inbox_id = :inbox
         ORDER BY q.id DESC LIMIT 1) x) AS question,
      (SELECT to_json(x) FROM (SELECT s.id, s.ticket_id, s.asked_at, s.answered_at, s.score, s.comment FROM survey s
         WHERE s.endpoint_id = :endpoint AND s.asked_at > :since ORDER BY s.id DESC LIMIT 1) x) AS survey
    """  # noqa: S608 - constants
)


def simple(sender: Sender) -> bool:
    """One open matter and nothing that we asked: there is nothing to find out about their text."""
    return sender.open_count == 1 and sender.own_ticket is not None and sender.question is None


async def of(tx: AsyncSession, box: Inbox, sender: Sender, text_id: str, now: datetime) -> Standing:
    """Asked once for each text (``text_id``) of a person whose lock is held."""
    key = (box.id, sender.endpoint_id, text_id)
    kept = tx.info.get("standing")
    if kept is None or kept[0] != key:
        since = now - SURVEY_OPEN - COMMENT_OPEN
        row = await _ASK.row(tx, {"endpoint": sender.endpoint_id, "inbox": box.id, "now": now, "since": since})
        kept = tx.info["standing"] = (key, _read(row))
    standing: Standing = kept[1]
    return standing


def _read(row: Any) -> Standing:
    question, survey = _shape(row["question"]), _shape(row["survey"])
    if question:
        question["choices"] = tuple(question["choices"])
    matters = tuple(Matter(**_dated(one)) for one in _shape(row["matters"]) or ())
    return Standing(
        matters, Asked(**_dated(question)) if question else None, Rated(**_dated(survey)) if survey else None
    )


def _shape(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def _dated(row: dict[str, Any]) -> dict[str, Any]:
    """JSON knows no times: what ends in ``_at`` becomes one."""
    return {
        name: datetime.fromisoformat(value) if name.endswith("_at") and isinstance(value, str) else value
        for name, value in row.items()
    }
