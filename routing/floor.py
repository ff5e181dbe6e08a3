"""The floor while the router works on it: cases (tickets), seats (agents), lines, keys and timers, and their upkeep.

Everything here changes in place; `routing.model` has the frozen values it is made from and turned back into. Whatever
changes room, eligibility or a line goes through these functions, so that the keys and counts never disagree.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from operator import itemgetter
from typing import Any, NamedTuple

from routing.capacity import has_room
from routing.choosing import NO_ROOM, Choice, Keys, packed_key
from routing.events import Effect, Grounds
from routing.matching import Holders, reason_against
from routing.model import (
    HOLDING,
    Agent,
    Health,
    Intent,
    Plan,
    Policy,
    PoolRule,
    Signature,
    Snapshot,
    State,
    Strategy,
    Ticket,
)
from routing.ordering import Line, Lines, Turn, turn_of
from routing.timers import Timers


class Case:
    """A ticket on the floor. `lines` are the numbers of the lines it stands in, at its `turn`; `own` tells that it waits for one
    agent.
    """

    __slots__ = (
        "agent", "armed", "arrived_at", "channel", "contact", "entered_at", "excluded", "filler", "hops", "id",
        "lines", "named", "offer_expires", "offers_made", "overflowed", "own", "plan", "pool", "preferred",
        "priority", "queue", "ring", "sla_deadline", "state", "sticky_until", "turn", "units", "va", "version", "visited",
        "vulnerable",
    )  # fmt: skip

    def __init__(self, ticket: Ticket) -> None:
        self.id, self.queue, self.contact, self.plan = ticket.id, ticket.queue, ticket.contact, ticket.plan
        self.arrived_at, self.va, self.entered_at = ticket.arrived_at, ticket.va, ticket.entered_at
        self.priority, self.vulnerable, self.sla_deadline = ticket.priority, ticket.vulnerable, ticket.sla_deadline
        self.preferred, self.sticky_until = ticket.preferred_agent, ticket.sticky_until
        self.excluded = dict(ticket.excluded)
        self.named = ticket.plan.named_only
        self.state, self.agent, self.offer_expires = ticket.state, ticket.agent, ticket.offer_expires
        self.version, self.offers_made, self.hops = ticket.version, ticket.offers_made, ticket.hops
        self.visited, self.ring, self.overflowed = ticket.visited, ticket.ring, ticket.overflowed
        self.units, self.filler = ticket.units, ticket.filler
        first = ticket.plan.rings[0].signature
        self.channel, self.pool = first.channel, first.pool
        self.lines: tuple[int, ...] = ()
        self.turn: Turn = 0
        self.own = self.armed = False

    def as_ticket(self) -> Ticket:
        return Ticket(
            id=self.id, queue=self.queue, plan=self.plan, arrived_at=self.arrived_at, va=self.va, contact=self.contact,
            priority=self.priority, vulnerable=self.vulnerable, ring=self.ring, entered_at=self.entered_at,
            sla_deadline=self.sla_deadline, preferred_agent=self.preferred, sticky_until=self.sticky_until,
            excluded=tuple(sorted(self.excluded.items())), state=self.state, agent=self.agent,
            offer_expires=self.offer_expires, version=self.version, offers_made=self.offers_made, hops=self.hops,
            visited=self.visited, overflowed=self.overflowed, units=self.units, filler=self.filler,
        )  # fmt: skip


class Group(NamedTuple):
    """What is common to the lines of one channel and pool that an agent serves at one weight. Agents share them.

    `units`, `cap` and `live` are what decides whether the agent has room for one more item of the channel.
    """

    channel: str
    units: int
    cap: int
    live: bool
    weight: int
    pool: int
    primary: bool
    emergency: bool
    guard_ms: int


class Groups(NamedTuple):
    """An agent's groups and, side by side with them, what fetches the heads of each one's lines, and the lines."""

    kinds: tuple[Group, ...]
    heads_of: tuple[Callable[[list[Turn]], tuple[Turn, ...]], ...]
    lines: tuple[tuple[int, ...], ...]


class Index(NamedTuple):
    """The seats of a line's agents of both ranks, by agent id, None where nobody is asked; where their keys are, and the rule."""

    seats: Any
    keys: Choice
    rule: PoolRule


