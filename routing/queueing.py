"""How a ticket waits: which ring is in force, which pools see it, for whom alone it waits, and what time will change."""

from collections.abc import Iterable

from routing.events import Diverted, Held, Overflowed, Relaxed, SlaAtRisk, Unservable
from routing.floor import Case, Floor, Seat
from routing.model import FOREVER, State
from routing.ordering import Line
from routing.settling import may_have, place
from routing.timers import WAITING_KINDS


def enter(floor: Floor, case: Case, back_to: Seat | None = None) -> None:
    """Let a ticket wait: in its queue, held until that opens, or diverted when the queue takes no more live work.

    Only what newly comes to a closed queue is held. `back_to`: an agent whose line was lost may yet come back for it.
    """
    if floor.closed and case.queue in floor.closed and case.entered_at is None:
        hold(floor, case)
        return
    new = case.entered_at is None and not case.hops
    case.state, case.agent, case.offer_expires = State.QUEUED, None, None
    if case.entered_at is None:
        case.entered_at, case.ring, case.overflowed = floor.now, 0, ()
    if case.sticky_until is not None:
        _wait_for_one(floor, case, back_to)
    refit(floor, case)
    if new and floor.limited and _too_many_wait(floor, case) and place(floor, case) is None:
        divert(floor, case, "queue_full")
        return
    arm(floor, case)
    floor.touch(case)


def hold(floor: Floor, case: Case) -> None:
    """The queue is closed: the ticket enters it at opening, with its own virtual arrival."""
    case.state, case.agent, case.offer_expires = State.HELD, None, None
    floor.effects.append(Held(case.id, None, floor.grounds("hours")))


def divert(floor: Floor, case: Case, why: str) -> None:
    withdraw(floor, case)
    case.state = State.DIVERTED
    floor.effects.append(Diverted(case.id, floor.grounds(why)))


def withdraw(floor: Floor, case: Case) -> None:
    """Take a waiting ticket out of its lines and forget what time would have brought."""
    floor.leave(case)
    if case.armed:
        case.armed = False
        floor.timers.disarm_all(case.id, WAITING_KINDS)
    floor.stranded.discard(case.id)
    floor.reported.discard(case.id)
    floor.touched_cases.pop(case.id, None)


def _too_many_wait(floor: Floor, case: Case) -> bool:
    """Whether as many as may wait in this queue on this channel do so already, the ticket itself left out."""
    most = floor.rule(case.pool).most_waiting
    return most is not None and may_divert(floor, case) and floor.queued.get((case.queue, case.channel), 0) > most


def may_divert(floor: Floor, case: Case) -> bool:
    """Whether a message may stand in for it: only for who waits at a screen. What was written already is never diverted."""
    rule = floor.policy.channels[case.channel]
    return rule.live and rule.offer_s is not None


# ---- known agent


def _wait_for_one(floor: Floor, case: Case, back_to: Seat | None) -> None:
    """Present but full: their ticket waits for them alone. Away, offline or not one who may have it: for everybody at once."""
    seat = floor.seats.get(case.preferred or 0)
    if seat is not None and may_wait_for(floor, case, seat) and _takes_it_soon(floor, case, seat, back_to):
        floor.join_own(case, seat)
    else:
        case.sticky_until = None


def _takes_it_soon(floor: Floor, case: Case, seat: Seat, back_to: Seat | None) -> bool:
    assert case.sticky_until is not None
    if seat is back_to:
        return seat.waited_for
    return seat.present and (case.sticky_until > floor.now or floor.room(seat, case.channel))


def may_wait_for(floor: Floor, case: Case, seat: Seat) -> bool:
    """Whether the agent, once they have room, could have the ticket at all."""
    number = floor.lines_of_plan(case.plan, case.priority == 4)[case.ring]
    return number in seat.serves and may_have(floor, case, seat) and not _for_everybody(floor, case)


def _for_everybody(floor: Floor, case: Case) -> bool:
    return case.queue in floor.surges or floor.rule(case.pool).strategy == "manual"


