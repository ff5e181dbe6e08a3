"""Tickets as papers and agents as persons: what the oracle writes on while it goes through the rules."""

from dataclasses import fields
from typing import Any

from routing import FOREVER, Agent, Plan, Ticket

TICKET_FIELDS = [each.name for each in fields(Ticket)]
Told = tuple[Any, ...]
"""The name of an effect and its fields, of its reasons only the rule."""

HELD_BY_AGENT = ("offered", "assigned", "wrapup")


class Paper:
    """A ticket. `own`: it waits for one agent alone. `until`: who may not have it, and until when."""

    id: int
    queue: int
    plan: Plan
    arrived_at: int
    va: int
    contact: int
    priority: int
    vulnerable: bool
    ring: int
    entered_at: int | None
    sla_deadline: int | None
    preferred_agent: int | None
    sticky_until: int | None
    state: str
    agent: int | None
    offer_expires: int | None
    version: int
    offers_made: int
    hops: int
    visited: tuple[tuple[int, int], ...]
    overflowed: tuple[int, ...]
    units: int
    filler: bool

    def __init__(self, ticket: Ticket) -> None:
        for name in TICKET_FIELDS:
            if name != "excluded":
                setattr(self, name, getattr(ticket, name))
        self.state = str(ticket.state)
        self.until = dict(ticket.excluded)
        self.own = False

    @property
    def channel(self) -> str:
        return self.plan.rings[0].signature.channel

    @property
    def pool(self) -> int:
        return self.plan.rings[0].signature.pool

    def standing(self) -> tuple[Any, ...]:
        """What makes it worth looking at a row of it again."""
        for_good = {agent for agent, until in self.until.items() if until >= FOREVER}
        return self.state, self.agent, self.va, self.priority, self.plan, self.queue, self.vulnerable, for_good

    @property
    def excluded(self) -> tuple[tuple[int, int], ...]:
        return tuple(sorted(self.until.items()))


PROFILE = ("skills", "primary", "home_pool", "pools", "channels_on", "caps", "budget")
WORK = ("items", "primary_units", "filler_units", "overbooked", "idle_since", "last_assigned", "misses")


class Person:
    """An agent and what they hold."""

    id: int
    skills: dict[int, int]
    primary: tuple[int, ...]
    home_pool: int
    pools: tuple[int, ...]
    channels_on: tuple[str, ...]
    intent: str
    next_intent: str | None
    health: str
    health_since: int
    caps: dict[str, int]
    items: dict[str, int]
    budget: int
    primary_units: int
    filler_units: int
    overbooked: int
    idle_since: int
    last_assigned: int
    misses: int

    def __init__(self, agent: Agent) -> None:
        self.id = agent.id
        self.learn(agent)
        self.count_as(agent)

    def learn(self, agent: Agent) -> None:
        """Everything but the work in hand."""
        for name in (*PROFILE, "intent", "next_intent", "health", "health_since"):
            setattr(self, name, getattr(agent, name))
        self.skills, self.caps = dict(agent.skills), dict(agent.caps)

    def count_as(self, agent: Agent) -> None:
        """The work in hand as somebody else counted it."""
        for name in WORK:
            setattr(self, name, getattr(agent, name))
        self.items = dict(agent.items)

    def profile(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in PROFILE)

    @property
    def present(self) -> bool:
        """Gets new work."""
        return (self.intent, self.next_intent, self.health) == ("available", None, "connected")

    @property
    def waited_for(self) -> bool:
        """Present, or with a lost line and expected back."""
        return (self.intent, self.next_intent) == ("available", None) and self.health != "grace"

    @property
    def staffs(self) -> bool:
        """Counts for a ring even while full or on the way to a break; not once the line is lost."""
        return self.intent == "available" and self.health != "lost"

    @property
    def busy(self) -> bool:
        return any(self.items.values())

    def holds(self) -> dict[str, int]:
        return {channel: count for channel, count in self.items.items() if count}
