"""The two questions: an agent has room, which ticket? A ticket waits, which agent? And the loop that asks them until all is
settled.

Before an event no waiting ticket has an eligible agent with room, named holds aside. So after it only those it touched
can change anything. Of the touched agents the one whose pick scores highest goes first, and the ticket picked goes to
the best of all agents who can take it, unless that one has a better pick, which then goes first; then the touched
tickets still waiting are placed in their order. Time stands still meanwhile, room only shrinks and tickets only leave,
so a pick can only get worse and is asked for again when it is used. Every order is total and ends in an id.
"""

from heapq import heapify, heappop, heappush
from typing import NamedTuple

from routing.choosing import NO_ROOM, SECONDARY
from routing.events import Given, Grounds
from routing.floor import Case, Floor, Group, Groups, Seat
from routing.model import State
from routing.ordering import NOBODY, Turn, ticket_of, va_of
from routing.timers import WAITING_KINDS

GUARD_ONE_IN = 10
STRICT = 1 << 80
"""Lifts an emergency above every score."""


class Pick(NamedTuple):
    """The ticket an agent would take, by which rule, and the ticket that came second."""

    score: int
    turn: Turn
    rule: str
    rival: int | None

    @property
    def ticket(self) -> int:
        return ticket_of(self.turn)


def settle(floor: Floor) -> None:
    """Decide until no waiting ticket has an eligible agent with room, named holds aside."""
    seats, cases = floor.touched_seats, floor.touched_cases
    if not seats and not cases:
        return
    floor.touched_seats, floor.touched_cases = {}, {}
    if floor.reserves and seats:
        seats = _with_those_reserved(floor, seats)
    if not cases and len(seats) == 1:
        _fill(floor, *seats.values())
    elif not seats and len(cases) == 1:
        _place_and_give(floor, *cases.values())
    else:
        _settle_many(floor, seats, cases)


def _with_those_reserved(floor: Floor, seats: dict[int, Seat]) -> dict[int, Seat]:
    """One more with room in a pool may free the others of that pool for tickets held by the reserve."""
    floor.flush()
    pools = {seat.home_pool for seat in seats.values()}
    return seats | {seat.id: seat for seat in floor.seats.values() if seat.home_pool in pools and seat.roomy}


def _fill(floor: Floor, seat: Seat) -> None:
    """Give one agent work until they have no room or there is none for them."""
    found = pick(floor, seat)
    while found:
        _count_pick(floor, seat, found)
        give(floor, floor.cases[found.ticket], seat, grounds_of(floor, found))
        floor.flush()
        found = pick(floor, seat) if seat.roomy else None


def _settle_many(floor: Floor, seats: dict[int, Seat], cases: dict[int, Case]) -> None:
    wishes = []
    for seat in seats.values():
        if seat.present and (found := pick(floor, seat)):
            wishes.append((-found.score, found.turn, seat.id))
    heapify(wishes)
    while wishes:
        minus_score, turn, seat_id = heappop(wishes)
        seat = floor.seats[seat_id]
        found = pick(floor, seat)
        if found is None:
            continue
        if (-found.score, found.turn) == (minus_score, turn):
            case = floor.cases[found.ticket]
            placed = place(floor, case)
            chosen, by_key = placed or (seat, None)
            theirs = pick(floor, chosen) if chosen is not seat else None
            if theirs and (-theirs.score, theirs.turn) < (minus_score, turn):
                heappush(wishes, (-theirs.score, theirs.turn, chosen.id))
                heappush(wishes, (minus_score, turn, seat_id))
                continue
            _count_pick(floor, seat, found)
            give(floor, case, chosen, by_key if by_key and found.rule == "pick" else grounds_of(floor, found))
            found = pick(floor, seat)
        if found:
            heappush(wishes, (-found.score, found.turn, seat_id))
    _place_in_order(floor, sorted(cases.values(), key=lambda case: (case.va, case.arrived_at, case.id)))


def _place_in_order(floor: Floor, cases: list[Case]) -> None:
    for case in cases:
        if case.priority == 4 and _emergency_may_pass(floor, case):
            _place_and_give(floor, case)
    for case in cases:
        _place_and_give(floor, case)


def _place_and_give(floor: Floor, case: Case) -> None:
    if case.state is State.QUEUED:
        placed = place(floor, case)
        if placed:
            give(floor, case, *placed)


def _count_pick(floor: Floor, seat: Seat, found: Pick) -> None:
    """The picks of the agent's home pool since the guard last decided one."""
    since = floor.guarded.get(seat.home_pool, GUARD_ONE_IN)
    floor.guarded[seat.home_pool] = 0 if found.rule == "guard" else min(since + 1, GUARD_ONE_IN)


