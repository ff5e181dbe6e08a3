"""The router's engine: facts in, effects out. No I/O, no clock, no chance; the same facts give the same effects."""

from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Any

from routing import events, on_agents, on_queues, on_tickets, queueing
from routing.choosing import Choice, Keys
from routing.events import Anomaly, Effect, Event, Tick
from routing.floor import Case, Floor
from routing.model import Policy, Snapshot, State
from routing.on_tickets import Undigestible
from routing.settling import settle
from routing.timers import MOST_PER_TICK

Take = Callable[[Floor, Any], None]

VERSION = 2
"""Raised whenever the same facts may give other effects: what another version decided is not repeated by this one.

2: an agent's packed key holds the rank.
"""


class Engine:
    """Decides who gets which ticket.

    `policy` are the rules, `snapshot` what there is already (rows of the database, or another engine's `snapshot()`).
    """

    def __init__(self, policy: Policy, snapshot: Snapshot | None = None, keys: Callable[[], Choice] = Keys) -> None:
        self.floor = Floor(policy, keys)
        self.stirred: list[Effect] = []
        if snapshot is not None:
            self._restore(snapshot)

    def apply(self, event: Event, now: int) -> list[Effect]:
        """Take one fact in at `now` (ms UTC; an earlier instant counts as the last one seen) and settle everything.

        What cannot be digested changes nothing and gives an `Anomaly`.
        """
        floor = self.floor
        if now > floor.now:
            floor.now = now
        effects: list[Effect] = []
        floor.effects = effects
        try:
            TAKES[type(event)](floor, event)
        except Undigestible as why:
            return [Anomaly(event, str(why), self.state_hash())]
        if floor.restaffed:
            queueing.refit_restaffed(floor)
        settle(floor)
        return effects

    def next_due(self) -> int | None:
        """When the next timer is due (ms UTC): apply a `Tick` then, and again while this lies in the past."""
        return self.floor.timers.next_due()

    def snapshot(self) -> Snapshot:
        return self.floor.snapshot()

    def state_hash(self) -> str:
        """Equal for equal states, on every run and platform."""
        return blake2b(repr(self.snapshot()).encode(), digest_size=16).hexdigest()

    def replay(self, log: Iterable[tuple[int, Event]]) -> list[list[Effect]]:
        """The effects of each (now, event) in turn."""
        return [self.apply(event, now) for now, event in log]

    def _restore(self, snapshot: Snapshot) -> None:
        floor = self.floor
        floor.now = snapshot.now
        floor.closed, floor.surges = dict(snapshot.closed), dict(snapshot.surges)
        floor.guarded, floor.reported = dict(snapshot.guarded), set(snapshot.reported)
        for queue, until in snapshot.surges:
            floor.timers.arm("surge", queue, until)
        for agent in snapshot.agents:
            seat = floor.add_seat(agent)
            if seat.health != "connected":
                on_agents.arm_grace(floor, seat)
        work = {seat.id: seat.as_agent() for seat in floor.seats.values()}
        for ticket in snapshot.tickets:
            on_queues.stand(floor, Case(ticket))
        for agent in work.values():
            on_queues.adopt_work(floor, agent)
        settle(floor)
        self.stirred, floor.effects = floor.effects, []


def _tick(floor: Floor, _fact: Tick) -> None:
    """Fire at most 256 due timers, by instant, kind and id."""
    for _ in range(MOST_PER_TICK):
        due = floor.timers.pop_due(floor.now)
        if due is None:
            return
        _fire(floor, *due)


def _fire(floor: Floor, kind: str, of: int) -> None:
    if kind == "surge":
        on_queues.surge_ended(floor, events.SurgeEnded(of))
    elif kind == "grace":
        on_agents.grace_over(floor, of)
    elif (case := floor.cases.get(of)) is not None:
        if kind == "offer" and case.state is State.OFFERED:
            on_tickets.timed_out(floor, case)
        elif kind == "wrap_up" and case.state is State.WRAPUP:
            on_tickets.wrap_up_over(floor, case)
        else:
            queueing.fire(floor, kind, case)


TAKES: dict[type, Take] = {
    events.TicketCreated: on_tickets.created,
    events.TicketChanged: on_tickets.changed,
    events.TicketCancelled: on_tickets.cancelled,
    events.TicketClosed: on_tickets.closed,
    events.WrapUpEnded: on_tickets.wrap_up_ended,
    events.Answered: on_tickets.answered,
    events.CitizenSilent: on_tickets.silent,
    events.CitizenReplied: on_tickets.citizen_replied,
    events.TransferAsked: on_tickets.transfer_asked,
    events.Excluded: on_tickets.excluded,
    events.Picked: on_tickets.picked,
    events.Overridden: on_tickets.overridden,
    events.MovedToFront: on_tickets.moved_to_front,
    events.OfferAccepted: on_tickets.accepted,
    events.OfferDeclined: on_tickets.declined,
    events.ClaimRefused: on_tickets.claim_refused,
    events.Reconciled: on_queues.reconciled,
    events.AgentChanged: on_agents.changed,
    events.AgentIntent: on_agents.intent,
    events.AgentHealth: on_agents.health,
    events.AgentLeft: on_agents.left,
    events.QueueOpened: on_queues.opened,
    events.QueueClosed: on_queues.closed,
    events.SurgeStarted: on_queues.surge_started,
    events.SurgeEnded: on_queues.surge_ended,
    events.PolicyChanged: on_queues.policy_changed,
    Tick: _tick,
}
