"""How satisfied people are: asked once after an end, answered by one number, with words that are never lost."""

from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from channels.base import Inbound
from contactcenter import events
from contactcenter.desk import consents, lines, notices, standing, tickets
from contactcenter.desk.filing import Sender
from contactcenter.desk.kit import Kit
from contactcenter.desk.standing import Rated, Standing
from contactcenter.desk.texts import plain_words
from contactcenter.models import Endpoint, Inbox, Survey

ASKED_AFTER, NEVER_AFTER = timedelta(hours=1), timedelta(hours=24)
ONCE_IN = timedelta(days=30)
UNHAPPY = 2
MARK = "survey"
NOT_AFTER = ("spam", "duplicate", "no_reply")
"""Reasons of a closure after which there is nothing to be satisfied with."""

DUE = """
    SELECT t.id FROM ticket t WHERE t.status = 'closed' AND t.channel = ANY(:channels) AND t.closed_at <= :ended
      AND t.closed_at > :too_old AND t.id IN (SELECT e.ticket_id FROM event e WHERE e.agency_id IN (SELECT id FROM agency)
        AND e.type = 'ticket.closed' AND e.at > :too_old - interval '3 days')
      AND EXISTS (SELECT 1 FROM closure c WHERE c.ticket_id = t.id AND c.undone_at IS NULL AND c.reason <> ALL(:not_after))
      AND NOT EXISTS (SELECT 1 FROM survey s JOIN endpoint e ON e.id = s.endpoint_id WHERE e.contact_id = t.contact_id
        AND s.asked_at > :once_since)
      AND NOT EXISTS (SELECT 1 FROM survey s WHERE s.ticket_id = t.id)
      AND NOT EXISTS (SELECT 1 FROM ticket o JOIN question q ON q.ticket_id = o.id WHERE o.endpoint_id = t.endpoint_id
        AND q.answered_at IS NULL)
"""
"""Tickets that ended an hour ago, of people who were not asked lately and whom we ask nothing else now. The log of events has an
index by time; the tickets have none."""


def due_values(kit: Kit) -> dict[str, object]:
    now = kit.now()
    channels = [name for name, channel in kit.channels.items() if channel.capabilities.commands]
    return {"channels": channels, "ended": now - ASKED_AFTER, "too_old": now - NEVER_AFTER, "once_since": now - ONCE_IN,
            "not_after": list(NOT_AFTER)}  # fmt: skip


async def ask(tx: AsyncSession, kit: Kit, ticket_id: int) -> bool:
    """Ask who wrote a closed ticket how satisfied they are; False where they may not be written to now."""
    ticket = await tickets.lock(tx, ticket_id)
    endpoint = await tx.get_one(Endpoint, ticket.endpoint_id)
    barred = await consents.why_not(tx, endpoint, automatic=True, proactive=True, kit=kit)
    if ticket.status != "closed" or barred is not None or ticket.quiet_since is not None:
        return False
    agency, _queue = await tickets.entries(tx, ticket)
    question = await notices.words(tx, ticket, "survey", agency=agency.row.name, ref=ticket.reference)
    if await notices.write(tx, kit, ticket, question, "survey", mark=MARK, proactive=True) is None:
        return False
    tx.add(Survey(ticket_id=ticket.id, endpoint_id=endpoint.id, asked_at=kit.now()))
    await tx.flush()
    await lines.add(tx, ticket, "survey_asked", visibility="internal")
    await events.record(tx, "survey.asked", ticket.id, events.DESK)
    return True


async def hear(
    tx: AsyncSession, kit: Kit, box: Inbox, inbound: Inbound, sender: Sender, known: Standing, raw_id: int | None,
    score: int | None,
) -> bool:  # fmt: skip
    """Take a score, or the words that follow one. False: it is a message like any other (words of a comment are one too)."""
    survey = known.survey
    if survey is None:
        return False
    if score is not None:
        if not await _open(tx, kit, box, known, survey):
            return False
        await _rate(tx, kit, box, inbound, sender, raw_id, survey, score)
        return True
    if not comments(known, box, kit):
        return False
    return await _comment(tx, kit, box, inbound, sender, raw_id, survey)


async def _open(tx: AsyncSession, kit: Kit, box: Inbox, known: Standing, survey: Rated) -> bool:
    """A number is a score for a week, unless an agent has asked for a number since."""
    if kit.now() - survey.asked_at > standing.SURVEY_OPEN:
        return False
    talking = [one.id for one in known.open_here(box)]
    return not talking or not await tx.scalar(_SAID_SINCE, {"tickets": talking, "since": survey.asked_at})


_SAID_SINCE = text(
    "SELECT EXISTS (SELECT 1 FROM message WHERE ticket_id = ANY(:tickets) AND direction = 'out' AND author_kind = 'staff' "
    "AND created_at > :since)"
)


async def _rate(
    tx: AsyncSession, kit: Kit, box: Inbox, inbound: Inbound, sender: Sender, raw_id: int | None, survey: Rated, score: int
) -> None:  # fmt: skip
    await notices.keep(tx, kit, box, raw_id, inbound, sender, survey.ticket_id)
    await tx.execute(
        text("UPDATE survey SET score = :score, answered_at = :now WHERE id = :id"),
        {"id": survey.id, "score": score, "now": kit.now()},
    )
    ticket = await tickets.lock(tx, survey.ticket_id)
    actor = events.Actor("citizen", sender.contact_id)
    await lines.add(tx, ticket, "survey_score", visibility="internal", actor=actor, score=score)
    await events.record(tx, "survey.answered", ticket.id, actor, before=survey.score, score=score)
    if survey.score is None:
        key = "survey_sorry" if score <= UNHAPPY else "survey_thanks"
        thanks = await notices.words(tx, ticket, key, ref=ticket.reference)
        await notices.write(tx, kit, ticket, thanks, key, mark=MARK)


def comments(known: Standing, box: Inbox, kit: Kit) -> bool:
    """Whether words are the comment on a score just given: the first within a day, with no other matter they could be about."""
    survey = known.survey
    if survey is None or survey.answered_at is None or survey.comment:
        return False
    return kit.now() - survey.answered_at <= standing.COMMENT_OPEN and not known.open_here(box)


async def _comment(
    tx: AsyncSession, kit: Kit, box: Inbox, inbound: Inbound, sender: Sender, raw_id: int | None, survey: Rated
) -> bool:  # fmt: skip
    """Kept with the score, and a message all the same: words after an end reopen it. Bare thanks do not."""
    await tx.execute(
        text("UPDATE survey SET comment = :comment WHERE id = :id"), {"id": survey.id, "comment": inbound.text[:1200]}
    )
    thanks = set(plain_words(inbound.text)) <= _THANKS and not (inbound.files or inbound.media)
    if thanks and (survey.score or 0) > UNHAPPY:
        await notices.keep(tx, kit, box, raw_id, inbound, sender, survey.ticket_id)
    ticket = await tickets.lock(tx, survey.ticket_id)
    actor = events.Actor("citizen", sender.contact_id)
    await lines.add(tx, ticket, "survey_comment", visibility="internal", actor=actor, text=inbound.text[:200])
    return thanks and (survey.score or 0) > UNHAPPY


_THANKS = frozenset(plain_words("thank thanks you so very much many ok okay great good gracias muchas muy amable bien"))