def grounds_of(floor: Floor, found: Pick) -> Grounds:
    return Grounds(found.rule, found.score, found.rival, floor.policy.revision)


# ---- an agent has room: which ticket?


def pick(floor: Floor, seat: Seat) -> Pick | None:  # noqa: C901 - one loop over the heads, for speed
    """The ticket with the highest weight times age that the agent may take now; None when there is none.

    Only the heads of their lines are looked at: weights never differ inside a line.
    """
    if seat.overbooked or not seat.present:
        return None
    now, heads, items, budget = floor.now, floor.lines.heads, seat.items, seat.budget
    held, with_filler = seat.primary_units, seat.primary_units + seat.filler_units
    best = second = guarded = NOBODY
    best_score = second_score = -1
    top = floor.policy.primary_weight
    careful = floor.barred or floor.reserves
    looked = 0
    groups = seat.groups or floor.groups_of(seat)
    full = None
    for group, heads_of in zip(groups.kinds, groups.heads_of, strict=True):
        channel, units, cap, live, weight, _pool, _primary, emergency, guard_ms = group
        if channel == full:
            continue
        if items.get(channel, 0) >= cap or (held if live else with_filler) + units > budget:
            full = channel  # as `capacity.has_room` says
            continue
        fetched = heads_of(heads)
        looked += len(fetched)
        head = min(fetched)
        if head is NOBODY:
            continue
        if emergency or careful:
            head, strict = _first_allowed(floor, seat, group, groups)
            if head is NOBODY:
                continue
        else:
            strict = False
        age = now - (head >> 128)
        score = weight * age if age > 0 else 0
        if strict:
            score += STRICT
        if head == best:  # seen through another pool
            best_score = max(best_score, score)
        elif score > best_score or (score == best_score and head < best):
            second, second_score, best, best_score = best, best_score, head, score
        elif score > second_score or (score == second_score and head < second):
            second, second_score = head, score
        if weight < top and age >= guard_ms and head < guarded:
            guarded = head
    floor.work["heads"] += looked
    rule = "pick"
    if seat.own:
        own_score, own = _best_of_own(floor, seat)
        if own_score > best_score or (own_score == best_score and own < best):
            second, best_score, best, rule = best, own_score, own, "sticky"
    if best_score < 0:
        return None
    if guarded is not NOBODY and guarded != best and _guard_may_decide(floor, seat):
        guarded_score = top * max(0, now - va_of(guarded))
        if guarded_score > best_score or (guarded_score == best_score and guarded < best):
            return Pick(guarded_score, guarded, "guard", ticket_of(best))
    if best_score >= STRICT and rule == "pick":
        rule = "emergency"
    return Pick(best_score, best, rule, None if second is NOBODY else ticket_of(second))


def _best_of_own(floor: Floor, seat: Seat) -> tuple[int, Turn]:
    """Score and turn of the best ticket that waits for this agent alone; -1 without one."""
    best_score, best = -1, NOBODY
    for ticket, turn in seat.own.items():
        case = floor.cases[ticket]
        if floor.room(seat, case.channel) and may_have(floor, case, seat):
            score = floor.policy.sticky_weight * max(0, floor.now - case.va)
            if case.priority == 4 and _emergency_may_pass(floor, case):
                score += STRICT
            if score > best_score or (score == best_score and turn < best):
                best_score, best = score, turn
    return best_score, best


def _first_allowed(floor: Floor, seat: Seat, group: Group, groups: Groups) -> tuple[Turn, bool]:
    """The first ticket of a group that this agent may have: those barred to them give way to the next.

    An emergency whose pool still has a share of slots for it goes first; the second value tells that it is one.
    """
    numbers = groups.lines[groups.kinds.index(group)]
    if group.emergency and (first := _first_of(floor, seat, group, numbers, strict=True)) is not NOBODY:
        return first, True
    return _first_of(floor, seat, group, numbers), False


def _first_of(floor: Floor, seat: Seat, group: Group, numbers: tuple[int, ...], *, strict: bool = False) -> Turn:
    """A line whose head comes after what was found is not looked into."""
    kept = not group.primary and _keeps_reserve(floor, seat, group.pool, group.channel)
    lines, heads, best = floor.lines.all, floor.lines.heads, NOBODY
    for head, number in sorted((heads[number], number) for number in numbers):
        if head >= best:
            break
        line = lines[number]
        if kept and not line.waived:
            continue
        for turn in line.in_order():
            if turn >= best:
                break
            floor.work["scanned"] += 1
            case = floor.cases[ticket_of(turn)]
            if not may_have(floor, case, seat) or (kept and not reserve_waived(floor, case)):
                continue
            if strict and not _emergency_may_pass(floor, case):
                continue
            best = turn
            break
    return best


