"""What happens to queues and rules: opening, closing, surge, a new policy, and rows that are read again."""

from routing import on_agents, on_tickets, queueing
from routing.events import AgentChanged, PolicyChanged, QueueClosed, QueueOpened, Reconciled, SurgeEnded, SurgeStarted
from routing.floor import Case, Floor, Seat
from routing.model import FOREVER, HOLDING, Agent, State, Ticket
from routing.on_tickets import Undigestible


def opened(floor: Floor, fact: QueueOpened) -> None:
    """Held tickets enter in their order, each with its own virtual arrival."""
    floor.closed.pop(fact.queue, None)
    held = [case for case in floor.cases.values() if case.queue == fact.queue and case.state is State.HELD]
    for case in sorted(held, key=lambda case: (case.va, case.arrived_at, case.id)):
        queueing.enter(floor, case)


def closed(floor: Floor, fact: QueueClosed) -> None:
    """What comes now is held. Live tickets that wait may wait on for a while, then they are diverted."""
    floor.closed.setdefault(fact.queue, floor.now)
    for case in floor.waiting():
        queueing.arm_closing(floor, case)


def surge_started(floor: Floor, fact: SurgeStarted) -> None:
    if fact.until <= floor.now:
        raise Undigestible(f"The surge of queue {fact.queue} would be over already.")
    floor.surges[fact.queue] = fact.until
    floor.timers.arm("surge", fact.queue, fact.until)
    _with_other_rules(floor)


def surge_ended(floor: Floor, fact: SurgeEnded) -> None:
    """The rules before it are in force again; what was relaxed meanwhile stays relaxed."""
    if floor.surges.pop(fact.queue, None) is not None:
        floor.timers.disarm("surge", fact.queue)
        _with_other_rules(floor)


def _with_other_rules(floor: Floor) -> None:
    floor.take_policy(floor.policy)
    queueing.refit_waiting(floor)
    for seat in floor.seats.values():
        floor.freed(seat)


def policy_changed(floor: Floor, fact: PolicyChanged) -> None:
    """Waiting tickets are looked at again at once; offers and assignments stand."""
    gone = sorted({case.channel for case in floor.cases.values()} - set(fact.policy.channels))
    if gone:
        raise Undigestible(f"The new policy lacks the channel {gone[0]}, over which tickets are open.")
    floor.flush()
    floor.take_policy(fact.policy)
    for seat in floor.seats.values():
        floor.seat_profile(seat)
        seat.overbooked = min(seat.overbooked, floor.excess(seat))
    _with_other_rules(floor)


# ---- rows read again


def reconciled(floor: Floor, fact: Reconciled) -> None:
    """Take over the rows as they are. What has not changed is not disturbed."""
    for agent in fact.agents:
        _profile(floor, agent)
    for number in fact.gone:
        case = floor.cases.get(number)
        if case is not None:
            on_tickets.remove(floor, case)
    for ticket in fact.tickets:
        _adopt_ticket(floor, ticket)
    for agent in fact.agents:
        adopt_work(floor, agent)
    for number in fact.agents_gone:
        seat = floor.seats.get(number)
        if seat is not None:
            on_agents.remove(floor, seat)


def _profile(floor: Floor, agent: Agent) -> None:
    """Skills, pools and the rest, unless they are as before; then what they want and whether they are there."""
    seat = floor.seats.get(agent.id)
    if seat is None or not _same_profile(seat.as_agent(), agent):
        on_agents.changed(floor, AgentChanged(agent))
        return
    if (seat.intent, seat.next_intent, seat.health) != (agent.intent, agent.next_intent, agent.health):
        if seat.health != agent.health:
            seat.health, seat.health_since = agent.health, agent.health_since
            on_agents.arm_grace(floor, seat)
        floor.wants(seat, agent.intent, agent.next_intent)
        if not seat.present:
            queueing.release_sticky(floor, seat.id)
        queueing.refit_restaffed(floor)


def _same_profile(one: Agent, other: Agent) -> bool:
    def profile(agent: Agent) -> tuple[object, ...]:
        return (
            agent.skills,
            agent.primary,
            agent.home_pool,
            agent.pools,
            agent.channels_on,
            dict(agent.caps),
            agent.budget,
        )

    return profile(one) == profile(other)


