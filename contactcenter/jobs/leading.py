"""What the leading router holds in memory: an engine per agency, kept true to the rows by reading what changed.

The event log says which tickets changed; versions and heartbeats say which agents did. Whatever is read is handed to the
engine as it is, so telling it twice is harmless, and reading everything again is always a cure.
"""

import time
from dataclasses import dataclass, field

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

import routing
from contactcenter.desk import book, claims, decisions, expected, floor, journal
from contactcenter.desk.book import AgencyEntry
from contactcenter.desk.floor import Floor
from contactcenter.desk.journal import Entry
from contactcenter.desk.tickets import ms
from contactcenter.jobs.expecting import Expectations
from routing import events as facts
from routing.events import Effect, Event

log = structlog.get_logger()
PRESENCE_S, COMPARE_S, STATE_S = 0.5, 30.0, 900.0

_CHANGED = text(
    """
    SELECT max(pos) AS tail, array_agg(DISTINCT ticket_id) FILTER (WHERE ticket_id IS NOT NULL) AS tickets,
      coalesce(bool_or(type IN ('routing.rules_changed', 'queue.surge_started', 'queue.surge_ended')), false) AS other_rules
    FROM event WHERE pos > :position
    """
)
_TAIL = text("SELECT coalesce(max(pos), 0) FROM event")
_COUNTS = text(
    """
    SELECT a.id AS agency_id, count(t.id) FILTER (WHERE t.status = 'queued') AS waiting,
      count(t.id) FILTER (WHERE t.status IN ('offered', 'assigned')) AS held,
      EXISTS (SELECT 1 FROM event WHERE pos IS NULL OR pos > :position) AS stirring
    FROM agency a LEFT JOIN ticket t ON t.agency_id = a.id AND t.status IN ('queued', 'offered', 'assigned') GROUP BY a.id
    """
)
"""Events that have no position yet, or none we have read, tell of changes we cannot know: then it is not the time to compare."""