def may_have(floor: Floor, case: Case, seat: Seat) -> bool:
    """Whether no exclusion stands between the ticket and the agent."""
    if case.named and seat.id not in case.named:
        return False
    until = case.excluded.get(seat.id)
    return until is None or until <= floor.now


def _keeps_reserve(floor: Floor, seat: Seat, pool: int, channel: str) -> bool:
    """Whether secondary work must leave this agent alone, so that enough of their home pool keep room."""
    reserve = floor.rule(pool).reserve
    if not reserve:
        return False
    floor.flush()
    others = floor.roomy.get((seat.home_pool, channel), 0) - (channel in seat.roomy)
    return others < reserve


def reserve_waived(floor: Floor, case: Case) -> bool:
    """Half of the time to the deadline is gone: the reserve no longer keeps anybody from this ticket."""
    deadline = case.sla_deadline
    return deadline is not None and 2 * (floor.now - case.arrived_at) >= deadline - case.arrived_at


def _emergency_may_pass(floor: Floor, case: Case) -> bool:
    """Emergencies go first as long as they hold no more than their share of their pool's slots, one at least."""
    in_hand = floor.emergencies.get(case.pool, 0)
    if in_hand == 0:
        return True
    cap = floor.policy.channels[case.channel].cap
    slots = sum(
        seat.caps.get(case.channel, cap)
        for seat in floor.seats.values()
        if seat.home_pool == case.pool and seat.staffs and case.channel in seat.channels_on
    )
    return in_hand < max(1, slots * floor.rule(case.pool).emergency_share // 100)


def _guard_may_decide(floor: Floor, seat: Seat) -> bool:
    return floor.guarded.get(seat.home_pool, GUARD_ONE_IN) >= GUARD_ONE_IN - 1


# ---- a ticket waits: which agent?


def place(floor: Floor, case: Case) -> tuple[Seat, Grounds] | None:
    """The agent with the smallest key among those who can take the ticket now; None when nobody can."""
    if case.own:
        seat = floor.seats[case.preferred or 0]
        if floor.room(seat, case.channel) and may_have(floor, case, seat):
            return seat, floor.grounds("sticky")
        return None
    if floor.stale:
        floor.flush()
    if not floor.with_room.get(case.channel):
        return None  # under load the most frequent answer
    barred = case.excluded or case.named
    best, chosen, rule = NO_ROOM, -1, ""
    for line in case.lines:
        seats, keys, of_pool = floor.index(line)
        if seats is None:
            continue
        floor.work["scanned"] += 1
        if barred or of_pool.reserve:
            key, number = _first_ranked(floor, case, keys.ranked(seats), floor.lines.all[line].signature.pool)
        else:
            key, number = keys.first(seats)
        if key < best or (key == best < NO_ROOM and _seated(floor, number).id < _seated(floor, chosen).id):
            best, chosen, rule = key, number, of_pool.strategy
    return (_seated(floor, chosen), Grounds(rule, best, None, floor.policy.revision)) if best < NO_ROOM else None


def _seated(floor: Floor, number: int) -> Seat:
    seat = floor.by_number[number]
    assert seat is not None
    return seat


def _first_ranked(floor: Floor, case: Case, ranked: list[tuple[int, int]], pool: int) -> tuple[int, int]:
    """Key and seat number of the first who may have it; NO_ROOM when nobody may."""
    waived = reserve_waived(floor, case)
    for key, number in ranked:
        seat = _seated(floor, number)
        free = waived or not key & SECONDARY or not _keeps_reserve(floor, seat, pool, case.channel)
        if free and may_have(floor, case, seat):
            return key, number
    return NO_ROOM, -1


# ---- the decision made


def give(floor: Floor, case: Case, seat: Seat, because: Grounds, *, direct: bool = False) -> None:
    """Offer or assign a waiting ticket, in memory; the effect tells it. `direct`: a person decided, nobody is asked."""
    rule = floor.policy.channels[case.channel]
    floor.leave(case)
    floor.take(case, seat)
    if case.armed:
        case.armed = False
        floor.timers.disarm_all(case.id, WAITING_KINDS)
    if case.id in floor.stranded:
        floor.stranded.discard(case.id)
        floor.reported.discard(case.id)
    expires = None
    if not direct and rule.offer_s is not None and not floor.rule(case.pool).auto_accept:
        expires = floor.now + rule.offer_s * 1000
        case.state = State.OFFERED
        case.offers_made += 1
        floor.timers.arm("offer", case.id, expires)
    else:
        case.state = State.ASSIGNED
    case.offer_expires = expires
    case.version += 1
    floor.effects.append(
        Given(case.id, seat.id, "direct" if expires is None else "offer", rule.weight, not rule.live, expires, because)
    )
