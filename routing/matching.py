"""Who gets which ticket, decided for everybody at once.

Every agent with room points at the ticket they would take: the highest score, ties by virtual arrival, arrival, id.
Of the tickets pointed at, the one with the highest score is decided, and goes to the smallest key among the agents who
point at it. That agent's room shrinks, those who pointed at the ticket point anew, and so on until nobody points.

The procedure is our own, chosen because it answers both questions of the desk, which ticket and which agent, with one
rule:

- An agent only ever gets the ticket they point at, so when agents are scarce each pick is the best one for that agent.
- When tickets are scarce every agent points at the same one, so it goes to the best of all agents with room.
- It ends, because every step uses up a ticket; and only when no waiting ticket has an eligible agent with room.
- Scores never differ inside a signature but by age, so a signature is served in its order, exclusions aside.
- Every order it uses is total and ends in an id, so the order in which tickets and agents are listed changes nothing.

While it runs time stands still, room only shrinks and tickets only leave. So whoever pointed at another ticket still
points at it, and each agent needs one heap with the first ticket they may have of each signature.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from heapq import heapify, heappop, heapreplace
from typing import NamedTuple

from routing.because import because_of
from routing.capacity import has_room, units_of, with_work
from routing.choosing import absence, agent_key, first_failing_check, is_excluded, misfit
from routing.model import Agent, AgentKey, Because, Decision, Policy, Signature, Ticket
from routing.ordering import order_of, score


class Wish(NamedTuple):
    """A ticket an agent would take; the smallest is the one they point at. `place` is its index in `line`."""

    minus_score: int
    va: int
    arrived_at: int
    ticket: int
    line: int
    place: int


@dataclass(slots=True)
class Line:
    """The waiting tickets of one signature in their order, who may serve them, and what stops everybody else."""

    tickets: list[Ticket]
    eligible: list[int] = field(default_factory=list)
    ruled_out: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Floor:
    """Everybody and everything while it is being settled; `wishes` has the agents who still point at a ticket."""

    policy: Policy
    now: int
    agents: dict[int, Agent]
    lines: list[Line]
    wishes: dict[int, list[Wish]] = field(default_factory=dict)
    taken: set[int] = field(default_factory=set)


def settle(tickets: Iterable[Ticket], agents: Iterable[Agent], policy: Policy, now: int) -> list[Decision]:
    """Decide until no waiting ticket has an eligible agent with room, in the order of the decisions.

    `tickets` are the waiting ones, `agents` everybody on the books, signed in or not; `now` is in milliseconds of UTC.
    The cost is one eligibility test per agent and signature, and per decision one look at every agent.
    """
    floor = _open_floor(tickets, agents, policy, now)
    decisions = []
    while floor.wishes:
        decisions.append(_decide_next(floor))
    return decisions


def _open_floor(tickets: Iterable[Ticket], agents: Iterable[Agent], policy: Policy, now: int) -> Floor:
    by_id = {agent.id: agent for agent in agents}
    floor = Floor(policy, now, by_id, _lines(tickets))
    for agent in by_id.values():
        wishes = _first_wishes(floor, agent)
        if wishes:
            floor.wishes[agent.id] = wishes
    return floor


def _lines(tickets: Iterable[Ticket]) -> list[Line]:
    by_signature: dict[Signature, list[Ticket]] = {}
    for ticket in sorted(tickets, key=order_of):
        by_signature.setdefault(ticket.signature, []).append(ticket)
    return [Line(line) for line in by_signature.values()]


def _first_wishes(floor: Floor, agent: Agent) -> list[Wish]:
    wishes = []
    absent = absence(agent)
    for number, line in enumerate(floor.lines):
        failing = misfit(agent, line.tickets[0], floor.policy)
        if failing:
            line.ruled_out[absent or failing] += 1
            continue
        line.eligible.append(agent.id)
        if not absent and has_room(agent, line.tickets[0].channel, floor.policy):
            wish = _wish_from(floor, agent, number, 0)
            if wish:
                wishes.append(wish)
    heapify(wishes)
    return wishes


def _wish_from(floor: Floor, agent: Agent, number: int, place: int) -> Wish | None:
    """The first ticket of a line, from a place on, that the agent may have."""
    tickets = floor.lines[number].tickets
    for at in range(place, len(tickets)):
        ticket = tickets[at]
        if ticket.id not in floor.taken and not is_excluded(agent, ticket, floor.now):
            return Wish(-score(ticket, agent, floor.policy, floor.now), *order_of(ticket), number, at)
    return None


def _decide_next(floor: Floor) -> Decision:
    first = min(wishes[0] for wishes in floor.wishes.values())
    line = floor.lines[first.line]
    ticket = line.tickets[first.place]
    pointing = [agent for agent, wishes in floor.wishes.items() if wishes[0].ticket == ticket.id]
    keys = sorted(agent_key(floor.agents[agent], ticket, floor.policy) for agent in pointing)
    winner = keys[0][-1]
    because = _because(floor, line, ticket, keys)
    floor.taken.add(ticket.id)
    floor.agents[winner] = with_work(floor.agents[winner], ticket.channel, floor.policy, floor.now)
    for agent in pointing:
        _point_anew(floor, agent)
    return _decision(ticket, winner, floor.policy, floor.now, because)


def _point_anew(floor: Floor, agent_id: int) -> None:
    agent, wishes = floor.agents[agent_id], floor.wishes[agent_id]
    while wishes:
        top = wishes[0]
        roomy = has_room(agent, floor.lines[top.line].tickets[0].channel, floor.policy)
        if roomy and top.ticket not in floor.taken:
            return
        following = _wish_from(floor, agent, top.line, top.place + 1) if roomy else None
        if following:
            heapreplace(wishes, following)
        else:
            heappop(wishes)
    del floor.wishes[agent_id]


def _decision(ticket: Ticket, agent: int, policy: Policy, now: int, because: Because) -> Decision:
    units, filler = units_of(ticket.channel, policy)
    offer_s = policy.channels[ticket.channel].offer_s
    if offer_s is None:
        return Decision(ticket.id, agent, "direct", units, filler, None, because)
    return Decision(ticket.id, agent, "offer", units, filler, now + offer_s * 1000, because)


def _because(floor: Floor, line: Line, ticket: Ticket, keys: list[AgentKey]) -> Because:
    pointing = {key[-1] for key in keys}
    passed_over: list[tuple[str, AgentKey]] = []
    for agent in map(floor.agents.__getitem__, line.eligible):
        if agent.id not in pointing:
            reason = first_failing_check(agent, ticket, floor.policy, floor.now) or "other_ticket"
            passed_over.append((reason, agent_key(agent, ticket, floor.policy)))
    return because_of(ticket, keys, passed_over, line.ruled_out, floor.policy)
