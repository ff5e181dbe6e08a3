"""A small agency for examples: people, tickets and a clock that strikes when something is due."""

from dataclasses import replace
from typing import Any

from routing import Agent, ChannelRule, Effect, Engine, Given, Plan, Policy, PoolRule, Snapshot, State, Ticket, events
from routing.events import Event, Tick

NOW = 1_700_000_000_000
SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
HOUSING, PARKING, SPANISH, ENGLISH = 1, 2, 3, 4
TEAM, OTHER_TEAM = 1, 2
ANA, BEN, CRUZ, INES = 1, 2, 3, 4

RIVERTON = Policy(
    revision=7,
    channels={
        "chat": ChannelRule(weight=8, cap=3, live=True, offer_s=20),
        "sms": ChannelRule(weight=4, cap=5, live=True),
        "email": ChannelRule(weight=3, cap=8, live=False),
    },
)


def with_rule(**changes: Any) -> Policy:
    """Riverton with other settings for all its queues."""
    return replace(RIVERTON, usual=replace(PoolRule(), **changes))


def an_agent(agent_id: int, **changes: Any) -> Agent:
    """Present and idle, in the team, with nothing but what the test says."""
    facts: dict[str, Any] = {
        "skills": ((HOUSING, 3),),
        "primary": (HOUSING,),
        "home_pool": TEAM,
        "pools": (TEAM,),
        "channels_on": ("chat", "email", "sms"),
        "idle_since": NOW - 5 * MINUTE,
        "last_assigned": NOW - 9 * MINUTE,
    }
    return Agent(id=agent_id, **{**facts, **changes})


def a_plan(*reqs: tuple[int, int], channel: str = "chat", pool: int = TEAM) -> Plan:
    return Plan.simple(channel, pool, *reqs)


def a_ticket(
    ticket_id: int,
    *reqs: tuple[int, int],
    channel: str = "chat",
    pool: int = TEAM,
    waited: int = 6 * MINUTE,
    **changes: Any,
) -> Ticket:
    """Asks for housing at level 2 unless the test says otherwise; came `waited` ms ago."""
    facts: dict[str, Any] = {
        "queue": pool,
        "plan": a_plan(*(reqs or ((HOUSING, 2),)), channel=channel, pool=pool),
        "arrived_at": NOW - waited,
        "va": NOW - waited,
    }
    return Ticket(id=ticket_id, **{**facts, **changes})


class Agency:
    """An engine and a clock; `seconds` count from NOW."""

    def __init__(self, *agents: Agent, policy: Policy = RIVERTON) -> None:
        self.engine = Engine(policy, Snapshot(now=NOW, agents=agents))
        self.now = NOW

    def tell(self, event: Event) -> list[Effect]:
        return self.engine.apply(event, self.now)

    def at(self, seconds: float) -> list[Effect]:
        """Let time pass; everything that comes of it."""
        until, effects = NOW + int(seconds * SECOND), []
        while (due := self.engine.next_due()) is not None and due <= until:
            self.now = max(self.now, due)
            effects += self.tell(Tick())
        self.now = until
        return effects

    def comes(self, *tickets: Ticket) -> list[Effect]:
        return [effect for ticket in tickets for effect in self.tell(events.TicketCreated(ticket))]

    def comes_at_once(self, *tickets: Ticket) -> list[Effect]:
        """All of them in one fact."""
        rows = tuple(replace(ticket, state=State.QUEUED) for ticket in tickets)
        return self.tell(events.Reconciled(rows))

    def done(self, ticket: int) -> list[Effect]:
        return self.tell(events.TicketClosed(ticket))

    def ticket(self, number: int) -> Ticket:
        return next(ticket for ticket in self.engine.snapshot().tickets if ticket.id == number)

    def agent(self, number: int) -> Agent:
        return next(agent for agent in self.engine.snapshot().agents if agent.id == number)


def given(effects: list[Effect]) -> list[tuple[int, int]]:
    """Which ticket went to whom."""
    return [(effect.ticket, effect.agent) for effect in effects if isinstance(effect, Given)]


def rules(effects: list[Effect]) -> list[str]:
    return [effect.because.rule for effect in effects if isinstance(effect, Given)]


def named(effects: list[Effect], kind: type) -> list[Any]:
    return [effect for effect in effects if isinstance(effect, kind)]


class Riverton:
    """Names as the console would give them."""

    def __init__(self, language: str = "en") -> None:
        self.skills = {
            "en": {HOUSING: "Housing", PARKING: "Parking", SPANISH: "Spanish", ENGLISH: "English"},
            "es": {HOUSING: "Vivienda", PARKING: "Aparcamiento", SPANISH: "Español", ENGLISH: "Inglés"},
        }[language]

    def agent(self, agent_id: int) -> str:
        return {1: "Ana", 2: "Ben", 3: "Cruz", 4: "Inés"}.get(agent_id, f"agent {agent_id}")

    def skill(self, skill_id: int) -> str:
        return self.skills[skill_id]
