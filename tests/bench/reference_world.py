"""The floor on which the engine's speed is measured: up to 10,000 agents, 500 signatures, 100,000 waiting. Seeded, the same
every time.

Agents have 3-8 of 50 skills, the half they know best being primary. The popularity of the n-th skill falls with n^0.7, that of the
n-th signature with n^0.6. A tenth of the size has a tenth of agents and tickets, and all signatures.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random

from routing import Agent, ChannelRule, Engine, Plan, Policy, Req, Ring, Signature, Snapshot, State, Ticket, queueing
from routing.floor import Case, Floor, Seat
from routing.ordering import virtual_arrival

TEXT, POOL, NOW = "text", 1, 1_800_000_000_000
SKILLS, SIGNATURES, AGENTS, WAITING, HELD = 50, 500, 10_000, 100_000, 40_000
WEIGHT, BUDGET, SLOTS = 4, 24, 4
RELAX_S = 30
POLICY = Policy(1, {TEXT: ChannelRule(WEIGHT, SLOTS + 1, live=True)})
SKILL_WEIGHTS = [rank**-0.7 for rank in range(1, SKILLS + 1)]

Reqs = tuple[Req, ...]


class World:
    """``size`` 1 is the whole. ``relaxing``: after half a minute every ticket's levels fall to 1."""

    def __init__(self, size: float = 1.0, *, relaxing: bool = False, seed: int = 62) -> None:
        self._random = Random(seed)
        self.size = size
        self.plans = [_plan(reqs, relaxing=relaxing) for reqs in _signatures(self._random)]
        self._popularity = [rank**-0.6 for rank in range(1, SIGNATURES + 1)]
        self._random.shuffle(self._popularity)
        self.agents = [_agent(self._random, number) for number in range(1, int(AGENTS * size) + 1)]
        self._last_id = 0

    def arrivals(self, count: int, *, over_s: int = 3_600, plans: Sequence[Plan] | None = None) -> Iterator[Ticket]:
        """New tickets of the last ``over_s`` seconds."""
        drawn = self._random.choices(plans or self.plans, None if plans else self._popularity, k=count)
        priorities = self._random.choices((0, 1, 2, 3), (70, 20, 8, 2), k=count)
        for plan, priority in zip(drawn, priorities, strict=True):
            self._last_id += 1
            arrived_at = NOW - self._random.randrange(over_s * 1000)
            va = virtual_arrival(
                arrived_at=arrived_at, priority=priority, vulnerable=False, channel=TEXT, policy=POLICY
            )
            yield Ticket(self._last_id, 1, plan, arrived_at, va, priority=priority)

    def waiting(self, count: int | None = None, plans: Sequence[Plan] | None = None) -> list[Ticket]:
        wanted = int(WAITING * self.size) if count is None else count
        return [replace(t, state=State.QUEUED, entered_at=t.arrived_at) for t in self.arrivals(wanted, plans=plans)]

    def busy(self, slots: int = SLOTS) -> tuple[list[Ticket], list[Agent]]:
        """As many tickets in hand as there are slots, and the agents, who are full."""
        of = [agent.id for agent in self.agents for _ in range(slots)]
        tickets = [
            replace(ticket, state=State.ASSIGNED, agent=agent, units=WEIGHT)
            for agent, ticket in zip(of, self.arrivals(len(of)), strict=True)
        ]
        return tickets, [with_items(agent, slots, slots) for agent in self.agents]

    def half_busy(self) -> list[Agent]:
        """40,000 items, each in the hands of somebody with room; one agent holds up to five."""
        items = dict.fromkeys((agent.id for agent in self.agents), 0)
        slots = [agent.id for agent in self.agents for _ in range(SLOTS + 1)]
        for agent_id in self._random.sample(slots, int(HELD * self.size)):
            items[agent_id] += 1
        return [with_items(agent, items[agent.id], SLOTS + 1) for agent in self.agents]

    def engine(self, tickets: Sequence[Ticket], agents: Sequence[Agent], policy: Policy = POLICY) -> Engine:
        return Engine(policy, Snapshot(NOW, tuple(tickets), tuple(agents)))


def with_items(agent: Agent, items: int, cap: int) -> Agent:
    return replace(agent, items={TEXT: items}, primary_units=WEIGHT * items, caps={TEXT: cap})


def _signatures(random: Random) -> list[Reqs]:
    """500 different ones with 1-3 requirements at odds 5:4:1."""
    found: dict[Reqs, None] = {}
    while len(found) < SIGNATURES:
        levels: dict[int, int] = {}
        wanted = random.choices((1, 2, 3), (5, 4, 1))[0]
        while len(levels) < wanted:
            levels[_skill(random)] = random.choice((1, 1, 2, 3))
        found[tuple(Req(*one) for one in sorted(levels.items()))] = None
    return list(found)


def _plan(reqs: Reqs, *, relaxing: bool) -> Plan:
    first = Ring(Signature(TEXT, POOL, reqs))
    weaker = tuple(Req(skill, 1) for skill, _level in reqs)
    if not relaxing or weaker == reqs:
        return Plan((first,))
    return Plan((first, Ring(Signature(TEXT, POOL, weaker), RELAX_S)))


def _agent(random: Random, number: int) -> Agent:
    levels: dict[int, int] = {}
    wanted = random.randint(3, 8)
    while len(levels) < wanted:
        levels[_skill(random)] = random.choice((1, 2, 3, 3, 4, 5))
    best = sorted(levels, key=lambda skill: (-levels[skill], skill))[: (wanted + 1) // 2]
    return Agent(
        number, tuple(sorted(levels.items())), tuple(sorted(best)), POOL, (POOL,), (TEXT,), budget=BUDGET,
        idle_since=NOW - number,
    )  # fmt: skip


def _skill(random: Random) -> int:
    return random.choices(range(1, SKILLS + 1), SKILL_WEIGHTS)[0]


# ---- made ready


def with_room(floor: Floor) -> list[Seat]:
    """Everybody has room for one more, and somebody could be given something."""
    for seat in floor.seats.values():
        seat.items[TEXT] -= 1
        seat.primary_units -= POLICY.channels[TEXT].weight
        floor.groups_of(seat)
    return [seat for seat in floor.seats.values() if seat.serves]


def standing(floor: Floor, world: World, count: int) -> list[Case]:
    """Tickets that stand in their lines and were given to nobody yet."""
    cases = []
    for ticket in world.waiting(count):
        case = Case(ticket)
        floor.cases[case.id] = case
        queueing.enter(floor, case)
        cases.append(case)
    floor.touched_cases.clear()
    floor.effects.clear()
    floor.flush()
    return cases
