"""What happens to tickets: each function takes one fact in and leaves the floor to be settled."""

from collections.abc import Set

from routing import queueing
from routing.events import (
    Answered,
    CitizenReplied,
    CitizenSilent,
    ClaimRefused,
    Closed,
    Excluded,
    Grounds,
    MovedToFront,
    NotResponding,
    OfferAccepted,
    OfferDeclined,
    Overridden,
    Picked,
    Requeued,
    Rescinded,
    TicketCancelled,
    TicketChanged,
    TicketClosed,
    TicketCreated,
    TransferAsked,
    WrapUpEnded,
)
from routing.floor import Case, Floor, Seat
from routing.model import HOLDING, MOVES, Plan, State
from routing.ordering import max_head_start_ms, va_of
from routing.settling import give, may_have

DAY_MS = 86_400_000
SOURCES = {to: frozenset(state for state in MOVES if to in MOVES[state]) for to in State}
"""From where a ticket may get into each state."""
CLOSABLE = SOURCES[State.CLOSED] - {State.WRAPUP}
"""A wrap-up ends in its own way."""


class Undigestible(Exception):
    """The fact does not fit what the router knows; nothing was changed. The message is a sentence for a person."""


def created(floor: Floor, fact: TicketCreated) -> None:
    ticket = fact.ticket
    known = floor.cases.get(ticket.id)
    if known is not None and known.state is not State.DIVERTED:
        raise Undigestible(f"Ticket {ticket.id} is on the floor already.")
    case = Case(ticket)
    if case.channel not in floor.policy.channels:
        raise Undigestible(f"Ticket {case.id} came over {case.channel}, which has no rule.")
    if case.va > case.arrived_at:
        raise Undigestible(f"Ticket {case.id} counts as arrived later than it did.")
    case.state = State.NEW
    floor.cases[case.id] = case
    queueing.enter(floor, case)


def changed(floor: Floor, fact: TicketChanged) -> None:
    case = _case(floor, fact.ticket)
    if fact.va is not None and fact.va > (case.arrived_at if fact.lowered else case.va):
        raise Undigestible(f"The virtual arrival of ticket {case.id} may not move back.")
    if fact.plan is not None and fact.plan.rings[0].signature.channel != case.channel:
        raise Undigestible(f"Ticket {case.id} cannot change its channel.")
    waiting = case.state is State.QUEUED
    own = case.own
    if waiting:
        queueing.withdraw(floor, case)
    _count_emergency(floor, case, -1)
    _adopt(case, fact)
    _count_emergency(floor, case, +1)
    if waiting:
        if own and fact.plan is None:
            floor.join_own(case, floor.seats[case.preferred or 0])
        else:
            case.sticky_until = None
        queueing.refit(floor, case)
        queueing.arm(floor, case)
        floor.touch(case)
    elif case.state is State.OFFERED and fact.plan is not None and not _fits(floor, case):
        rescind(floor, case, "changed")


def _adopt(case: Case, fact: TicketChanged) -> None:
    case.va = case.va if fact.va is None else fact.va
    case.priority = case.priority if fact.priority is None else fact.priority
    case.vulnerable = case.vulnerable if fact.vulnerable is None else fact.vulnerable
    case.sla_deadline = case.sla_deadline if fact.sla_deadline is None else fact.sla_deadline
    if fact.plan is not None:
        case.plan, case.named, case.ring, case.overflowed = fact.plan, fact.plan.named_only, 0, ()
        case.pool = fact.plan.rings[0].signature.pool


def _count_emergency(floor: Floor, case: Case, by: int) -> None:
    if case.priority == 4 and case.state in HOLDING:
        floor.emergencies[case.pool] = floor.emergencies.get(case.pool, 0) + by


def _fits(floor: Floor, case: Case) -> bool:
    seat = floor.seats[case.agent or 0]
    numbers = floor.lines_of_plan(case.plan, case.priority == 4)
    return numbers[case.ring] in seat.serves and may_have(floor, case, seat)


def cancelled(floor: Floor, fact: TicketCancelled) -> None:
    case = _moving(floor, fact.ticket, State.CANCELLED)
    if case.state is State.OFFERED:
        _tell_rescinded(floor, case, "cancelled")
    remove(floor, case)