class Seat:
    """An agent on the floor. `number` is their place in the arrays; `serves` tells for each line whether it is primary."""

    __slots__ = (
        "budget", "caps", "channels_on", "filler_units", "groups", "health", "health_since", "home_pool", "id", "idle_since", "intent",
        "items", "last_assigned", "misses", "next_intent", "number", "overbooked", "own", "pools", "present", "primary",
        "primary_units", "roomy", "serves", "skills", "staffs",
    )  # fmt: skip

    def __init__(self, agent: Agent, number: int) -> None:
        self.id, self.number = agent.id, number
        self.primary_units, self.filler_units, self.overbooked = (
            agent.primary_units,
            agent.filler_units,
            agent.overbooked,
        )
        self.items = {channel: count for channel, count in sorted(agent.items.items()) if count}
        self.idle_since, self.last_assigned, self.misses = agent.idle_since, agent.last_assigned, agent.misses
        self.own: dict[int, Turn] = {}
        self.roomy: set[str] = set()
        self.serves: dict[int, bool] = {}
        self.staffs = False
        self.take_profile(agent)

    def take_profile(self, agent: Agent) -> None:
        self.skills = dict(agent.skills)
        self.primary, self.pools = frozenset(agent.primary), frozenset(agent.pools)
        self.home_pool, self.channels_on = agent.home_pool, frozenset(agent.channels_on)
        self.caps, self.budget = dict(sorted(agent.caps.items())), agent.budget
        self.intent: Intent = agent.intent
        self.next_intent: Intent | None = agent.next_intent
        self.health: Health = agent.health
        self.health_since = agent.health_since
        self.groups: Groups | None = None
        self.notice()

    def notice(self) -> None:
        """Derive what follows from intent and health."""
        self.present = self.intent == "available" and self.next_intent is None and self.health == "connected"

    @property
    def waited_for(self) -> bool:
        """Present, or with a lost line but not away: they may come back for what they had in hand."""
        return self.intent == "available" and self.next_intent is None and self.health != "grace"

    def as_agent(self) -> Agent:
        return Agent(
            id=self.id, skills=tuple(sorted(self.skills.items())), primary=tuple(sorted(self.primary)),
            home_pool=self.home_pool, pools=tuple(sorted(self.pools)), channels_on=tuple(sorted(self.channels_on)),
            intent=self.intent, next_intent=self.next_intent, health=self.health, health_since=self.health_since, caps=dict(self.caps),
            items={channel: count for channel, count in sorted(self.items.items()) if count}, budget=self.budget,
            primary_units=self.primary_units, filler_units=self.filler_units, overbooked=self.overbooked,
            idle_since=self.idle_since, last_assigned=self.last_assigned, misses=self.misses,
        )  # fmt: skip


