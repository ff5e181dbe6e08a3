"""A day in the small agency: every fact is told to the router and to the oracle, and their answers are compared."""

from dataclasses import fields
from operator import attrgetter
from typing import Any

from routing import Agent, Engine, Snapshot, State, events
from routing.choosing import Choice, Keys
from routing.events import Event
from routing.model import KEY_FIELDS
from tests.routing.invariants import Ledger
from tests.routing.oracle import Oracle
from tests.routing.oracle_papers import TICKET_FIELDS, Told
from tests.routing.small_agency import HAPPENS, RUSH, Action, SmallAgency
from tests.routing.small_world import SECOND, Draw, Seeded, a_policy, an_agent

START = 1_700_000_000_000
ANY_DAY, RUSH_HOUR = ([action for parts, action in of for _ in range(parts)] for of in (HAPPENS, RUSH))


class Day:
    """`log` keeps what was told, so that the day can be told again. `decisions` counts who was given what."""

    def __init__(self, draw: Draw, keys: type[Choice] = Keys) -> None:
        self.draw = draw
        self.policy = a_policy(draw)
        self.engine, self.oracle = Engine(self.policy, keys=keys), Oracle(self.policy)
        self.agency, self.ledger = SmallAgency(draw, self.engine.snapshot()), Ledger()
        self.log: list[tuple[int, Event]] = []
        self.effects: list[list[Any]] = []
        self.now, self.decisions = START, 0
        for number in range(1, draw.between(1, 5) + 1):
            self.tell(events.AgentChanged(an_agent(draw, number, self.now)))

    def time_passes(self, by: int) -> None:
        """The clock strikes at every instant at which something is due; now and then late, but before the next."""
        until = self.now + by
        late = self.draw.between(0, 4) == 0
        while (due := self._due()) is not None and due <= until:
            following = min((at for at in self.oracle.timers.values() if at > due), default=until + 1)
            self.now = max(self.now, min(until, following - 1) if late else due)
            self.tell(events.Tick())
        self.now = until

    def _due(self) -> int | None:
        both = [due for due in (self.engine.next_due(), self.oracle.next_due()) if due is not None]
        return min(both, default=None)

    def happens(self, action: Action) -> None:
        event = action(self.agency)
        if event is not None:
            self.tell(event)
            self.time_passes(0)

    def tell(self, event: Event) -> None:
        before = self.agency.seen
        told = self.engine.apply(event, self.now)
        self.log.append((self.now, event))
        self.effects.append(told)
        expected = self.oracle.hear(event, self.now)
        answers = [in_short(effect) for effect in told]
        self.decisions += sum(answer[0] == "Given" for answer in answers)
        assert decisions_of(answers) == decisions_of(expected), event
        assert comparable(answers) == comparable(expected), event
        after = self.agency.seen = self.engine.snapshot()
        compare(after, self.oracle)
        self.ledger.check(event, told, before, after, self.oracle)

    def restart(self) -> None:
        """A standby takes over from the snapshot."""
        successor = Engine(self.engine.floor.policy, self.agency.seen)
        assert successor.stirred == []
        assert successor.state_hash() == self.engine.state_hash()
        self.engine = successor

    def everybody_goes_home(self) -> None:
        """All is closed: nobody holds anything."""
        for ticket in self.agency.tickets():
            self.tell(
                events.WrapUpEnded(ticket.id) if ticket.state is State.WRAPUP else events.TicketCancelled(ticket.id)
            )
        for agent in self.agency.agents():
            assert (agent.primary_units, agent.filler_units, agent.overbooked, dict(agent.items)) == (0, 0, 0, {})


def a_random_day(seed: int, steps: int, keys: type[Choice] = Keys, *, and_then_home: bool = True) -> Day:
    """Every fourth day is one long rush hour."""
    draw, parts = Seeded(seed), ANY_DAY if seed % 4 else RUSH_HOUR
    day = Day(draw, keys)
    try:
        for step in range(steps):
            day.time_passes(SECOND * draw.choose([0, 0, 0, 1, 1, 2, 3, 8]))
            day.happens(draw.choose(parts))
            if step % 40 == 39:
                day.restart()
        if and_then_home:
            day.everybody_goes_home()
    except AssertionError as wrong:
        wrong.add_note(f"seed {seed}, after {len(day.log)} facts")
        raise
    return day


def told_again(day: Day, keys: type[Choice] = Keys) -> None:
    """The log gives the same answers in the same order, also to a router that never restarted."""
    again = Engine(day.policy, keys=keys)
    assert again.replay(day.log) == day.effects
    assert again.state_hash() == day.engine.state_hash()


def in_short(effect: Any) -> Told:
    """The name of an effect and its fields, of its reasons only the rule.

    An ordinary decision joins the best ticket and the best agent; the router calls it by either.
    """
    name = type(effect).__name__
    if name == "Anomaly":
        return (name,)
    rule = effect.because.rule
    return (name, *effect[:-1], "ordinary" if rule == "pick" or rule in KEY_FIELDS else rule)


def decisions_of(answers: list[Told]) -> list[Told]:
    return [answer for answer in answers if answer[0] == "Given"]


def comparable(answers: list[Told]) -> list[str]:
    """In any order; of several steps through the rings within one fact only the last counts."""
    last = {answer[1]: answer[:3] for answer in answers if answer[0] == "Relaxed"}
    return sorted(map(repr, [*last.values(), *(answer for answer in answers if answer[0] != "Relaxed")]))


of_ticket = attrgetter(*TICKET_FIELDS)
of_agent = attrgetter(*(each.name for each in fields(Agent) if each.name not in ("skills", "items")))


def compare(snapshot: Snapshot, oracle: Oracle) -> None:
    assert [ticket.id for ticket in snapshot.tickets] == sorted(oracle.papers)
    assert [agent.id for agent in snapshot.agents] == sorted(oracle.people)
    for ticket in snapshot.tickets:
        assert of_ticket(ticket) == of_ticket(oracle.papers[ticket.id])
    for agent in snapshot.agents:
        person = oracle.people[agent.id]
        assert of_agent(agent) == of_agent(person)
        assert (dict(agent.skills), agent.items) == (person.skills, person.holds())
    assert (dict(snapshot.closed), dict(snapshot.surges)) == (oracle.closed, oracle.surges)
    assert set(snapshot.reported) == oracle.reported