@dataclass
class Memory:
    """Engines by agency, how far the log has been read, and each agent's version and connection when last read."""

    engines: dict[int, routing.Engine] = field(default_factory=dict)
    position: int = 0
    presence: dict[int, tuple[int, bool]] = field(default_factory=dict)
    revisions: dict[int, int] = field(default_factory=dict)
    doubtful: set[int] = field(default_factory=set)
    """Tickets whose rows were not as believed: read again next time, with their agents in `suspect`."""
    suspect: set[int] = field(default_factory=set)
    expecting: dict[int, Expectations] = field(default_factory=dict)
    unwritten: list[Entry] = field(default_factory=list)
    """What the engines were told and the journal does not have yet."""
    _stood: float = field(default_factory=time.monotonic)
    _clock: float = 0.0
    _looked: float = 0.0
    _compared: float = field(default_factory=time.monotonic)

    def now(self) -> int:
        """The database's clock, carried on by our own monotonic one: it never goes backwards."""
        return int((time.monotonic() + self._clock) * 1000)

    def _set_clock(self, database_ms: int) -> None:
        self._clock = max(self._clock, database_ms / 1000 - time.monotonic())

    async def load(self, tx: AsyncSession) -> list[tuple[int, list[Effect]]]:
        """Read everything in this (repeatable read) transaction and build the engines anew. Gives their first effects."""
        self.position = await tx.scalar(_TAIL)
        book.forget()
        agencies = (await book.open_book(tx)).agencies
        seen = await floor.read(tx)
        self._set_clock(seen.now)
        self.presence, self.doubtful, self.suspect = dict(seen.presence), set(), set()
        learned = await expected.learned(tx)
        self.engines, self.revisions = {}, {}
        self.unwritten = []  # of engines that are no more; somebody else's entries may stand after them by now
        effects = []
        for agency_id, agency in agencies.items():
            engine = self.engines[agency_id] = routing.Engine(agency.policy, routing.Snapshot(seen.now))
            self.revisions[agency_id] = agency.policy.revision
            self.expecting[agency_id] = Expectations(agency_id, agency.row.timezone)
            self.expecting[agency_id].recall(learned.get(agency_id, {}))
            self.unwritten.append(journal.state(agency_id, engine, start=True))
            rows = facts.Reconciled(tuple(seen.tickets.get(agency_id, ())), tuple(seen.agents.get(agency_id, ())))
            effects.append((agency_id, self._tell_one(agency_id, rows)))
            effects += self._surge(agency_id, agency)
        return effects

    async def learn(self, tx: AsyncSession) -> list[tuple[int, list[Effect]]]:
        """Read what changed since the last time and tell the engines; gives their effects."""
        row = (await tx.execute(_CHANGED, {"position": self.position})).one()
        if row.other_rules:
            book.forget()
        effects = await self._learn_rules(tx)
        tickets = {*(row.tickets or ()), *self.doubtful}
        agents = await self._changed_agents(tx, self._owners(tickets) | self.suspect)
        if tickets or agents:
            seen = await floor.read(tx, ticket_ids=sorted(tickets), agent_ids=sorted(agents))
            newly = {t.agent for rows in seen.tickets.values() for t in rows if t.agent is not None} - agents
            if newly:
                more = await floor.read(tx, ticket_ids=[], agent_ids=sorted(newly))
                for agency_id, rows in more.agents.items():
                    seen.agents.setdefault(agency_id, []).extend(rows)
                seen.presence.update(more.presence)
            effects += self._tell(seen, tickets, agents)
        self.position = row.tail or self.position
        self.doubtful.clear()
        self.suspect.clear()
        return effects

    def tick(self) -> tuple[int, list[Effect]] | None:
        """Let an engine do what is due; None when nothing is, anywhere."""
        now = self.now()
        for agency_id, engine in self.engines.items():
            due = engine.next_due()
            if due is not None and due <= now:
                return agency_id, self._tell_one(agency_id, facts.Tick())
        return None

    def _tell_one(self, agency_id: int, fact: Event) -> list[Effect]:
        """Tell an engine, and note it for the journal."""
        now = self.now()
        engine = self.engines[agency_id]
        effects = engine.apply(fact, now)
        self.expecting[agency_id].saw(engine, fact, effects, now)
        self.unwritten.append(journal.fact(agency_id, fact, now, effects))
        return effects

    @property
    def has_something_to_write(self) -> bool:
        return bool(self.unwritten) or any(one.due for one in self.expecting.values())

    async def write(self, tx: AsyncSession, epoch: int) -> None:
        """Tell what tickets may expect, and bring the journal up to date; every quarter of an hour with the whole state."""
        await claims.still_leads(tx, epoch)
        for agency_id, expectations in self.expecting.items():
            if expectations.due:
                await decisions.unflag(tx, agency_id, self.engines[agency_id].floor.reported)
            await expectations.tell(tx, self.engines[agency_id], self.now())
        if time.monotonic() - self._stood >= STATE_S:
            self._stood = time.monotonic()
            self.unwritten += [journal.state(agency_id, engine) for agency_id, engine in self.engines.items()]
        if self.unwritten:
            await journal.write(tx, epoch, self.unwritten)
        self.unwritten = []

    def _owners(self, tickets: set[int]) -> set[int]:
        """Who has these tickets as far as we know."""
        cases = (engine.floor.cases.get(ticket) for engine in self.engines.values() for ticket in tickets)
        return {case.agent for case in cases if case is not None and case.agent is not None}

    async def _changed_agents(self, tx: AsyncSession, agents: set[int]) -> set[int]:
        if agents or time.monotonic() - self._looked >= PRESENCE_S:
            self._looked = time.monotonic()
            present = await floor.presence(tx)
            agents = agents | {one for one, seen in present.items() if self.presence.get(one) != seen}
            agents |= set(self.presence) - set(present)
        return agents

    async def _learn_rules(self, tx: AsyncSession) -> list[tuple[int, list[Effect]]]:
        effects = []
        for agency_id, agency in (await book.open_book(tx)).agencies.items():
            engine = self.engines.get(agency_id)
            if engine is None:
                raise Estranged("there is a new agency")
            if self.revisions[agency_id] != agency.policy.revision:
                self.revisions[agency_id] = agency.policy.revision
                effects.append((agency_id, self._tell_one(agency_id, facts.PolicyChanged(agency.policy))))
                self.doubtful.update(engine.floor.cases)
            effects += self._surge(agency_id, agency)
        return effects

    def _surge(self, agency_id: int, agency: AgencyEntry) -> list[tuple[int, list[Effect]]]:
        """Tell of surges that began or were ended by hand; the engine ends them by itself."""
        engine, now = self.engines[agency_id], self.now()
        wanted = {
            queue.id: ms(queue.row.surge_until)
            for queue in agency.queues.values()
            if queue.row.surge_until is not None and ms(queue.row.surge_until) > now
        }
        effects = []
        for queue, until in wanted.items():
            if engine.floor.surges.get(queue) != until:
                effects.append((agency_id, self._tell_one(agency_id, facts.SurgeStarted(queue, until))))
        for queue in sorted(set(engine.floor.surges) - set(wanted)):
            effects.append((agency_id, self._tell_one(agency_id, facts.SurgeEnded(queue))))
        return effects

    def _tell(self, seen: Floor, tickets: set[int], agents: set[int]) -> list[tuple[int, list[Effect]]]:
        self._set_clock(seen.now)
        found = {ticket.id for rows in seen.tickets.values() for ticket in rows}
        there = set(seen.presence)
        self.presence = {one: was for one, was in self.presence.items() if one not in agents - there} | seen.presence
        effects = []
        for agency_id, engine in self.engines.items():
            rows = facts.Reconciled(
                tickets=tuple(seen.tickets.get(agency_id, ())),
                agents=tuple(seen.agents.get(agency_id, ())),
                gone=tuple(sorted(ticket for ticket in tickets - found if ticket in engine.floor.cases)),
                agents_gone=tuple(sorted(one for one in agents - there if one in engine.floor.seats)),
            )
            if rows != _NOTHING:
                effects.append((agency_id, self._tell_one(agency_id, rows)))
        return effects

    async def compare(self, tx: AsyncSession, effects: list[tuple[int, list[Effect]]]) -> None:
        """Every half minute, when nothing is under way: count what waits and what is held, here and in the rows. Raises Estranged
        where they differ."""
        if time.monotonic() - self._compared < COMPARE_S or any(told for _agency, told in effects):
            return
        rows = {row.agency_id: row for row in await tx.execute(_COUNTS, {"position": self.position})}
        if any(row.stirring for row in rows.values()):
            return
        self._compared = time.monotonic()
        for agency_id, engine in self.engines.items():
            ours = sum(1 for _ in engine.floor.waiting()), sum(1 for _ in engine.floor.holding())
            theirs = (rows[agency_id].waiting, rows[agency_id].held) if agency_id in rows else (0, 0)
            if ours != theirs:
                raise Estranged(f"memory {ours}, rows {theirs}")


class Estranged(Exception):
    """Memory and rows differ, or cannot be reconciled in place: read everything again."""


_NOTHING = facts.Reconciled()