def remove(floor: Floor, case: Case) -> None:
    """Take a ticket off the floor, whatever it was doing."""
    if case.state is State.QUEUED:
        queueing.withdraw(floor, case)
    elif case.state in HOLDING:
        let_go(floor, case)
    del floor.cases[case.id]


def closed(floor: Floor, fact: TicketClosed) -> None:
    case = _moving(floor, fact.ticket, State.CLOSED, CLOSABLE)
    wrap_up_s = floor.rule(case.pool).wrap_up_s
    if case.state is State.ASSIGNED and wrap_up_s:
        case.state = State.WRAPUP
        case.offer_expires = floor.now + wrap_up_s * 1000
        floor.timers.arm("wrap_up", case.id, case.offer_expires)
        return
    remove(floor, case)


def wrap_up_ended(floor: Floor, fact: WrapUpEnded) -> None:
    remove(floor, _moving(floor, fact.ticket, State.CLOSED, {State.WRAPUP}))


def answered(floor: Floor, fact: Answered) -> None:
    _rest(floor, _moving(floor, fact.ticket, State.WAITING_CITIZEN, {State.ASSIGNED}), State.WAITING_CITIZEN)


def silent(floor: Floor, fact: CitizenSilent) -> None:
    _rest(floor, _moving(floor, fact.ticket, State.PARKED, {State.ASSIGNED}), State.PARKED)


def _rest(floor: Floor, case: Case, state: State) -> None:
    """The ticket stays with its agent and holds nothing."""
    floor.give_back(case)
    case.state = state


def citizen_replied(floor: Floor, fact: CitizenReplied) -> None:
    """The slot is taken again at the same agent if present, even if full, by one item at most; else the ticket queues."""
    case = _case(floor, fact.ticket)
    if case.state not in (State.WAITING_CITIZEN, State.PARKED):
        return
    if fact.va is not None and fact.arrived_at is not None and fact.va > fact.arrived_at:
        raise Undigestible(f"Ticket {case.id} counts as arrived later than it did.")
    seat = floor.seats.get(case.agent or 0)
    there = seat is not None and seat.intent == "available" and seat.health == "connected"
    if seat is not None and there and not floor.excess(seat) and may_have(floor, case, seat):
        floor.take(case, seat)
        case.state = State.ASSIGNED
        seat.overbooked = floor.excess(seat)
        return
    if fact.arrived_at is not None:
        va = fact.arrived_at if fact.va is None else fact.va
        case.arrived_at, case.va, case.entered_at = fact.arrived_at, va, None
    requeue(floor, case, "woken")


def transfer_asked(floor: Floor, fact: TransferAsked) -> None:
    case = _case(floor, fact.ticket)
    if case.state not in (*HOLDING - {State.WRAPUP}, State.WAITING_CITIZEN, State.PARKED, State.QUEUED, State.HELD):
        raise Undigestible(f"Ticket {case.id} is {case.state} and cannot be passed on.")
    if not fact.supervisor:
        _check_hops(floor, case, fact.queue)
    if fact.plan.rings[0].signature.channel != case.channel:
        raise Undigestible(f"Ticket {case.id} cannot change its channel.")
    target = floor.seats.get(fact.target or 0)
    if fact.warm and (target is None or not _may_take_over(floor, case, target, fact.plan)):
        raise Undigestible(f"Ticket {case.id} cannot be handed over: the colleague is not there or has no room.")
    before = case.agent
    if case.state is State.OFFERED:
        _tell_rescinded(floor, case, "transferred")
    _leave_wherever(floor, case)
    case.visited = (*case.visited, (case.queue, floor.now))
    case.hops += 1
    if fact.queue != case.queue:
        case.entered_at = None
    if fact.queue != case.queue or fact.plan != case.plan:
        case.ring, case.overflowed = 0, ()
    case.queue, case.plan, case.named = fact.queue, fact.plan, fact.plan.named_only
    case.pool = fact.plan.rings[0].signature.pool
    least = case.arrived_at - max_head_start_ms(case.channel, floor.policy)
    case.va = min(case.va, max(case.va - fact.bonus_ms, least))
    if fact.warm and target is not None:
        case.entered_at = floor.now if case.entered_at is None else case.entered_at
        floor.take(case, target)
        case.state, case.offer_expires = State.ASSIGNED, None
        case.version += 1
        return
    case.preferred, case.sticky_until = fact.target, fact.sticky_until if fact.target else None
    case.agent = None
    floor.effects.append(Requeued(case.id, before, floor.grounds("transferred")))
    queueing.enter(floor, case)


