"""What happens to agents: what they want, whether they are there, what they can."""

from routing import queueing
from routing.events import AgentChanged, AgentHealth, AgentIntent, AgentLeft
from routing.floor import Case, Floor, Seat
from routing.model import HOLDING, State
from routing.on_tickets import Undigestible, requeue, rescind
from routing.ordering import max_head_start_ms

RESCIND_MS, REQUEUE_MS = 10_000, 30_000
"""After the line was lost: offers are rescinded; after the agent counts as lost: live work is queued again."""
LOST_BONUS_MS, LOST_STICKY_MS = 5 * 60_000, 20_000


def changed(floor: Floor, fact: AgentChanged) -> None:
    """New, or with other skills, pools, channels or limits. Offers and assignments stand; the work in hand is our count."""
    seat = floor.seats.get(fact.agent.id)
    if seat is None:
        seat = floor.add_seat(fact.agent)
    else:
        floor.flush()
        floor.uncount_room(seat)
        floor.leave_lines(seat)
        seat.staffs = False
        seat.take_profile(fact.agent)
        floor.restaff(seat)
        floor.seat_profile(seat)
        seat.overbooked = min(seat.overbooked, floor.excess(seat))
        if not seat.waited_for:
            queueing.release_sticky(floor, seat.id)
    arm_grace(floor, seat)
    _look_again(floor, seat)


def _look_again(floor: Floor, seat: Seat) -> None:
    """Whom a new profile serves decides which lines are staffed: every ticket in an unstaffed line is looked at again."""
    floor.restaffed.clear()
    queueing.refit_stranded(floor, floor.lines.all)
    for number in sorted(seat.own):
        case = floor.cases[number]
        if floor.lines_of_plan(case.plan, case.priority == 4)[case.ring] not in seat.serves:
            queueing.stop_waiting_for_one(floor, case)
    floor.freed(seat)


def intent(floor: Floor, fact: AgentIntent) -> None:
    """A deliberate act: it also forgets missed offers. A next intent takes effect when live work ends, or at once without."""
    seat = _seat(floor, fact.agent)
    seat.misses = 0
    following = fact.next_intent
    if following and not floor.has_live(seat):
        floor.wants(seat, following, None)
    else:
        floor.wants(seat, fact.intent, following)
    if not seat.waited_for:
        queueing.release_sticky(floor, seat.id)
    queueing.refit_restaffed(floor)


def health(floor: Floor, fact: AgentHealth) -> None:
    """The line of the agent's consoles. Back before a limit: nothing happened."""
    seat = _seat(floor, fact.agent)
    if seat.health == fact.health:
        return
    seat.health, seat.health_since = fact.health, floor.now
    seat.notice()
    floor.restaffed.extend(floor.restaff(seat))
    arm_grace(floor, seat)
    if not seat.present:
        queueing.release_sticky(floor, seat.id)
    if seat.health == "lost":
        _take_offers_back(floor, seat)
    floor.freed(seat)
    queueing.refit_restaffed(floor)


def arm_grace(floor: Floor, seat: Seat) -> None:
    after = {"connected": None, "grace": RESCIND_MS, "lost": REQUEUE_MS}[seat.health]
    if after is None:
        floor.timers.disarm("grace", seat.id)
    else:
        floor.timers.arm("grace", seat.id, seat.health_since + after)


def grace_over(floor: Floor, agent: int) -> None:
    """Offers go back to the queue; live work does when the agent counts as lost, first to the same agent. Other work stays."""
    seat = floor.seats.get(agent)
    if seat is None or seat.health == "connected":
        return
    _take_offers_back(floor, seat)
    if seat.health == "lost":
        for case in _in_hand(floor, seat):
            if case.state is State.ASSIGNED and not case.filler:
                _queue_lost(floor, case, seat)


def _take_offers_back(floor: Floor, seat: Seat) -> None:
    for case in _in_hand(floor, seat):
        if case.state is State.OFFERED:
            rescind(floor, case, "line_lost")


def _in_hand(floor: Floor, seat: Seat) -> list[Case]:
    return sorted((case for case in floor.holding() if case.agent == seat.id), key=lambda case: case.id)


def _queue_lost(floor: Floor, case: Case, seat: Seat) -> None:
    case.va = min(
        case.va, max(case.va - LOST_BONUS_MS, case.arrived_at - max_head_start_ms(case.channel, floor.policy))
    )
    case.preferred, case.sticky_until = seat.id, floor.now + LOST_STICKY_MS
    requeue(floor, case, "line_lost", back_to=seat)


def left(floor: Floor, fact: AgentLeft) -> None:
    seat = _seat(floor, fact.agent)
    if any(case.agent == seat.id and case.state in HOLDING for case in floor.cases.values()):
        raise Undigestible(f"Agent {seat.id} still holds tickets.")
    remove(floor, seat)


def remove(floor: Floor, seat: Seat) -> None:
    floor.wants(seat, "offline", None)
    queueing.release_sticky(floor, seat.id)
    floor.remove_seat(seat)
    floor.timers.disarm("grace", seat.id)
    queueing.refit_restaffed(floor)
    queueing.refit_stranded(floor)


def _seat(floor: Floor, agent: int) -> Seat:
    seat = floor.seats.get(agent)
    if seat is None:
        raise Undigestible(f"Agent {agent} is not on the floor.")
    return seat
