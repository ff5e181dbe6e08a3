"""How long waiting tickets will probably wait: learned from what the engine does, told every few seconds."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

import routing
from contactcenter.desk import expected
from contactcenter.desk.book import open_book
from contactcenter.desk.expected import Coverage, Telling
from routing import events as facts
from routing.events import Anomaly, Effect, Event, NotResponding
from routing.expecting import Expected, ExpectedWaits
from routing.floor import Case

log = structlog.get_logger()
TELL_S, HANDLING_S, KEEP_S = 5.0, 60.0, 60.0
MOST = 500
"""Tickets told about at a time: whoever waits behind so many others gets no minute from us."""


class Expectations:
    """One agency's expected waits, kept beside its engine."""

    def __init__(self, agency_id: int, zone: str) -> None:
        offset = datetime.now(ZoneInfo(zone)).utcoffset()
        self.agency_id = agency_id
        self.waits = ExpectedWaits(int(offset.total_seconds() * 1000) if offset else 0)
        self._known: dict[int, routing.Signature] = {}
        self._handling: dict[str, float] = {}
        self._asked = self._told = self._kept = -1e9
        self._kept_of = 0
        self._channels: set[str] = set()

    def recall(self, learned: Mapping[str, Any]) -> None:
        """Go on from what another leader has learned, by channel. What cannot be read is learned anew."""
        for channel, what in learned.items():
            try:
                self.waits.recall(channel, what)
            except (KeyError, TypeError, ValueError, AttributeError):
                log.warning("expected_waits_unreadable", channel=channel)

    def saw(self, engine: routing.Engine, fact: Event, effects: list[Effect], now: int) -> None:
        """Note who began to wait, who was given away and who left."""
        given = {effect.ticket for effect in effects if isinstance(effect, routing.Given)}
        for ticket in sorted(_named(fact) | _meant(effects)):
            case = engine.floor.cases.get(ticket)
            waits = case is not None and case.state is routing.State.QUEUED
            if ticket in given and case is not None:
                line = self._known.pop(ticket, _line(case))
                self.waits.started(ticket, line, line.channel, now)
            if case is not None and waits and ticket not in self._known:
                self._known[ticket] = line = _line(case)
                self._channels.add(line.channel)
                self.waits.queued(ticket, line, line.channel, (case.va, case.arrived_at, ticket), now)
            elif not waits and ticket in self._known:
                del self._known[ticket]
                self.waits.left(ticket)

    @property
    def due(self) -> bool:
        return time.monotonic() - self._told >= TELL_S

    async def tell(self, tx: AsyncSession, engine: routing.Engine, now: int) -> None:
        """Write down what waiting tickets may expect, and how well that has held, when it is time."""
        if not self.due:
            return
        self._told = time.monotonic()
        if self._told - self._asked >= HANDLING_S:
            self._asked = self._told
            self._handling = await expected.handling_ms(tx, self.agency_id)
        self._staff(engine)
        await self._hours(tx)
        told = (self._telling(ticket, now) for ticket in islice(self._known, MOST))
        await expected.tell(tx, self.agency_id, [one for one in told if one is not None])
        await expected.calibrate(tx, self.agency_id, self._coverage())
        if self._told - self._kept >= KEEP_S and self.waits.outcomes != self._kept_of:
            self._kept, self._kept_of = self._told, self.waits.outcomes
            channels = sorted(self._channels)
            await expected.keep(tx, self.agency_id, {channel: self.waits.learned(channel) for channel in channels})

    async def _hours(self, tx: AsyncSession) -> None:
        """Nothing is told of a queue that is closed now."""
        queues = (await open_book(tx)).agencies[self.agency_id].queues
        for line in set(self._known.values()):
            queue = queues.get(line.pool)
            shut = queue is not None and not queue.calendar.is_open(datetime.now(UTC))
            (self.waits.closed if shut else self.waits.opened)(line, line.channel)

    def _staff(self, engine: routing.Engine) -> None:
        """Before forty starts are known the staffing stands in: slots of those on duty, shared among the lines they serve."""
        floor, waited_for = engine.floor, set(self._known.values())
        for signature in waited_for:
            line = floor.lines.find(signature)
            if line is None:
                continue
            cap = floor.policy.channels[signature.channel].cap
            on_duty = [floor.seats[agent] for agent in line.eligible if floor.seats[agent].staffs]
            slots = sum(seat.caps.get(signature.channel, cap) for seat in on_duty)
            lines = sum(other.channel == signature.channel for other in waited_for)
            handling = self._handling.get(signature.channel, 0.0)
            self.waits.staffed(signature, signature.channel, slots, 1 / max(lines, 1), handling)

    def _telling(self, ticket: int, now: int) -> Telling | None:
        """None where nothing is told, for whatever reason."""
        answer = self.waits.expected_wait(ticket, now)
        if not isinstance(answer, Expected):
            return None
        return Telling(ticket, answer.p50 // 1000, answer.p90 // 1000, answer.basis)

    def _coverage(self) -> list[Coverage]:
        channels = {line.channel for line in self._known.values()}
        found = [
            (channel, hour, self.waits.coverage(channel, hour)) for channel in sorted(channels) for hour in range(24)
        ]
        return [Coverage(channel, hour, share) for channel, hour, share in found if share is not None]


def _line(case: Case) -> routing.Signature:
    return case.plan.rings[0].signature


def _meant(effects: list[Effect]) -> set[int]:
    """The tickets that effects are about."""
    return {effect.ticket for effect in effects if not isinstance(effect, NotResponding | Anomaly)}


def _named(fact: Event) -> set[int]:
    """The tickets that a fact of production speaks of."""
    return {*(ticket.id for ticket in fact.tickets), *fact.gone} if isinstance(fact, facts.Reconciled) else set()