def _may_take_over(floor: Floor, case: Case, target: Seat, plan: Plan) -> bool:
    excluded = case.excluded.get(target.id, 0) > floor.now or (plan.named_only and target.id not in plan.named_only)
    return not excluded and floor.room(target, case.channel)


def _check_hops(floor: Floor, case: Case, queue: int) -> None:
    visits = ", ".join(str(visited) for visited, _at in case.visited)
    if case.hops >= floor.policy.most_hops:
        raise Undigestible(
            f"Ticket {case.id} was passed on {case.hops} times (queues {visits}): only a supervisor may."
        )
    if any(visited == queue and floor.now - at < DAY_MS for visited, at in case.visited):
        raise Undigestible(
            f"Ticket {case.id} was in queue {queue} within a day (queues {visits}): only a supervisor may."
        )


def excluded(floor: Floor, fact: Excluded) -> None:
    case = _case(floor, fact.ticket)
    if case.state is State.QUEUED:
        own = case.own and case.preferred != fact.agent
        queueing.withdraw(floor, case)
        case.excluded[fact.agent] = fact.until
        if own:
            floor.join_own(case, floor.seats[case.preferred or 0])
        else:
            case.sticky_until = None
        queueing.refit(floor, case)
        queueing.arm(floor, case)
        floor.touch(case)
        return
    case.excluded[fact.agent] = fact.until
    if case.state is State.OFFERED and case.agent == fact.agent:
        rescind(floor, case, "exclusion")


def picked(floor: Floor, fact: Picked) -> None:
    case, seat = _moving(floor, fact.ticket, State.ASSIGNED, {State.QUEUED}), _seat(floor, fact.agent)
    if not seat.present or not floor.room(seat, case.channel):
        raise Undigestible(f"Agent {seat.id} has no room for ticket {case.id}.")
    numbers = floor.lines_of_plan(case.plan, case.priority == 4)
    if numbers[case.ring] not in seat.serves and not any(number in seat.serves for number in case.lines):
        raise Undigestible(f"Agent {seat.id} may not serve ticket {case.id}.")
    if not may_have(floor, case, seat):
        raise Undigestible(f"Agent {seat.id} is excluded from ticket {case.id}.")
    give(floor, case, seat, floor.grounds("picked"), direct=True)
    floor.touched_cases.pop(case.id, None)


def overridden(floor: Floor, fact: Overridden) -> None:
    case, seat = _case(floor, fact.ticket), _seat(floor, fact.agent)
    if case.state in (State.NEW, State.HELD, State.WRAPUP, State.DIVERTED) or case.agent == seat.id:
        raise Undigestible(f"Ticket {case.id} is {case.state} and cannot be given to agent {seat.id}.")
    if seat.intent == "offline" or seat.health != "connected":
        raise Undigestible(f"Agent {seat.id} is not there.")
    if not may_have(floor, case, seat):
        raise Undigestible(f"Agent {seat.id} is excluded from ticket {case.id}.")
    if not floor.roomy_for(seat, case.channel) and not fact.exceed:
        raise Undigestible(f"Agent {seat.id} has no room for ticket {case.id}; exceed it by choice.")
    if case.state is State.OFFERED:
        _tell_rescinded(floor, case, "overridden")
    _leave_wherever(floor, case)
    give(floor, case, seat, floor.grounds("override"), direct=True)
    seat.overbooked = floor.excess(seat)


def moved_to_front(floor: Floor, fact: MovedToFront) -> None:
    case = _case(floor, fact.ticket)
    if case.state is not State.QUEUED:
        raise Undigestible(f"Ticket {case.id} is {case.state}, so it is in no line.")
    first = min((va_of(floor.lines.heads[number]) for number in case.lines), default=case.va)
    changed(floor, TicketChanged(case.id, va=min(case.va, first - 1)))


# ---- offers


def accepted(floor: Floor, fact: OfferAccepted) -> None:
    case = _case(floor, fact.ticket)
    if case.agent != fact.agent or case.state not in (State.OFFERED, State.ASSIGNED):
        raise Undigestible(f"The offer of ticket {case.id} is no longer agent {fact.agent}'s.")
    if case.state is State.OFFERED:
        case.state, case.offer_expires = State.ASSIGNED, None
        floor.timers.disarm("offer", case.id)
        floor.seats[fact.agent].misses = 0


