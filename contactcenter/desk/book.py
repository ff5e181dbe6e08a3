"""The agency's book: queues, hours, skills, inboxes and rules, read together and kept for a few seconds."""

import asyncio
import time as clock
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from weakref import WeakKeyDictionary
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

import routing
from channels import base
from contactcenter.db import Database
from contactcenter.desk.hours import Calendar
from contactcenter.desk.rules import Rules, plan_of, policy_of, read, usual
from contactcenter.errors import NotFound
from contactcenter.models import (
    Agency,
    EmergencyClosure,
    Holiday,
    Inbox,
    Queue,
    QueueHours,
    QueueSkill,
    RoutingRules,
    ServiceTarget,
    Skill,
)

KEEP_S = 3.0


@dataclass(frozen=True)
class QueueEntry:
    """A queue with its calendar, required skills ((skill id, level), ...) and targets by channel."""

    row: Queue
    calendar: Calendar
    skills: tuple[tuple[int, int], ...]
    targets: dict[str, ServiceTarget]

    @property
    def id(self) -> int:
        return self.row.id


@dataclass(frozen=True)
class AgencyEntry:
    row: Agency
    queues: dict[int, QueueEntry]
    skills: dict[int, Skill]
    rules: Rules
    policy: routing.Policy

    def plan(self, queue_id: int, channel: str, skills: Iterable[Iterable[int]], priority: int) -> routing.Plan:
        """The rings of a ticket that requires these skills in this queue."""
        return plan_of(
            self.rules.of(self.queues[queue_id].row.slug),
            channel=channel,
            live=self.policy.channels[channel].live,
            queue=queue_id,
            skills=skills,
            skill_ids={skill.slug: skill.id for skill in self.skills.values()},
            queue_ids={entry.row.slug: entry.id for entry in self.queues.values()},
            emergency=priority == 4,
        )

    def under(self, other: Rules) -> "AgencyEntry":
        """The same agency as if these rules were in force."""
        ids = {entry.row.slug: entry.id for entry in self.queues.values()}
        return replace(self, rules=other, policy=policy_of(other, self.policy.revision, ids))

    def queue(self, slug: str) -> QueueEntry:
        for entry in self.queues.values():
            if entry.row.slug == slug:
                return entry
        raise NotFound("There is no such queue.")

    def language_skill(self, language: str) -> int | None:
        return next((skill.id for skill in self.skills.values() if skill.language == language), None)


@dataclass(frozen=True)
class Book:
    agencies: dict[int, AgencyEntry]
    inboxes: dict[int, Inbox]
    read_at: float = field(default_factory=clock.monotonic)

    def inbox(self, channel: str, slug: str) -> Inbox:
        for row in self.inboxes.values():
            if row.slug == slug and row.channel == channel:
                return row
        raise NotFound("There is no such inbox.")

    def inbox_by_address(self, channel: str, address: str) -> Inbox | None:
        return next((row for row in self.inboxes.values() if row.channel == channel and row.address == address), None)


_kept: WeakKeyDictionary[Database, Book] = WeakKeyDictionary()
_turn: WeakKeyDictionary[Database, asyncio.Lock] = WeakKeyDictionary()


async def kept_book(database: Database) -> Book:
    """The book for whoever has no transaction and, most of the time, needs none."""
    kept = _fresh(database)
    if kept is None:
        async with _turn.setdefault(database, asyncio.Lock()):  # one reads, the others wait for what it read
            kept = _fresh(database)
            if kept is None:
                async with database.transaction() as tx:
                    kept = await open_book(tx)
    return kept


async def open_book(tx: AsyncSession) -> Book:
    """The book, at most three seconds old. Rules change rarely; the hot doors ask for every message."""
    database = tx.info["database"]
    kept = _fresh(database)
    if kept is None:
        kept = _kept[database] = await _read(tx)
    return kept


def _fresh(database: Database) -> Book | None:
    kept = _kept.get(database)
    return kept if kept is not None and clock.monotonic() - kept.read_at <= KEEP_S else None


def forget() -> None:
    """Read afresh next time (after a change of rules in this process)."""
    _kept.clear()


def channel_inbox(row: Inbox) -> base.Inbox:
    """The inbox as the adapters know it."""
    config = {key: str(value) for key, value in row.config.items()}
    return base.Inbox(row.id, row.slug, row.channel, row.address, row.name, config)


async def _read(tx: AsyncSession) -> Book:
    agencies = list(await tx.scalars(select(Agency)))
    queues = list(await tx.scalars(select(Queue).order_by(Queue.id)))
    hours = list(await tx.scalars(select(QueueHours)))
    holidays = list(await tx.scalars(select(Holiday)))
    needed = list(await tx.scalars(select(QueueSkill)))
    emergencies = list(await tx.scalars(select(EmergencyClosure).where(_not_over())))
    targets = list(await tx.scalars(select(ServiceTarget)))
    skills = list(await tx.scalars(select(Skill)))
    inboxes = list(await tx.scalars(select(Inbox)))
    newest = {row.agency_id: row for row in await tx.scalars(select(RoutingRules).order_by(RoutingRules.revision))}
    for row in (*agencies, *queues, *targets, *skills, *inboxes, *newest.values()):
        tx.expunge(row)  # the book outlives this unit of work: a rollback must not empty its rows
    entries = {}
    for agency in agencies:
        days_off = frozenset(day.day for day in holidays if day.agency_id == agency.id)
        own = {
            queue.id: QueueEntry(
                queue,
                Calendar(
                    ZoneInfo(agency.timezone),
                    tuple((h.weekday, h.opens, h.closes) for h in hours if h.queue_id == queue.id),
                    days_off,
                    tuple(
                        (one.starts_at, one.ends_at, one.why)
                        for one in emergencies
                        if one.agency_id == agency.id and one.queue_id in (None, queue.id)
                    ),
                ),
                tuple(sorted((n.skill_id, n.min_level) for n in needed if n.queue_id == queue.id)),
                {t.channel: t for t in targets if t.queue_id == queue.id},
            )
            for queue in queues
            if queue.agency_id == agency.id
        }
        own_skills = {skill.id: skill for skill in skills if skill.agency_id == agency.id}
        entries[agency.id] = _entry(agency, own, own_skills, newest.get(agency.id))
    return Book(entries, {inbox.id: inbox for inbox in inboxes})


def _not_over() -> ColumnElement[bool]:
    return or_(EmergencyClosure.ends_at.is_(None), EmergencyClosure.ends_at > func.clock_timestamp())


def _entry(
    agency: Agency, queues: dict[int, QueueEntry], skills: dict[int, Skill], saved: RoutingRules | None
) -> AgencyEntry:
    own = read(saved.rules) if saved else usual(agency.channels)
    ids = {entry.row.slug: entry.id for entry in queues.values()}
    return AgencyEntry(agency, queues, skills, own, policy_of(own, saved.revision if saved else 1, ids))
