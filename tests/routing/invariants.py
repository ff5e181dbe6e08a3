"""What must hold after every fact, whoever is right about the details: looked up in the router's own snapshot."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from routing import Policy, Signature, Snapshot, State, Ticket, events
from routing.events import Anomaly, Closed, Event, Given, Requeued, Rescinded, SlaAtRisk
from tests.routing.oracle import Oracle

HOLDING = (State.OFFERED, State.ASSIGNED, State.WRAPUP)
NEW_ARRIVALS = (events.CitizenReplied, events.TicketCreated, events.Reconciled)
BY_HAND = ("picked", "override")


class Ledger:
    """Counts what was opened and what was ended."""

    def __init__(self) -> None:
        self.open: set[int] = set()
        self.offers: dict[int, int] = {}
        self.ended: Counter[str] = Counter()
        self.moved: set[int] = set()
        self.warned: dict[int, tuple[int, int | None]] = {}

    def check(self, event: Event, told: list[Any], before: Snapshot, after: Snapshot, oracle: Oracle) -> None:
        if told and isinstance(told[0], Anomaly):
            nothing_changed(before, after)
            return
        was, now = _by_id(before), _by_id(after)
        self.no_ticket_is_lost(event, told, now)
        self.offers_end_once(event, told, now)
        work_is_counted(after)
        nobody_is_given_too_much(event, told, before, after, oracle.policy)
        virtual_arrivals_never_move_back(event, was, now)
        rings_never_tighten(event, was, now)
        nobody_waits_beside_room(after, oracle)
        self.winners_may_serve_and_go_in_order(event, told, now, oracle)
        self.one_warning(event, told, now)

    def no_ticket_is_lost(self, event: Event, told: list[Any], now: dict[int, Ticket]) -> None:
        if isinstance(event, events.TicketCreated):
            self.open.add(event.ticket.id)
        elif isinstance(event, events.Reconciled):
            self.open |= {ticket.id for ticket in event.tickets}
            self.open -= set(event.gone)
        elif isinstance(event, events.TicketCancelled | events.WrapUpEnded | events.TicketClosed):
            wraps_up = event.ticket in now and now[event.ticket].state is State.WRAPUP
            self.open -= set() if wraps_up else {event.ticket}
        self.open -= {effect.ticket for effect in told if isinstance(effect, Closed)}
        assert self.open == set(now)

    def offers_end_once(self, event: Event, told: list[Any], now: dict[int, Ticket]) -> None:
        """Accepted, declined, timed out or rescinded; what somebody else did to the rows ends it too."""
        if isinstance(event, events.OfferAccepted) and event.ticket in self.offers:
            self.ends(event.ticket, event.agent, "accepted")
        for ticket in undone(event) & set(self.offers):
            self.ends(ticket, self.offers[ticket], "by_rows")
        for effect in told:
            if isinstance(effect, Rescinded):
                self.ends(effect.ticket, effect.agent, "rescinded")
            elif isinstance(effect, Requeued) and effect.because.rule in ("declined", "timed_out"):
                assert effect.agent is not None
                self.ends(effect.ticket, effect.agent, effect.because.rule)
            elif isinstance(effect, Given) and effect.mode == "offer":
                assert effect.ticket not in self.offers
                self.offers[effect.ticket] = effect.agent
        assert self.offers == {one.id: one.agent for one in now.values() if one.state is State.OFFERED}

    def ends(self, ticket: int, agent: int, how: str) -> None:
        assert self.offers.pop(ticket) == agent
        self.ended[how] += 1

    def winners_may_serve_and_go_in_order(
        self, event: Event, told: list[Any], now: dict[int, Ticket], oracle: Oracle
    ) -> None:
        if isinstance(event, events.MovedToFront | events.TransferAsked | events.TicketChanged):
            self.moved.add(event.ticket)
        for given in told:
            if not isinstance(given, Given) or given.because.rule == "override":
                continue
            ticket, agent = now[given.ticket], oracle.people[given.agent]
            pools = {ticket.pool, *ticket.overflowed}
            assert any(meets(agent, ticket.signature._replace(pool=pool)) for pool in pools)
            if given.because.rule not in (*BY_HAND, "sticky", "emergency"):
                rivals = [one for one in now.values() if one.state is State.QUEUED and one.sticky_until is None]
                self.nobody_was_passed_over(ticket, given.agent, rivals, oracle)

    def nobody_was_passed_over(self, winner: Ticket, agent: int, rivals: Iterable[Ticket], oracle: Oracle) -> None:
        """Inside a signature by virtual arrival; and no head start is larger than the limit."""
        person, policy = oracle.people[agent], oracle.policy
        for rival in rivals:
            if rival.signature != winner.signature or rival.priority == 4 or winner.priority == 4:
                continue
            barred = oracle.barred(person, oracle.papers[rival.id])
            reserved = any(rule.reserve for rule in (policy.usual, *policy.pools.values()))
            if barred or reserved or rival.overflowed != winner.overflowed:
                continue
            assert (winner.va, winner.arrived_at, winner.id) < (rival.va, rival.arrived_at, rival.id)
            if winner.id not in self.moved:
                live = policy.channels[winner.channel].live
                most = policy.max_head_start_live_ms if live else policy.max_head_start_filler_ms
                assert winner.arrived_at - rival.arrived_at <= most

    def one_warning(self, event: Event, told: list[Any], now: dict[int, Ticket]) -> None:
        """One warning for one deadline of one arrival."""
        for effect in told:
            if isinstance(effect, SlaAtRisk):
                ticket = now[effect.ticket]
                assert self.warned.get(ticket.id) != (ticket.arrived_at, ticket.sla_deadline), "warned twice"
                self.warned[ticket.id] = (ticket.arrived_at, ticket.sla_deadline)


def undone(event: Event) -> set[int]:
    """Whose offer was undone by somebody else."""
    if isinstance(event, events.ClaimRefused):
        return {event.ticket}
    if isinstance(event, events.Reconciled):
        return {*event.gone, *(ticket.id for ticket in event.tickets if ticket.state is not State.OFFERED)}
    return set()


def _by_id(snapshot: Snapshot) -> dict[int, Ticket]:
    return {ticket.id: ticket for ticket in snapshot.tickets}


def nothing_changed(before: Snapshot, after: Snapshot) -> None:
    assert (before.tickets, before.agents, before.closed, before.surges) == (
        after.tickets, after.agents, after.closed, after.surges,
    )  # fmt: skip


def work_is_counted(after: Snapshot) -> None:
    """What an agent holds is what is offered to them, active or in wrap-up, and nothing else."""
    for agent in after.agents:
        held = [one for one in after.tickets if one.agent == agent.id and one.state in HOLDING]
        assert dict(agent.items) == dict(Counter(ticket.channel for ticket in held))
        assert agent.primary_units == sum(ticket.units for ticket in held if not ticket.filler) >= 0
        assert agent.filler_units == sum(ticket.units for ticket in held if ticket.filler) >= 0
    for ticket in after.tickets:
        assert (ticket.agent is None) == (ticket.state in (State.NEW, State.HELD, State.QUEUED, State.DIVERTED))
        assert bool(ticket.units) == (ticket.state in HOLDING)


def nobody_is_given_too_much(event: Event, told: list[Any], before: Snapshot, after: Snapshot, policy: Policy) -> None:
    """Above a cap or the budget only by counted over-booking, or draining after a limit was lowered."""
    was = {agent.id: agent for agent in before.agents}
    given = {effect.agent for effect in told if isinstance(effect, Given)}
    for agent in after.agents:
        if agent.overbooked:
            continue
        earlier = was.get(agent.id)
        for channel, count in agent.items.items():
            cap = agent.caps.get(channel, policy.channels[channel].cap)
            assert count <= cap or (earlier is not None and count <= earlier.items.get(channel, 0))
        drains = earlier is not None and agent.primary_units <= earlier.primary_units
        assert agent.primary_units <= agent.budget or drains
        if agent.id in given and not isinstance(event, events.Overridden):
            assert agent.primary_units <= agent.budget or drains


def virtual_arrivals_never_move_back(event: Event, was: dict[int, Ticket], now: dict[int, Ticket]) -> None:
    lowered = event.ticket if isinstance(event, events.TicketChanged) and event.lowered else None
    for ticket in now.values():
        assert ticket.va <= ticket.arrived_at
        earlier = was.get(ticket.id)
        if earlier is not None and not isinstance(event, NEW_ARRIVALS) and ticket.id != lowered:
            assert ticket.va <= earlier.va


def rings_never_tighten(event: Event, was: dict[int, Ticket], now: dict[int, Ticket]) -> None:
    for ticket in now.values():
        earlier = was.get(ticket.id)
        if earlier is not None and earlier.plan == ticket.plan and not isinstance(event, NEW_ARRIVALS):
            moved = isinstance(event, events.TransferAsked | events.TicketChanged) and event.ticket == ticket.id
            assert ticket.ring >= earlier.ring or moved or ticket.entered_at != earlier.entered_at


def nobody_waits_beside_room(after: Snapshot, oracle: Oracle) -> None:
    """A waiting ticket and an eligible agent with room: only a named hold explains it, or a timer about to strike.

    Room for live work is counted without the filler, so filler never delays it.
    """
    if (due := oracle.next_due()) is not None and due <= after.now:
        return
    for ticket in after.tickets:
        if ticket.state is State.QUEUED and ticket.sticky_until is None:
            paper = oracle.papers[ticket.id]
            for person in oracle.people.values():
                takers = [pool for pool in oracle.pools_of(paper) if oracle.may_take(person, paper, pool)]
                assert takers == [], f"ticket {ticket.id} waits beside agent {person.id}"
        if ticket.state is State.QUEUED and ticket.sticky_until is not None:
            assert ticket.sticky_until > after.now
            waits_for = oracle.people[ticket.preferred_agent or 0]
            assert not oracle.has_room(waits_for, ticket.channel)


def meets(agent: Any, signature: Signature) -> bool:
    levels = dict(agent.skills)
    return (
        signature.pool in agent.pools
        and signature.channel in agent.channels_on
        and all(levels.get(req.skill, 0) >= req.min_level for req in signature.reqs)
    )