def stop_waiting_for_one(floor: Floor, case: Case) -> None:
    """From here on everybody may have it, at the same virtual arrival."""
    case.sticky_until = None
    if case.own:
        floor.leave(case)
    refit(floor, case)
    arm(floor, case)
    floor.touch(case)


def release_sticky(floor: Floor, agent: int) -> None:
    """The agent for whom tickets wait alone is not there any more."""
    seat = floor.seats[agent]
    for number in sorted(seat.own):
        stop_waiting_for_one(floor, floor.cases[number])


# ---- rings and pools


def refit(floor: Floor, case: Case) -> None:
    """Stand in the lines of the ring and the pools in force now. A ring never tightens and a pool is never taken away."""
    if case.own:
        return
    numbers = floor.lines_of_plan(case.plan, case.priority == 4)
    if len(numbers) == 1 and not case.plan.overflow and not case.lines and floor.lines.all[numbers[0]].staffed:
        floor.join(case, numbers)  # what most tickets do
        return
    _relax(floor, case, numbers)
    lines = _lines_with_overflow(floor, case, numbers[case.ring])
    if lines != case.lines:
        floor.leave(case)
        floor.join(case, lines)
        floor.touch(case)
    _watch(floor, case, numbers)


def _relax(floor: Floor, case: Case, numbers: tuple[int, ...]) -> None:
    assert case.entered_at is not None
    rings = case.plan.rings
    waited = floor.now - case.entered_at
    due = case.ring
    while due + 1 < len(rings) and rings[due + 1].after_s * 1000 <= waited:
        due += 1
    if case.queue in floor.surges and due == 0 and len(rings) > 1:
        due = 1
    reached = _first_staffed(floor, numbers, due)
    if reached != case.ring:
        case.ring = reached
        rule = "unstaffed" if reached > due else "surge" if case.queue in floor.surges else "waited"
        floor.effects.append(
            Relaxed(case.id, reached, reached > due, rings[reached].signature.reqs, floor.grounds(rule))
        )


def _first_staffed(floor: Floor, numbers: tuple[int, ...], ring: int) -> int:
    """The ring itself, or when nobody staffs it the first later one that somebody does."""
    for later in range(ring, len(numbers)):
        if floor.lines.all[numbers[later]].staffed:
            return later
    return ring


def _lines_with_overflow(floor: Floor, case: Case, number: int) -> tuple[int, ...]:
    assert case.entered_at is not None
    home = floor.lines.all[number]
    lines, staffed = [home], bool(home.staffed)
    waited = floor.now - case.entered_at
    for pool, after_s in case.plan.overflow:
        known = pool in case.overflowed
        if known or after_s * 1000 <= waited or not staffed or case.queue in floor.surges:
            line = floor.line_of(home.signature._replace(pool=pool))
            lines.append(line)
            staffed = staffed or bool(line.staffed)
            if not known:
                case.overflowed = (*case.overflowed, pool)
                floor.effects.append(Overflowed(case.id, pool, floor.grounds("overflow", after_s)))
    return tuple(line.number for line in lines)


def _watch(floor: Floor, case: Case, numbers: tuple[int, ...]) -> None:
    """Remember tickets whose own line nobody staffs, and tell once of those that nobody on the books could ever serve."""
    if floor.lines.all[case.lines[0]].staffed:
        floor.stranded.discard(case.id)
        floor.reported.discard(case.id)
        return
    floor.stranded.add(case.id)
    staffed = any(floor.lines.all[number].staffed for number in case.lines)
    if staffed or any(_servable(floor, case, line) for line in _all_lines(floor, case, numbers)):
        floor.reported.discard(case.id)
    elif case.id not in floor.reported:
        floor.reported.add(case.id)
        floor.effects.append(Unservable(case.id, floor.grounds("nobody")))


def _all_lines(floor: Floor, case: Case, numbers: tuple[int, ...]) -> list[Line]:
    rings = [floor.lines.all[number] for number in numbers]
    further = [
        floor.line_of(line.signature._replace(pool=pool)) for line in rings for pool, _after in case.plan.overflow
    ]
    return rings + further


def _servable(floor: Floor, case: Case, line: Line) -> bool:
    if case.named:
        return any(agent in line.eligible for agent in case.named)
    return bool(line.eligible)