def declined(floor: Floor, fact: OfferDeclined) -> None:
    case = _case(floor, fact.ticket)
    if case.state is not State.OFFERED or case.agent != fact.agent:
        raise Undigestible(f"The offer of ticket {case.id} is no longer agent {fact.agent}'s.")
    _pass_over(floor, case, floor.seats[fact.agent])
    requeue(floor, case, "declined")


def timed_out(floor: Floor, case: Case) -> None:
    """Nobody answered: the ticket waits again, and whoever missed two in a row is away until a deliberate act."""
    assert case.agent is not None
    seat = floor.seats[case.agent]
    _pass_over(floor, case, seat)
    seat.misses += 1
    requeue(floor, case, "timed_out")
    if seat.misses >= floor.policy.misses_before_away and seat.intent == "available":
        floor.wants(seat, "away", None)
        queueing.release_sticky(floor, seat.id)
        floor.effects.append(NotResponding(seat.id, floor.grounds("missed", seat.misses)))


def _pass_over(floor: Floor, case: Case, seat: Seat) -> None:
    policy = floor.policy
    others = somebody_else(floor, case, seat.id)
    case.excluded[seat.id] = floor.now + 1000 * (policy.excluded_s if others else policy.second_thought_s)


def somebody_else(floor: Floor, case: Case, agent: int) -> bool:
    """Whether another agent who is available, with room or full, could take the ticket at its ring."""
    home = floor.lines.all[floor.lines_of_plan(case.plan, case.priority == 4)[case.ring]]
    lines = (home, *(floor.line_of(home.signature._replace(pool=pool)) for pool in case.overflowed))
    return any(
        other != agent and floor.seats[other].staffs and may_have(floor, case, floor.seats[other])
        for line in lines
        for other in line.eligible
    )


def rescind(floor: Floor, case: Case, why: str) -> None:
    _tell_rescinded(floor, case, why)
    requeue(floor, case, why)


def _tell_rescinded(floor: Floor, case: Case, why: str) -> None:
    assert case.agent is not None
    floor.effects.append(Rescinded(case.id, case.agent, floor.grounds(why)))


def claim_refused(floor: Floor, fact: ClaimRefused) -> None:
    """The ticket stands aside until its row is read again."""
    case = _case(floor, fact.ticket)
    if case.state in HOLDING:
        let_go(floor, case)
        case.state, case.agent = State.NEW, None


# ---- moves that many facts share


def requeue(floor: Floor, case: Case, why: str, back_to: Seat | None = None) -> None:
    """Let a ticket wait again at its own place."""
    before = case.agent
    _leave_wherever(floor, case)
    case.agent = None
    case.version += 1
    floor.effects.append(Requeued(case.id, before, Grounds(why, 0, None, floor.policy.revision)))
    queueing.enter(floor, case, back_to)


def let_go(floor: Floor, case: Case) -> None:
    """Units back, offer and wrap-up timers off."""
    if case.offer_expires is not None:
        floor.timers.disarm_all(case.id, ("offer", "wrap_up"))
        case.offer_expires = None
    floor.give_back(case)


def wrap_up_over(floor: Floor, case: Case) -> None:
    floor.effects.append(Closed(case.id, floor.grounds("wrap_up")))
    remove(floor, case)


def _leave_wherever(floor: Floor, case: Case) -> None:
    if case.state in HOLDING:
        let_go(floor, case)
    elif case.state is State.QUEUED:
        queueing.withdraw(floor, case)


def _case(floor: Floor, ticket: int) -> Case:
    case = floor.cases.get(ticket)
    if case is None:
        raise Undigestible(f"Ticket {ticket} is not on the floor.")
    return case


def _moving(floor: Floor, ticket: int, to: State, among: Set[State] = frozenset()) -> Case:
    """The ticket, if it may move there; `among` narrows from where."""
    case = _case(floor, ticket)
    if case.state not in (among or SOURCES[to]):
        raise Undigestible(f"Ticket {ticket} is {case.state} and cannot become {to}.")
    return case


def _seat(floor: Floor, agent: int) -> Seat:
    seat = floor.seats.get(agent)
    if seat is None:
        raise Undigestible(f"Agent {agent} is not on the floor.")
    return seat