class Floor:
    """The whole state. `work` counts what an event cost, for tests; the touched are settled at the end of each event."""

    def __init__(self, policy: Policy, keys: Callable[[], Choice] = Keys) -> None:
        self.policy, self.now = policy, 0
        self.cases: dict[int, Case] = {}
        self.seats: dict[int, Seat] = {}
        self.by_number: list[Seat | None] = []
        self.lines = Lines()
        self.timers = Timers()
        self.closed: dict[int, int] = {}
        self.surges: dict[int, int] = {}
        self.guarded: dict[int, int] = {}
        self.reported: set[int] = set()
        self.stranded: set[int] = set()
        self.emergencies: dict[int, int] = {}
        self.barred = 0
        self.queued: defaultdict[tuple[int, str], int] = defaultdict(int)
        self.roomy: dict[tuple[int, str], int] = {}
        self.with_room: dict[str, int] = {}
        self.effects: list[Effect] = []
        self.restaffed: list[Line] = []
        self.touched_cases: dict[int, Case] = {}
        self.touched_seats: dict[int, Seat] = {}
        self.work = {"heads": 0, "keys": 0, "scanned": 0}
        self.holders = Holders()
        self._new_keys = keys
        self._keys: dict[str, dict[Strategy, Choice]] = {}
        self._indexes: dict[int, Index] = {}
        self.stale: dict[int, Seat] = {}
        self._kinds: dict[tuple[Group, ...], tuple[Group, ...]] = {}
        self._plans: dict[tuple[int, bool], tuple[Plan, tuple[int, ...]]] = {}
        self.take_policy(policy)

    # ---- rules

    def take_policy(self, policy: Policy) -> None:
        self.policy = policy
        self.rules: dict[int, PoolRule] = {}
        self._indexes.clear()
        self._kinds.clear()
        self.limited = any(rule.most_waiting is not None for rule in (policy.usual, *policy.pools.values()))
        self.reserves = any(rule.reserve for rule in (policy.usual, *policy.pools.values()))
        for seat in self.seats.values():
            seat.groups = None
            self.stale[seat.id] = seat

    def rule(self, pool: int) -> PoolRule:
        """The rule of a pool as it is in force: during a surge without reserve and with live work accepted at once."""
        rule = self.rules.get(pool)
        if rule is None:
            rule = self.policy.rule(pool)
            if pool in self.surges:
                rule = replace(rule, reserve=0, auto_accept=True)
            self.rules[pool] = rule
        return rule

    def grounds(self, rule: str, value: int = 0, rival: int | None = None) -> Grounds:
        return Grounds(rule, value, rival, self.policy.revision)

    # ---- who may serve what

    def line_of(self, signature: Signature) -> Line:
        line = self.lines.find(signature)
        if line is None:
            line = self.lines.open(signature)
            if signature.channel in self.policy.channels:
                for agent_id in self.holders.able(signature.reqs, self.seats):
                    seat = self.seats[agent_id]
                    if signature.channel in seat.channels_on and signature.pool in seat.pools:
                        self._enlist(seat, line)
        return line

    def _admit(self, seat: Seat, line: Line) -> None:
        if reason_against(seat, line.signature, self.policy) is None:
            self._enlist(seat, line)

    def _enlist(self, seat: Seat, line: Line) -> None:
        primary = line.signature.pool == seat.home_pool and line.skills <= seat.primary
        line.eligible[seat.id] = primary
        seat.serves[line.number] = primary
        seat.groups = None
        line.staffed += seat.staffs
        self._indexes.pop(line.number, None)

    def seat_profile(self, seat: Seat) -> None:
        """Find anew which lines an agent may serve, after skills, pools or channels changed."""
        self.leave_lines(seat)
        self.holders.add(seat.id, seat.skills)
        for line in self.lines.all:
            self._admit(seat, line)
        seat.groups = None
        self.stale[seat.id] = seat

    def leave_lines(self, seat: Seat) -> None:
        self.holders.remove(seat.id)
        for number in seat.serves:
            line = self.lines.all[number]
            del line.eligible[seat.id]
            line.staffed -= seat.staffs
            self._indexes.pop(number, None)
        seat.serves = {}

    def groups_of(self, seat: Seat) -> Groups:
        if seat.groups is None:
            sets: dict[Group, list[int]] = {}
            for number, primary in seat.serves.items():
                group = self._group_of(seat, self.lines.all[number].signature, primary)
                if group is not None:
                    sets.setdefault(group, []).append(number)
            kinds = tuple(sorted(sets))
            lines = tuple(tuple(sets[group]) for group in kinds)
            heads_of = tuple(itemgetter(*numbers, numbers[0]) for numbers in lines)
            seat.groups = Groups(self._kinds.setdefault(kinds, kinds), heads_of, lines)
        return seat.groups

    def _group_of(self, seat: Seat, signature: Signature, primary: bool) -> Group | None:
        """None where agents pick for themselves."""
        rule = self.rule(signature.pool)
        if rule.strategy == "manual":
            return None
        channel = self.policy.channels[signature.channel]
        return Group(
            channel=signature.channel,
            units=channel.weight,
            cap=seat.caps.get(signature.channel, channel.cap),
            live=channel.live,
            weight=self.policy.primary_weight if primary else rule.secondary_weight,
            pool=signature.pool,
            primary=primary,
            emergency=signature.emergency,
            guard_ms=1000 * (rule.guard_live_s if channel.live else rule.guard_filler_s),
        )

    def lines_of_plan(self, plan: Plan, emergency: bool) -> tuple[int, ...]:
        """The number of each ring's line."""
        known = self._plans.get((id(plan), emergency))
        if known is None or known[0] is not plan:
            numbers = tuple(
                self.line_of(ring.signature._replace(emergency=emergency or ring.signature.emergency)).number
                for ring in plan.rings
            )
            known = self._plans[id(plan), emergency] = (plan, numbers)
        return known[1]

    # ---- lines

    def join(self, case: Case, numbers: tuple[int, ...]) -> None:
        case.lines = numbers
        if not numbers:
            return
        turn = case.turn = turn_of(case.va, case.arrived_at, case.id)
        for number in numbers:
            self.lines.join(number, turn)
        if case.sla_deadline is not None:
            self._count_waived(numbers, 1)
        if case.excluded or case.named:
            self.barred += 1
        self.queued[case.queue, case.channel] += 1

    def leave(self, case: Case) -> None:
        """Take a waiting ticket out of every line it stands in."""
        numbers = case.lines
        if numbers:
            for number in numbers:
                self.lines.leave(number, case.turn)
            if case.sla_deadline is not None:
                self._count_waived(numbers, -1)
            if case.excluded or case.named:
                self.barred -= 1
            case.lines = ()
            self.queued[case.queue, case.channel] -= 1
        elif case.own:
            case.own = False
            seat = self.seats.get(case.preferred or 0)
            if seat is not None:
                seat.own.pop(case.id, None)
            self.queued[case.queue, case.channel] -= 1

    def join_own(self, case: Case, seat: Seat) -> None:
        """Let a ticket wait for one agent alone."""
        case.turn = seat.own[case.id] = turn_of(case.va, case.arrived_at, case.id)
        case.own = True
        self.queued[case.queue, case.channel] += 1

    def _count_waived(self, numbers: tuple[int, ...], by: int) -> None:
        """Tickets with a deadline, for which a reserve may be waived."""
        for number in numbers:
            self.lines.all[number].waived += by

    # ---- work in hand

    def take(self, case: Case, seat: Seat) -> None:
        """The agent holds the ticket's units from now on."""
        rule = self.policy.channels[case.channel]
        case.units, case.filler = rule.weight, not rule.live
        seat.items[case.channel] = seat.items.get(case.channel, 0) + 1
        if case.filler:
            seat.filler_units += case.units
        else:
            seat.primary_units += case.units
        seat.idle_since = seat.last_assigned = self.now
        case.agent = seat.id
        if case.priority == 4:
            self.emergencies[case.pool] = self.emergencies.get(case.pool, 0) + 1
        self.stale[seat.id] = seat

    def give_back(self, case: Case) -> None:
        """The agent holds the ticket's units no longer."""
        assert case.agent is not None
        seat = self.seats[case.agent]
        left = seat.items.get(case.channel, 0) - 1  # an agent's row may be ahead of the ticket's
        seat.items[case.channel] = left
        if case.filler:
            seat.filler_units -= case.units
        else:
            seat.primary_units -= case.units
        case.units = 0
        seat.idle_since = seat.last_assigned if left > 0 or any(seat.items.values()) else self.now
        if seat.overbooked:
            seat.overbooked = min(seat.overbooked, self.excess(seat))
        if case.priority == 4:
            self.emergencies[case.pool] -= 1
        if seat.next_intent and not self.has_live(seat):
            self.wants(seat, seat.next_intent, None)
        self.freed(seat)

    def has_live(self, seat: Seat) -> bool:
        channels = self.policy.channels
        return any(count and channels[channel].live for channel, count in seat.items.items() if channel in channels)

    def wants(self, seat: Seat, intent: Intent, following: Intent | None) -> None:
        """What the agent wants from now on, and what after their live work."""
        if intent == "available" and seat.intent != "available" and not any(seat.items.values()):
            seat.idle_since = self.now
        seat.intent, seat.next_intent = intent, following
        seat.notice()
        self.restaffed.extend(self.restaff(seat))
        self.freed(seat)

    def excess(self, seat: Seat) -> int:
        """Items above the caps, or one when only the units are above the budget."""
        over = 0
        for channel, count in seat.items.items():
            rule = self.policy.channels.get(channel)
            if rule is not None:
                over += max(0, count - seat.caps.get(channel, rule.cap))
        return over or int(seat.primary_units > seat.budget)

    def freed(self, seat: Seat) -> None:
        """Room may have grown, or who the agent is has changed: settle them."""
        self.stale[seat.id] = seat
        self.touched_seats[seat.id] = seat

    def touch(self, case: Case) -> None:
        self.touched_cases[case.id] = case

    def room(self, seat: Seat, channel: str) -> bool:
        """As `capacity.has_room`, for an agent who is there and takes the channel."""
        rule = self.policy.channels[channel]
        return (
            seat.present
            and not seat.overbooked
            and seat.items.get(channel, 0) < seat.caps.get(channel, rule.cap)
            and (seat.primary_units if rule.live else seat.primary_units + seat.filler_units) + rule.weight
            <= seat.budget
            and channel in seat.channels_on
        )

    def roomy_for(self, seat: Seat, channel: str) -> bool:
        """Whether there is room, whether or not the agent wants work."""
        return channel in seat.channels_on and has_room(seat, channel, self.policy)

    def uncount_room(self, seat: Seat) -> None:
        """Take the agent out of the counts of their home pool, which may change."""
        for channel in sorted(seat.roomy):
            self._count_room(seat, channel, False)
            for keys in self._keys.get(channel, {}).values():
                keys.write(seat.number, NO_ROOM)

    # ---- keys

    def keys(self, channel: str, strategy: Strategy) -> Choice:
        of_channel = self._keys.setdefault(channel, {})
        keys = of_channel.get(strategy)
        if keys is None:
            keys = of_channel[strategy] = self._new_keys()
            keys.grow(len(self.by_number))
            for seat in self.seats.values():
                roomy = channel in self.policy.channels and self.room(seat, channel)
                keys.write(seat.number, self._key(seat, channel, strategy) if roomy else NO_ROOM)
        return keys

    def index(self, number: int) -> Index:
        index = self._indexes.get(number)
        if index is None:
            line = self.lines.all[number]
            rule = self.rule(line.signature.pool)
            keys = self.keys(line.signature.channel, rule.strategy)
            ranks: tuple[list[int], list[int]] = ([], [])
            for agent_id in sorted(line.eligible):
                ranks[0 if line.eligible[agent_id] else 1].append(self.seats[agent_id].number)
            asked = line.eligible and rule.strategy != "manual"
            index = self._indexes[number] = Index(keys.of(*ranks) if asked else None, keys, rule)
        return index

    def flush(self) -> None:
        """Write the keys of all agents whose work or presence changed."""
        stale = self.stale
        self.work["keys"] += len(stale)
        for seat in stale.values():
            before = seat.roomy
            for channel in self.policy.channels:
                roomy = self.room(seat, channel)
                if roomy != (channel in before):
                    self._count_room(seat, channel, roomy)
                elif not roomy:
                    continue  # no room before and after: the keys say so already
                for strategy, keys in self._keys.get(channel, {}).items():
                    keys.write(seat.number, self._key(seat, channel, strategy) if roomy else NO_ROOM)
        stale.clear()

    def _key(self, seat: Seat, channel: str, strategy: Strategy) -> int:
        """Of an agent with room."""
        return packed_key(seat, channel, strategy, self.policy, len(seat.skills), seat.idle_since, seat.last_assigned)

    def _count_room(self, seat: Seat, channel: str, roomy: bool) -> None:
        of = seat.home_pool, channel
        by = 1 if roomy else -1
        self.roomy[of] = self.roomy.get(of, 0) + by
        self.with_room[channel] = self.with_room.get(channel, 0) + by
        (seat.roomy.add if roomy else seat.roomy.discard)(channel)

    # ---- coming and going of seats

    def add_seat(self, agent: Agent) -> Seat:
        seat = Seat(agent, len(self.by_number))
        self.by_number.append(seat)
        self.seats[agent.id] = seat
        for of_channel in self._keys.values():
            for keys in of_channel.values():
                keys.grow(len(self.by_number))
        self.restaff(seat)
        self.seat_profile(seat)
        return seat

    def remove_seat(self, seat: Seat) -> None:
        self.flush()
        self.leave_lines(seat)
        self.by_number[seat.number] = None
        self.touched_seats.pop(seat.id, None)
        del self.seats[seat.id]

    def restaff(self, seat: Seat) -> list[Line]:
        """Count the agent among those who staff their lines, or no longer; gives the lines that this staffs or unstaffs."""
        staffs = seat.intent == "available" and seat.health != "lost"
        changed = []
        if staffs != seat.staffs:
            seat.staffs = staffs
            for number in seat.serves:
                line = self.lines.all[number]
                line.staffed += 1 if staffs else -1
                if line.staffed == (1 if staffs else 0):
                    changed.append(line)
        return changed

    # ---- as values

    def snapshot(self) -> Snapshot:
        return Snapshot(
            now=self.now,
            tickets=tuple(self.cases[key].as_ticket() for key in sorted(self.cases)),
            agents=tuple(self.seats[key].as_agent() for key in sorted(self.seats)),
            closed=tuple(sorted(self.closed.items())),
            surges=tuple(sorted(self.surges.items())),
            guarded=tuple(sorted(self.guarded.items())),
            reported=tuple(sorted(self.reported)),
        )

    def holding(self) -> Iterator[Case]:
        return (case for case in self.cases.values() if case.state in HOLDING)

    def waiting(self) -> Iterator[Case]:
        return (case for case in self.cases.values() if case.state is State.QUEUED)