def refit_stranded(floor: Floor, lines: Iterable[Line] = ()) -> None:
    """Somebody came or went: tickets in unstaffed lines may skip a ring, overflow, or be past serving.

    In the order of their numbers: that of the lines would depend on when each was opened, and a router made from a
    snapshot opens them in another order.
    """
    for number in sorted(floor.stranded.union(*(line.tickets() for line in lines if not line.staffed))):
        case = floor.cases.get(number)
        if case is not None and case.state is State.QUEUED:
            refit(floor, case)


def refit_restaffed(floor: Floor) -> None:
    """Lines gained their first or lost their last available agent."""
    lines, floor.restaffed = floor.restaffed, []
    if lines:
        refit_stranded(floor, lines)


def refit_waiting(floor: Floor) -> None:
    """Rules or skills changed: look at every waiting ticket again, in their order."""
    for case in sorted(floor.waiting(), key=lambda case: (case.va, case.arrived_at, case.id)):
        if case.own and not _for_everybody(floor, case):
            continue
        stop_waiting_for_one(floor, case)


# ---- what time will bring


def arm(floor: Floor, case: Case) -> None:
    """Arm the timers of a waiting ticket afresh."""
    assert case.entered_at is not None
    plan = case.plan
    if case.ring + 1 < len(plan.rings) and not case.own:
        _arm_one(floor, case, "relax", case.entered_at + plan.rings[case.ring + 1].after_s * 1000)
    if plan.overflow and not case.own:
        later = [after_s for pool, after_s in plan.overflow if pool not in case.overflowed]
        if later:
            _arm_one(floor, case, "overflow", case.entered_at + min(later) * 1000)
    if case.own and case.sticky_until is not None:
        _arm_one(floor, case, "sticky", case.sticky_until)
    if case.excluded:
        ends = [until for until in case.excluded.values() if until < FOREVER]
        if ends:
            _arm_one(floor, case, "exclusion", min(ends))
    if case.sla_deadline is not None:
        _arm_deadline(floor, case, case.sla_deadline)
    if floor.closed:
        arm_closing(floor, case)


def arm_closing(floor: Floor, case: Case) -> None:
    since = floor.closed.get(case.queue)
    if since is not None and may_divert(floor, case):
        _arm_one(floor, case, "closing", since + floor.rule(case.pool).closing_s * 1000)


def _arm_one(floor: Floor, case: Case, kind: str, at: int) -> None:
    floor.timers.arm(kind, case.id, at)
    case.armed = True


def _arm_deadline(floor: Floor, case: Case, deadline: int) -> None:
    span = deadline - case.arrived_at
    if floor.reserves and case.arrived_at + (span + 1) // 2 > floor.now:
        _arm_one(floor, case, "reserve", case.arrived_at + (span + 1) // 2)
    if case.arrived_at + span * 3 // 4 > floor.now:
        _arm_one(floor, case, "sla", case.arrived_at + span * 3 // 4)


def fire(floor: Floor, kind: str, case: Case) -> None:
    """A timer of a waiting ticket is due; one whose cause is gone does nothing."""
    if case.state is not State.QUEUED:
        return
    if kind == "sticky" and case.own:
        stop_waiting_for_one(floor, case)
    elif kind in ("relax", "overflow"):
        refit(floor, case)
        arm(floor, case)
    elif kind == "exclusion":
        forget_exclusions(floor, case)
        floor.touch(case)
    elif kind == "reserve":
        floor.touch(case)
    elif kind == "sla":
        floor.effects.append(SlaAtRisk(case.id, floor.grounds("deadline", case.sla_deadline or 0)))
    elif kind == "closing" and case.queue in floor.closed:
        divert(floor, case, "closed")


def forget_exclusions(floor: Floor, case: Case) -> None:
    """Drop the exclusions that have ended."""
    own, lines = case.own, case.lines
    floor.leave(case)
    case.excluded = {agent: until for agent, until in case.excluded.items() if until > floor.now}
    if own:
        floor.join_own(case, floor.seats[case.preferred or 0])
    else:
        floor.join(case, lines)
    arm(floor, case)
