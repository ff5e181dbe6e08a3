"""The rules once more, slow and plain: full scans over lists, nothing shared with the router but its shapes."""

from dataclasses import dataclass, field

from routing import Agent, Policy, Ticket

ORDER_OF_CHECKS = [
    "signed_in", "available", "connected", "channel", "pool", "skill", "level", "exclusion", "room",
]  # fmt: skip


@dataclass
class Person:
    agent: Agent
    items: dict[str, int] = field(default_factory=dict)
    live_units: int = 0
    filler_units: int = 0
    idle_since: int = 0


@dataclass
class Choice:
    ticket: int
    agent: int
    key: list[int]
    runner_up: int | None
    could_take_it: list[int]
    reasons: dict[str, int]


def seat(agent: Agent) -> Person:
    return Person(agent, dict(agent.items), agent.primary_units, agent.filler_units, agent.idle_since)


def passed_checks(person: Person, ticket: Ticket, policy: Policy, now: int) -> dict[str, bool]:
    agent, rule = person.agent, policy.channels[ticket.channel]
    skill_levels = {skill: level for skill, level in agent.skills}
    cap = {ticket.channel: rule.cap, **agent.caps}[ticket.channel]
    used = person.live_units if rule.live else person.live_units + person.filler_units
    return {
        "signed_in": agent.signed_in,
        "available": agent.available,
        "connected": agent.connected,
        "channel": ticket.channel in agent.channels_on,
        "pool": ticket.pool in agent.pools,
        "skill": {req.skill for req in ticket.reqs} <= set(skill_levels),
        "level": all(skill_levels.get(req.skill, 0) >= req.min_level for req in ticket.reqs),
        "exclusion": not [1 for who, until in ticket.excluded if who == agent.id and until > now],
        "room": person.items.get(ticket.channel, 0) + 1 <= cap and used + rule.weight <= agent.budget,
    }


def first_failure(person: Person, ticket: Ticket, policy: Policy, now: int) -> str | None:
    passed = passed_checks(person, ticket, policy, now)
    failures = [check for check in ORDER_OF_CHECKS if not passed[check]]
    return failures[0] if failures else None


def own_work(person: Person, ticket: Ticket) -> bool:
    needed = {req.skill for req in ticket.reqs}
    return person.agent.home_pool == ticket.pool and needed - set(person.agent.primary) == set()


def worth(person: Person, ticket: Ticket, policy: Policy, now: int) -> int:
    age = now - ticket.va
    if age < 0:
        age = 0
    return age * (policy.primary_weight if own_work(person, ticket) else policy.secondary_weight)


def key(person: Person, ticket: Ticket, policy: Policy) -> list[int]:
    everything = person.live_units + person.filler_units
    live = policy.channels[ticket.channel].live
    return [
        int(1000 * person.live_units / person.agent.budget) if live else everything,
        int(not own_work(person, ticket)),
        min(63, int(64 * everything / person.agent.budget)),
        len(person.agent.skills),
        person.idle_since,
        person.agent.id,
    ]


def all_choices(tickets: list[Ticket], agents: list[Agent], policy: Policy, now: int) -> list[Choice]:
    people, waiting = [seat(agent) for agent in agents], list(tickets)
    choices: list[Choice] = []
    while True:
        picks = []
        for person in people:
            may_have = [ticket for ticket in waiting if first_failure(person, ticket, policy, now) is None]
            ranked = sorted(
                (-worth(person, ticket, policy, now), ticket.va, ticket.arrived_at, ticket.id) for ticket in may_have
            )
            if ranked:
                picks.append((ranked[0], person))
        if not picks:
            return choices
        foremost = min(pick for pick, _ in picks)
        ticket = next(ticket for ticket in waiting if ticket.id == foremost[-1])
        takers = [person for pick, person in picks if pick[-1] == ticket.id]
        choices.append(choose(ticket, takers, people, policy, now))
        waiting.remove(ticket)


def choose(ticket: Ticket, takers: list[Person], people: list[Person], policy: Policy, now: int) -> Choice:
    takers = sorted(takers, key=lambda person: key(person, ticket, policy))
    reasons: dict[str, int] = {}
    for person in people:
        if person not in takers:
            reason = first_failure(person, ticket, policy, now) or "other_ticket"
            reasons[reason] = reasons.get(reason, 0) + 1
    winner = takers[0]
    choice = Choice(
        ticket.id,
        winner.agent.id,
        key(winner, ticket, policy),
        takers[1].agent.id if len(takers) > 1 else None,
        sorted(person.agent.id for person in takers),
        reasons,
    )
    give(winner, ticket, policy, now)
    return choice


def give(person: Person, ticket: Ticket, policy: Policy, now: int) -> None:
    rule = policy.channels[ticket.channel]
    person.items[ticket.channel] = person.items.get(ticket.channel, 0) + 1
    person.live_units += rule.weight if rule.live else 0
    person.filler_units += 0 if rule.live else rule.weight
    person.idle_since = now
