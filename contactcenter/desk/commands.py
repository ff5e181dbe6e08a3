"""Short texts that the desk answers by itself: STATUS, a language, a person, HELP, a reference. Prose is always a message."""

import re
from dataclasses import dataclass, replace
from typing import Literal

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from channels.base import Inbound
from contactcenter import events
from contactcenter.desk import (
    lines,
    notices,
    opening,
    questions,
    reopening,
    standing,
    states,
    surveys,
    tickets,
    wordings,
)
from contactcenter.desk.book import AgencyEntry, open_book
from contactcenter.desk.filing import Sender
from contactcenter.desk.kit import Kit
from contactcenter.desk.labels import labels_of
from contactcenter.desk.references import read_reference
from contactcenter.desk.standing import Matter, Standing
from contactcenter.desk.texts import plain_words, say
from contactcenter.models import Contact, Inbox, Ticket

MAX_TEXT = 60
MAX_WORDS = 8
ANSWERS_AN_HOUR = 10
"""Automatic answers to one address within an hour; more is a machine, or a child with a phone."""
MARK = "command"

# Never CANCEL, END, QUIT or STOP: providers and people mean something else by them.
STATUS, HELP, PERSON = (
    {"status", "estado", "estatus"},
    {"help", "info", "ayuda"},
    {"agent", "agente", "person", "persona"},
)
LANGUAGE = {"lang", "language", "idioma"}
LANGUAGES = {"es": "es", "espanol": "es", "spanish": "es", "en": "en", "english": "en", "ingles": "en"}
POLITE = (["por", "favor"], ["thank", "you"], ["please"], ["pls"], ["thanks"], ["thx"], ["gracias"])
_REFERENCE = r"([A-Za-z]{1,6})[\s-]*([0-9A-Za-z]{4})[\s-]*([0-9A-Za-z]{4})"
_ALONE = re.compile(rf"\W*{_REFERENCE}\W*")
_STATUS_OF = re.compile(rf"\W*(?:{'|'.join(sorted(STATUS))})\W+{_REFERENCE}\W*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Command:
    """``value``: the reference asked about (it may be anybody's or nobody's), a language, or a score."""

    word: Literal["status", "help", "person", "language", "score"]
    value: str = ""


def read(words: str, prefix: str) -> Command | None:
    """What a text orders, None for prose. ``prefix``: of the agency's references."""
    if len(words) > MAX_TEXT or words.count(" ") >= MAX_WORDS:  # nearly all texts: told without reading them
        return None
    reference = _reference(words, prefix)
    if reference:
        return Command("status", reference)
    match without_politeness(plain_words(words)):
        case [word] if word in STATUS:
            return Command("status")
        case [word] if word in HELP:
            return Command("help")
        case [word] if word in PERSON:
            return Command("person")
        case [word] if word in ("1", "2", "3", "4", "5"):
            return Command("score", word)
        case [word, language] if word in LANGUAGE and language in LANGUAGES:
            return Command("language", LANGUAGES[language])
    return None


def without_politeness(words: list[str]) -> list[str]:
    for polite in POLITE:
        if words[-len(polite) :] == polite:
            return without_politeness(words[: -len(polite)])
    return words


def _reference(words: str, prefix: str) -> str | None:
    """A reference alone or after STATUS, as we print it. It needs our prefix, or a digit: "status of yard sale" is prose."""
    polite = re.sub(r"\W*\b(?:please|pls|thanks|thank you|por favor|gracias)\W*$", "", words, flags=re.IGNORECASE)
    found = _STATUS_OF.fullmatch(polite)
    alone = found is None
    found = found or _ALONE.fullmatch(polite)
    if found is None:
        return None
    ours = found[1].upper() == prefix
    digits = any(c.isdigit() for c in found[2] + found[3])
    written = f"{found[1]}-{found[2]}-{found[3]}".upper()
    certain = ours and (digits or read_reference(written) is not None)
    return written if certain or (digits and not alone) else None


# --- doing it -------------------------------------------------------------------------------------------------------------


async def answer(
    tx: AsyncSession, kit: Kit, box: Inbox, inbound: Inbound, sender: Sender, *, raw_id: int | None = None
) -> bool:
    """Do what a short text orders, store it where it belongs, and answer. False: it is a message like any other.

    A stranger's text costs no question to the database, nor that of a person with one open matter; others one.
    """
    if not kit.channels[box.channel].capabilities.commands or inbound.automation != "none":
        return False
    agency = (await open_book(tx)).agencies[box.agency_id]
    bare = not (inbound.files or inbound.media)
    command = read(inbound.text, agency.row.prefix) if bare else None
    if command is not None and command.value in LANGUAGES.values() and command.value not in agency.row.languages:
        command = None
    if sender.endpoint_id is None:
        return command is not None and await _answer_stranger(tx, kit, box, inbound, sender, raw_id, agency, command)
    if command is None and standing.simple(sender):
        return False
    known = await standing.of(tx, box, sender, inbound.external_id, kit.now())
    if questions.answers(known, inbound.text, kit.now()):
        return False
    desk = _Desk(tx, kit, box, inbound, sender, raw_id, agency, known)
    if command is None or command.word == "score":
        return await surveys.hear(tx, kit, box, inbound, sender, known, raw_id, int(command.value) if command else None)
    return await desk.do(command)


async def _answer_stranger(
    tx: AsyncSession, kit: Kit, box: Inbox, inbound: Inbound, sender: Sender, raw_id: int | None, agency: AgencyEntry,
    command: Command,
) -> bool:  # fmt: skip
    """Answered once, on a ticket that is cancelled from its first moment: nobody waits for anything, and the next text of this
    person is a matter of its own."""
    if command.word in ("person", "score"):
        return False
    if command.word == "language":
        inbound = replace(inbound, hints=replace(inbound.hints, language=command.value))

    async def words(language: str) -> str:
        return await _without_matter(tx, kit, box, agency, command, language)

    await opening.answer_only(tx, kit, box, raw_id, inbound, sender, None if inbound.hints.answered else words, MARK)
    return True


async def _without_matter(
    tx: AsyncSession, kit: Kit, box: Inbox, agency: AgencyEntry, command: Command, language: str
) -> str:
    where = (tx, agency.row.id, box.queue_id, language)
    match command.word:
        case "help":
            return await help_text(tx, kit, box, agency, language)
        case "language":
            return await wordings.say(*where, "language_set")
        case _ if command.value:
            return await wordings.say(*where, "status_unknown", agency=agency.row.name)
    return await wordings.say(*where, "status_none", agency=agency.row.name)


async def help_text(tx: AsyncSession, kit: Kit, box: Inbox, agency: AgencyEntry, language: str) -> str:
    """Who we are, the words, and how to stop."""
    where = (tx, agency.row.id, box.queue_id, language)
    others = [code for code in agency.row.languages if code != language]
    other = await wordings.say(*where, "help_language") if others else ""
    stop = await wordings.say(*where, "stop_hint") if kit.channels[box.channel].capabilities.opt_out else ""
    return " ".join(filter(None, (await wordings.say(*where, "help", agency=agency.row.name, other=other), stop)))


@dataclass(frozen=True, slots=True)
class _Desk:
    """One short text of a known person, and all that is needed to answer it."""

    tx: AsyncSession
    kit: Kit
    box: Inbox
    inbound: Inbound
    sender: Sender
    raw_id: int | None
    agency: AgencyEntry
    known: Standing

    async def do(self, command: Command) -> bool:
        if command.word == "person":
            return await self._ask_for_a_person()
        ticket = await self._keep(await self._where(command), command)
        if ticket is None:
            return False
        if command.word == "language":
            await self._speak(ticket, command.value)
        words = await self._words(ticket, command)
        if words and await self._may_answer():
            await notices.write(self.tx, self.kit, ticket, words, command.word, mark=MARK)
        return True

    async def _where(self, command: Command) -> int | None:
        """The ticket that a text concerns: the one it names, the latest open one, the latest of all."""
        own = self._named(command)
        open_here = self.known.open_here(self.box)
        for matters in ([own] if own else [], open_here, self.known.closed_here(self.box)):
            if matters:
                return matters[-1].id
        query = select(Ticket.id).where(Ticket.endpoint_id == self.sender.endpoint_id, Ticket.inbox_id == self.box.id)
        found: int | None = await self.tx.scalar(query.order_by(Ticket.id.desc()).limit(1))
        return found

    def _named(self, command: Command) -> Matter | None:
        if command.word != "status" or not command.value:
            return None
        return next((one for one in self.known.matters if one.reference == command.value), None)

    async def _keep(self, ticket_id: int | None, command: Command) -> Ticket | None:
        """Store the text without waking anybody, and say on the ticket that the desk has answered it."""
        if ticket_id is None:  # an address we know, but not at this one of ours
            return None
        await notices.keep(self.tx, self.kit, self.box, self.raw_id, self.inbound, self.sender, ticket_id)
        ticket = await tickets.lock(self.tx, ticket_id)
        await lines.add(self.tx, ticket, "command", visibility="internal", word=command.word)
        return ticket

    async def _may_answer(self) -> bool:
        if self.inbound.hints.answered:
            return False
        sent = await self.tx.scalar(_ANSWERED, {"endpoint": self.sender.endpoint_id, "mark": MARK})
        return (sent or 0) < ANSWERS_AN_HOUR

    async def _words(self, ticket: Ticket, command: Command) -> str:
        if command.word == "help":
            return await help_text(self.tx, self.kit, self.box, self.agency, ticket.language)
        if command.word == "language":
            return await notices.words(self.tx, ticket, "language_set")
        return await self._status(command, ticket)

    # STATUS

    async def _status(self, command: Command, where: Ticket) -> str:
        """Of the one that is named, else of all that are open. A reference of somebody else sounds like one that is none."""
        language = where.language
        if command.value:
            asked = await self._own(command.value)
            if asked is None:
                return await notices.words(self.tx, where, "status_unknown", agency=self.agency.row.name)
            return await self._one(asked, language)
        matters = self.known.open_here(self.box) or self.known.closed_here(self.box)[-1:]
        if not matters:
            return await notices.words(self.tx, where, "status_none", agency=self.agency.row.name)
        found = [await self.tx.get_one(Ticket, one.id) for one in matters]
        if len(found) == 1:
            return await self._one(found[0], language)
        rows = [
            say(language, "status_row", number=number, label=label, ref=one.reference,
                state=await states.said(self.tx, one, language, self.kit.now()))
            for number, (one, label) in enumerate(zip(found, labels_of(self.agency, matters, language), strict=True), start=1)
        ]  # fmt: skip
        return say(language, "status_many", count=len(rows), rows="\n".join(rows))

    async def _own(self, reference: str) -> Ticket | None:
        query = select(Ticket).where(
            Ticket.reference == reference, Ticket.agency_id == self.box.agency_id,
            Ticket.endpoint_id == self.sender.endpoint_id, Ticket.status != "cancelled",
        )  # fmt: skip
        found: Ticket | None = await self.tx.scalar(query)
        return found

    async def _one(self, ticket: Ticket, language: str) -> str:
        state = await states.said(self.tx, ticket, language, self.kit.now())
        return say(language, "status_one", ref=ticket.reference, state=state)

    # LANGUAGE

    async def _speak(self, answered: Ticket, language: str) -> None:
        """From now on this language: on all open matters of the address, and for the person."""
        actor = events.Actor("citizen", self.sender.contact_id)
        contact = await self.tx.get_one(Contact, self.sender.contact_id)
        contact.language = language
        answered.language = language
        ids = {answered.id, *(one.id for one in self.known.open_here(self.box))}
        for ticket_id in sorted(ids):
            ticket = answered if ticket_id == answered.id else await tickets.lock(self.tx, ticket_id)
            before, ticket.language = ticket.language, language
            if ticket.status in ("held", "queued"):
                queue = self.agency.queues[ticket.queue_id]
                ticket.skills = tickets.needs(self.agency, queue, language)
                ticket.asked = None
                ticket.version += 1
            await lines.add(self.tx, ticket, "language_changed", visibility="internal", actor=actor, language=language)
            await events.record(self.tx, "ticket.language_changed", ticket.id, actor, before=before, after=language)

    # PERSON

    async def _ask_for_a_person(self) -> bool:
        """The open matter comes before somebody's eyes now. Where there is none, the text opens one like any other."""
        holder = self.known.question if self.known.question is not None and self.known.question.open else None
        open_here = self.known.open_here(self.box)
        if holder is None and not open_here:
            return False
        ticket_id = holder.ticket_id if holder is not None else open_here[-1].id
        await notices.keep(self.tx, self.kit, self.box, self.raw_id, self.inbound, self.sender, ticket_id, waiting=True)
        if holder is not None:
            await questions.let_in(self.tx, holder.id, ticket_id, "withdrawn", "asked_for_person", self.kit.now())
        ticket = await tickets.lock(self.tx, ticket_id)
        await reopening.wake(self.tx, ticket, self.kit.now())
        ticket.next_action_at = self.kit.now()
        await lines.add(self.tx, ticket, "asked_for_person", visibility="internal")
        if await self._may_answer():
            expect = await states.give_date(self.tx, ticket, self.kit.now())
            words = await notices.words(self.tx, ticket, "person_asked", ref=ticket.reference, expect=expect)
            await notices.write(self.tx, self.kit, ticket, words, "person", mark=MARK)
        return True


_ANSWERED = text(
    """
    SELECT count(*) FROM ticket t JOIN message m ON m.ticket_id = t.id WHERE t.endpoint_id = :endpoint AND m.direction = 'out'
      AND m.author_kind = 'system' AND m.signals ? :mark AND m.created_at > clock_timestamp() - interval '1 hour'
    """
)