def _adopt_ticket(floor: Floor, ticket: Ticket) -> None:
    case = floor.cases.get(ticket.id)
    if case is not None and _same_standing(case, ticket):
        case.version, case.offer_expires = ticket.version, ticket.offer_expires
        if case.state is State.OFFERED and ticket.offer_expires is not None:
            floor.timers.arm("offer", case.id, ticket.offer_expires)
        return
    fresh = case is None or case.state is not ticket.state
    if case is not None:
        on_tickets.remove(floor, case)
    if ticket.channel in floor.policy.channels:
        case = Case(ticket)
        _soften(floor, case)
        stand(floor, case, fresh=fresh)


def _soften(floor: Floor, case: Case) -> None:
    """Who gave a ticket back is passed over for less time when nobody else is there: the rows do not know who is."""
    policy = floor.policy
    shorter = 1000 * (policy.excluded_s - policy.second_thought_s)
    for agent, until in sorted(case.excluded.items()):
        if until < FOREVER and not on_tickets.somebody_else(floor, case, agent):
            case.excluded[agent] = until - shorter
    case.excluded = {agent: until for agent, until in case.excluded.items() if until > floor.now}


def _same_standing(case: Case, ticket: Ticket) -> bool:
    same = (case.state, case.agent, case.va, case.priority, case.plan, case.queue) == (
        ticket.state, ticket.agent, ticket.va, ticket.priority, ticket.plan, ticket.queue,
    )  # fmt: skip
    return same and case.vulnerable == ticket.vulnerable and _barred(case.excluded) == _barred(dict(ticket.excluded))


def _barred(excluded: dict[int, int]) -> set[int]:
    """Who is excluded for good; what ends by itself only ever comes with a change of state."""
    return {agent for agent, until in excluded.items() if until >= FOREVER}


def stand(floor: Floor, case: Case, *, fresh: bool = True) -> None:
    """Put a ticket on the floor as its row says: waiting, in hand, or neither."""
    floor.cases[case.id] = case
    if case.state is State.QUEUED:
        if case.entered_at is None:
            case.entered_at = floor.now
        _resume_waiting(floor, case, fresh=fresh)
    elif case.state in HOLDING:
        hold(floor, case)


def _resume_waiting(floor: Floor, case: Case, *, fresh: bool) -> None:
    seat = floor.seats.get(case.preferred or 0)
    if fresh and seat is not None and _worth_waiting(floor, case, seat):
        floor.join_own(case, seat)
    else:
        case.sticky_until = None
    queueing.refit(floor, case)
    queueing.arm(floor, case)
    floor.touch(case)


def _worth_waiting(floor: Floor, case: Case, seat: Seat) -> bool:
    left = 0 if case.sticky_until is None else case.sticky_until - floor.now
    there = seat.present or (seat.waited_for and left <= on_agents.LOST_STICKY_MS)
    return left > 0 and there and queueing.may_wait_for(floor, case, seat)


def hold(floor: Floor, case: Case) -> None:
    """An agent has it: count an emergency, arm the time limit. The agent's own row brings the units."""
    seat = floor.seats.get(case.agent or 0)
    if case.priority == 4:
        floor.emergencies[case.pool] = floor.emergencies.get(case.pool, 0) + 1
    if seat is not None and case.units:
        seat.items[case.channel] = seat.items.get(case.channel, 0) + 1
        if case.filler:
            seat.filler_units += case.units
        else:
            seat.primary_units += case.units
        floor.freed(seat)
    if case.offer_expires is not None:
        floor.timers.arm("offer" if case.state is State.OFFERED else "wrap_up", case.id, case.offer_expires)


def adopt_work(floor: Floor, agent: Agent) -> None:
    """Units and items as the agent's row counts them: the database is the truth."""
    seat = floor.seats[agent.id]
    seat.items = {channel: count for channel, count in sorted(agent.items.items()) if count}
    seat.primary_units, seat.filler_units, seat.overbooked = agent.primary_units, agent.filler_units, agent.overbooked
    seat.idle_since, seat.last_assigned, seat.misses = agent.idle_since, agent.last_assigned, agent.misses
    floor.freed(seat)
