"""Single events in the worst worlds that we could think of, each through `Engine.apply`."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from routing import FOREVER, Agent, Engine, Event, Plan, PoolRule, Signature, Ticket, events
from tests.bench.figures import Figure
from tests.bench.reference_world import NOW, POLICY, POOL, RELAX_S, SLOTS, TEXT, World, with_items
from tests.bench.timing import Took, each, mean_us, share_us, undisturbed

EVENTS = 9_000
BARRED = 10
TICK = 256

Scene = tuple[Engine, Sequence[Event]]


class Case(NamedTuple):
    name: str
    scene: Callable[[World], Scene]


def measure(size: float) -> list[Figure]:
    figures = []
    for case in CASES:
        engine, told = case.scene(World(size))
        name = f"Worst cases, p99.9: {case.name}"
        figures.append(Figure("engine", name, "ms", [_p999(took) for took in _rounds(engine, told)], "less", 1))
    return [*figures, *_relaxations(size), *_last_one_leaves(size)]


def _rounds(engine: Engine, told: Sequence[Event], rounds: int = 3) -> list[Took]:
    part = len(told) // rounds
    with undisturbed():
        return [each(partial(_apply, engine), told[number * part : (number + 1) * part]) for number in range(rounds)]


def _apply(engine: Engine, event: Event) -> object:
    return engine.apply(event, NOW)


def _p999(took: Took) -> float:
    return share_us(took, 0.999) / 1_000


# ---- the worlds


def _one_line(world: World) -> Scene:
    """All 100,000 wait in the line that most agents serve."""
    held, agents = world.busy()
    plans = [_most_served(world)]
    engine = world.engine([*world.waiting(plans=plans), *held], agents)
    return engine, _come_and_go(world.arrivals(EVENTS // 2, over_s=1, plans=plans), held)


def _everybody_idle(world: World) -> Scene:
    """No skill is asked for: each ticket looks at every agent."""
    plans = [Plan.simple(TEXT, POOL)]
    engine = world.engine((), [with_items(agent, 0, SLOTS) for agent in world.agents])
    return engine, [
        events.TicketCreated(one) for one in world.arrivals(int(EVENTS * world.size), over_s=1, plans=plans)
    ]


def _heads_barred(world: World) -> Scene:
    """Whoever gets room is barred from the ten tickets at the head of each of their lines."""
    held, agents = world.busy()
    few = agents[:: max(1, len(agents) // 500)]
    barred = tuple((agent.id, FOREVER) for agent in few)
    ahead: dict[Plan, int] = {}
    tickets = []
    for ticket in sorted(world.waiting(), key=lambda ticket: ticket.va):
        ahead[ticket.plan] = ahead.get(ticket.plan, 0) + 1
        tickets.append(replace(ticket, excluded=barred) if ahead[ticket.plan] <= BARRED else ticket)
    engine = world.engine([*tickets, *held], agents)
    ids = {agent.id for agent in few}
    return engine, [events.TicketClosed(ticket.id) for ticket in held if ticket.agent in ids]


def _emergency_in_hand(world: World) -> Scene:
    """One emergency is being seen to and more wait: each pick asks whether the next may still pass."""
    held, agents = world.busy()
    plan = _most_served(world)
    urgent = [replace(ticket, priority=4) for ticket in world.waiting(100, plans=[_as_emergency(plan)])]
    engine = world.engine([*world.waiting(), *urgent, replace(held[0], priority=4), *held[1:]], agents)
    return engine, _come_and_go(world.arrivals(EVENTS // 20, over_s=1), held[1:])


def _reserve(world: World) -> Scene:
    """One agent of the pool is to keep room for its own work."""
    return _under(world, PoolRule(reserve=1))


def _capped(world: World) -> Scene:
    """The queue takes a limited number of waiting tickets, and is far from it."""
    return _under(world, PoolRule(most_waiting=1_000_000))


def _under(world: World, rule: PoolRule) -> Scene:
    held, agents = world.busy()
    engine = world.engine([*world.waiting(), *held], agents, replace(POLICY, usual=rule))
    return engine, _come_and_go(world.arrivals(EVENTS // 20, over_s=1), held)


CASES = (
    Case("all wait in one line", _one_line),
    Case("every agent is idle and may serve everything", _everybody_idle),
    Case(f"the first {BARRED} of every line bar the agent", _heads_barred),
    Case("an emergency is in hand and others wait", _emergency_in_hand),
    Case("a reserve is kept", _reserve),
    Case("the queue is capped", _capped),
)


# ---- at one instant


def _relaxations(size: float) -> list[Figure]:
    """Every waiting ticket's ring ends at the same instant; one tick takes 256 of them."""
    world = World(size, relaxing=True)
    _held, agents = world.busy()
    relaxable = [plan for plan in world.plans if len(plan.rings) > 1]
    tickets = [replace(t, arrived_at=NOW, va=NOW, entered_at=NOW) for t in world.waiting(plans=relaxable)]
    engine = world.engine(tickets, agents)
    at = NOW + RELAX_S * 1000
    with undisturbed():
        took = each(lambda _: engine.apply(events.Tick(), at), range(min(300, len(tickets) // TICK)))
    rounds = [took[number::3] for number in range(3)]
    return [
        Figure("engine", f"A tick with {TICK} relaxations, p99", "ms", [share_us(one, 0.99) / 1_000 for one in rounds], "less"),
        Figure("engine", "One of them, mean", "µs", [mean_us(one) / TICK for one in rounds], "less"),
    ]  # fmt: skip


def _last_one_leaves(size: float) -> list[Figure]:
    """All wait in a line that one agent serves, who goes away and comes back."""
    world = World(size)
    plan = Plan.simple(TEXT, POOL, (99, 1))
    only = replace(world.agents[0], skills=((99, 5),), primary=(99,))
    agents = [with_items(agent, SLOTS, SLOTS) for agent in [only, *world.agents[1:]]]
    engine = world.engine(world.waiting(plans=[plan]), agents)
    with undisturbed():
        away = each(partial(_apply, engine), [events.AgentIntent(only.id, "away")])
        other = each(partial(_apply, engine), [events.AgentIntent(agents[1].id, "away")])
        back = each(partial(_apply, engine), [events.AgentIntent(only.id, "available")])
    waiting = f"{len(engine.floor.cases):,} wait"
    return [
        Figure("engine", f"The last agent of a line goes away while {waiting}", "ms", [away[0] / 1e6], "less"),
        Figure("engine", "After that an agent elsewhere goes away", "ms", [other[0] / 1e6], "less"),
        Figure("engine", "The agent comes back", "ms", [back[0] / 1e6], "less"),
    ]


# ---- helpers


def _come_and_go(news: Iterable[Ticket], held: Sequence[Ticket]) -> list[Event]:
    told: list[Event] = []
    for come, gone in zip(news, held, strict=False):
        told += [events.TicketCreated(come), events.TicketClosed(gone.id)]
    return told


def _most_served(world: World) -> Plan:
    """The plan that most agents may serve."""
    return max(world.plans, key=lambda plan: sum(_serves(agent, plan.rings[0].signature) for agent in world.agents))


def _serves(agent: Agent, signature: Signature) -> bool:
    levels = dict(agent.skills)
    return all(levels.get(skill, 0) >= level for skill, level in signature.reqs)


def _as_emergency(plan: Plan) -> Plan:
    signature = plan.rings[0].signature
    return Plan.simple(TEXT, POOL, *[(req.skill, req.min_level) for req in signature.reqs], emergency=True)
