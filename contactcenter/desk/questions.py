"""Which of several open matters a text belongs to: the person is asked once, and never guessed for."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from channels.base import Inbound
from contactcenter import events
from contactcenter.desk import (
    consents,
    lines,
    moving,
    notices,
    opening,
    promises,
    standing,
    states,
    surveys,
    tickets,
    wordings,
)
from contactcenter.desk.book import AgencyEntry, open_book
from contactcenter.desk.filing import Sender
from contactcenter.desk.kit import Kit
from contactcenter.desk.labels import chosen, labels_of
from contactcenter.desk.references import read_reference
from contactcenter.desk.standing import Asked, Matter, Standing
from contactcenter.desk.texts import guess_language, say
from contactcenter.desk.threading import NEW, Match
from contactcenter.models import Endpoint, Inbox, Message, Question, Ticket

TIME = timedelta(minutes=10)
"""How long we wait for the answer before an agent decides."""
PAUSE = timedelta(minutes=30)
LATE = timedelta(hours=24)
"""So long an answer after its time is still understood, and told to the agent."""
MOST = 8


async def which(
    tx: AsyncSession, kit: Kit, box: Inbox, inbound: Inbound, sender: Sender, *, raw_id: int | None = None
) -> Match | Literal["asked"] | None:
    """Where the text of a known person belongs; *asked* when it was dealt with here; None: nothing to say, thread as ever.

    No open matter at this address of ours: a new one, or the one just closed. One: that. Several: the person is asked, and the
    text waits on a ticket of its own.
    """
    if (
        not kit.channels[box.channel].capabilities.commands
        or inbound.automation != "none"
        or sender.endpoint_id is None
    ):
        return None
    if standing.simple(sender):
        return None
    known = await standing.of(tx, box, sender, inbound.external_id, kit.now())
    asked = known.question
    if asked is not None and asked.open:
        if asked.expires_at > kit.now():
            return await _hear(tx, kit, box, inbound, sender, raw_id, known, asked)
        await time_out(tx, kit, asked.id)
        known = await standing.of(tx, box, sender, f"{inbound.external_id}\nafterwards", kit.now())
    return await _place(tx, kit, box, inbound, sender, raw_id, known)


def answers(known: Standing, words: str, now: datetime) -> bool:
    """Whether a text is an answer to a question that still stands; then it is nothing else."""
    asked = known.question
    return asked is not None and asked.open and asked.expires_at > now and chosen(words, asked.choices) is not None


# --- the answer -----------------------------------------------------------------------------------------------------------


async def _hear(
    tx: AsyncSession, kit: Kit, box: Inbox, inbound: Inbound, sender: Sender, raw_id: int | None, known: Standing, asked: Asked
) -> Match | Literal["asked"]:  # fmt: skip
    """While a question stands: the answer settles it; any other text joins what waits."""
    choice = chosen(inbound.text, asked.choices)
    if choice is None:
        named = _named_in(inbound.text, known.open_here(box))
        return Match("append", named.id if named else asked.ticket_id)
    if choice["ticket"] is None:
        await notices.keep(tx, kit, box, raw_id, inbound, sender, asked.ticket_id)
        await _is_new(tx, kit, asked)
        return "asked"
    target = await moving.move(tx, kit, None, None, await _waiting(tx, asked.ticket_id), int(choice["ticket"]))
    await _close(tx, asked, "chosen", choice)
    await tx.flush()
    await notices.keep(tx, kit, box, raw_id, inbound, sender, target.id)
    target = await tickets.lock(tx, target.id)
    added = await notices.words(tx, target, "added", ref=target.reference)
    await notices.write(tx, kit, target, added, "added")
    return "asked"


async def _waiting(tx: AsyncSession, holder_id: int) -> list[Any]:
    """What the person wrote while we asked."""
    query = select(Message.id).where(
        Message.ticket_id == holder_id, Message.direction == "in", Message.kind == "message"
    )
    return list(await tx.scalars(query.order_by(Message.seq)))


async def _is_new(tx: AsyncSession, kit: Kit, asked: Asked) -> None:
    """Something new after all: it enters its queue as any new matter does, and is acknowledged."""
    await let_in(tx, asked.id, asked.ticket_id, "new", "new_matter", kit.now())
    ticket = await tickets.lock(tx, asked.ticket_id)
    agency, _queue = await tickets.entries(tx, ticket)
    expect = await states.give_date(tx, ticket, kit.now())
    words = await notices.words(tx, ticket, "ack", agency=agency.row.name, ref=ticket.reference, expect=expect)
    await notices.write(tx, kit, ticket, words, "acknowledged")


async def let_in(
    tx: AsyncSession, question_id: int, holder_id: int, outcome: str, why: str, now: datetime
) -> Ticket | None:
    """End a question without a choice: what waited for it enters its queue (or waits until that opens). None where it had ended
    already. Lock order everywhere: ticket, then question."""
    ticket = await tickets.lock(tx, holder_id)
    ended = await tx.scalar(
        text(
            "UPDATE question SET answered_at = :now, outcome = :outcome WHERE id = :id AND answered_at IS NULL RETURNING id"
        ),
        {"id": question_id, "outcome": outcome, "now": now},
    )
    if ended is None:
        return None
    if ticket.status == "held":
        _agency, queue = await tickets.entries(tx, ticket)
        ticket.due_at = promises.expected_by(queue, now)
        ticket.next_action_at = ticket.due_at or now + timedelta(days=1)
        await tickets.into_queue(tx, ticket, now, why)
    await events.record(tx, "question.answered", ticket.id, events.DESK, question=question_id, outcome=outcome)
    return ticket


async def _close(tx: AsyncSession, asked: Asked, outcome: str, choice: dict[str, Any]) -> None:
    await tx.execute(
        text("UPDATE question SET answered_at = clock_timestamp(), outcome = :outcome WHERE id = :id"),
        {"id": asked.id, "outcome": outcome},
    )
    await events.record(
        tx, "question.answered", asked.ticket_id, events.DESK, question=asked.id, outcome=outcome, ref=choice["ref"]
    )


async def time_out(tx: AsyncSession, kit: Kit, question_id: int) -> None:
    """Nobody answered in time: an agent decides. Harmless when it was answered meanwhile."""
    holder_id = await tx.scalar(select(Question.ticket_id).where(Question.id == question_id))
    assert holder_id is not None
    ticket = await let_in(tx, question_id, holder_id, "late", "which_matter_unanswered", kit.now())
    if ticket is not None:
        await lines.add(tx, ticket, "which_matter_unanswered", visibility="internal")


# --- no question stands ---------------------------------------------------------------------------------------------------


async def _place(
    tx: AsyncSession, kit: Kit, box: Inbox, inbound: Inbound, sender: Sender, raw_id: int | None, known: Standing
) -> Match | Literal["asked"] | None:  # fmt: skip
    here, closed = known.open_here(box), known.closed_here(box)
    if known.survey is not None and surveys.comments(known, box, kit):
        rated = known.survey.ticket_id
        return Match("append" if rated in {one.id for one in closed} else "linked", rated)
    named = _named_in(inbound.text, [*here, *closed])
    if named is not None:
        return Match("append", named.id)
    if await _late(tx, kit, box, inbound, sender, raw_id, known):
        return "asked"
    if len(here) > 1:
        return await _several(tx, kit, box, inbound, sender, raw_id, known, here)
    only = here or (closed if len(closed) == 1 else [])
    if only:
        return Match("append", only[0].id)
    return NEW if sender.own_ticket is not None else None


def _named_in(words: str, matters: Sequence[Matter]) -> Matter | None:
    """The one of these matters whose reference stands in a text."""
    tokens = words.split()
    written = {
        read_reference(" ".join(tokens[at : at + size])) for size in (1, 2, 3) for at in range(min(len(tokens), 60))
    }
    found = [one for one in matters if one.reference in written]
    return found[0] if len(found) == 1 else None


async def _late(
    tx: AsyncSession, kit: Kit, box: Inbox, inbound: Inbound, sender: Sender, raw_id: int | None, known: Standing
) -> bool:  # fmt: skip
    """An answer after its time stands where the question was, in words that the agent reads; the agent moves it, or not."""
    asked = known.question
    if asked is None or asked.outcome != "late" or asked.asked_at < kit.now() - LATE:
        return False
    choice = chosen(inbound.text, asked.choices)
    if choice is None or asked.ticket_id not in {one.id for one in known.open_here(box)}:
        return False
    await notices.keep(tx, kit, box, raw_id, inbound, sender, asked.ticket_id)
    ticket = await tickets.lock(tx, asked.ticket_id)
    await lines.add(tx, ticket, "which_matter_late", visibility="internal", ref=choice["ref"], label=choice["label"])
    if choice["ticket"] is not None:
        ticket.maybe_id, ticket.maybe_why = choice["ticket"], "answered_late"
    ticket.next_action_at = kit.now()
    await tx.flush()
    return True


async def _several(
    tx: AsyncSession, kit: Kit, box: Inbox, inbound: Inbound, sender: Sender, raw_id: int | None, known: Standing,
    here: Sequence[Matter],
) -> Match | Literal["asked"]:  # fmt: skip
    """Ask, unless we did so a moment ago or may not write: then an agent decides, on one ticket for all that comes meanwhile."""
    since = kit.now() - PAUSE
    undecided = [one for one in here if one.maybe_why == "several_open" and one.created_at > since]
    if known.question is not None and known.question.asked_at > since:
        undecided += [one for one in here if one.id == known.question.ticket_id and known.question.outcome == "late"]
    if undecided:
        return Match("append", undecided[-1].id)
    recently = known.question is not None and known.question.asked_at > since
    endpoint = await tx.get_one(Endpoint, sender.endpoint_id)
    if recently or await consents.why_not(tx, endpoint, automatic=True, kit=kit) is not None:
        return Match("new", maybe=here[-1].id, why="several_open")
    await _ask(tx, kit, box, inbound, sender, raw_id, here)
    return "asked"


async def _ask(
    tx: AsyncSession, kit: Kit, box: Inbox, inbound: Inbound, sender: Sender, raw_id: int | None, here: Sequence[Matter]
) -> None:  # fmt: skip
    """The text waits on a ticket of its own, in sight of everybody, and one question leaves in the person's language."""
    agency = (await open_book(tx)).agencies[box.agency_id]
    now = kit.now()
    language = guess_language(inbound.text, [str(code) for code in agency.row.languages], here[-1].language)
    choices = _choices(agency, here[-MOST:], language)
    listed = ", ".join(_spoken(one, language) for one in choices)
    words = await wordings.say(tx, box.agency_id, box.queue_id, language, "which_matter", choices=listed)
    holder = await opening.hold(tx, kit, box, raw_id, inbound, sender, language, words, now + TIME)
    tx.add(
        Question(
            endpoint_id=sender.endpoint_id, inbox_id=box.id, ticket_id=holder, choices=choices, asked_at=now, expires_at=now + TIME
        )
    )  # fmt: skip
    await tx.flush()
    ticket = await tickets.lock(tx, holder)
    await lines.add(tx, ticket, "which_matter", visibility="internal", choices=choices)
    await events.record(tx, "question.asked", holder, events.DESK, choices=choices)


def _choices(agency: AgencyEntry, here: Sequence[Matter], language: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = [
        {"number": number, "ticket": one.id, "ref": one.reference, "label": label}
        for number, (one, label) in enumerate(zip(here, labels_of(agency, here, language), strict=True), start=1)
    ]
    new = {"number": len(listed) + 1, "ticket": None, "ref": None, "label": say(language, "choice_new")}
    return [*listed, new]


def _spoken(choice: dict[str, Any], language: str) -> str:
    """ "1 Streets, water, waste (92TX)": the end of the reference tells apart what is called the same."""
    label = choice["label"] if choice["ref"] is None else f"{choice['label']} ({choice['ref'][-4:]})"
    return say(language, "choice", number=choice["number"], label=label)
