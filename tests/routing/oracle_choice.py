"""Who may serve what, who has room, which ticket and which agent: the oracle's full scans."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from routing import Policy, PoolRule
from tests.routing.oracle_papers import HELD_BY_AGENT, Paper, Person

EMERGENCY = 10**30
Order = tuple[int, int, int, int]
"""Minus the score, virtual arrival, arrival, id: the smallest goes first."""


class Room:
    """The room in which the agents sit and the tickets wait."""

    def __init__(self, policy: Policy) -> None:
        self.policy, self.now = policy, 0
        self.papers: dict[int, Paper] = {}
        self.people: dict[int, Person] = {}
        self.closed: dict[int, int] = {}
        self.surges: dict[int, int] = {}
        self.picks_since_guard: dict[int, int] = {}
        self.changed_people: set[int] = set()

    # ---- who and what is there

    def waiting(self) -> list[Paper]:
        return [paper for paper in self.papers.values() if paper.state == "queued"]

    def in_hand(self, person: Person) -> list[Paper]:
        held = [p for p in self.papers.values() if p.agent == person.id and p.state in HELD_BY_AGENT]
        return sorted(held, key=lambda paper: paper.id)

    def in_order(self, papers: Iterable[Paper]) -> list[Paper]:
        return sorted(papers, key=lambda paper: (paper.va, paper.arrived_at, paper.id))

    def rule(self, pool: int) -> PoolRule:
        rule = self.policy.pools.get(pool, self.policy.usual)
        return replace(rule, reserve=0, auto_accept=True) if pool in self.surges else rule

    def live(self, paper: Paper) -> bool:
        return self.policy.channels[paper.channel].live

    def at_a_screen(self, paper: Paper) -> bool:
        """Live, and its agents are asked: a chat, not a text."""
        rule = self.policy.channels[paper.channel]
        return rule.live and rule.offer_s is not None

    # ---- who may serve what

    def pools_of(self, paper: Paper) -> list[int]:
        """The pools that see a waiting ticket; none while it waits for one agent."""
        if paper.own:
            return []
        return [paper.pool, *(pool for pool, _after_s in paper.plan.overflow if pool in paper.overflowed)]

    def stand_in_one_line(self, one: Paper, other: Paper) -> bool:
        return (
            bool(set(self.pools_of(one)) & set(self.pools_of(other)))
            and one.channel == other.channel
            and one.plan.rings[one.ring].signature.reqs == other.plan.rings[other.ring].signature.reqs
            and (one.priority == 4) == (other.priority == 4)
        )

    def serves(self, person: Person, paper: Paper, pool: int, ring: int | None = None) -> bool:
        reqs = paper.plan.rings[paper.ring if ring is None else ring].signature.reqs
        return (
            pool in person.pools
            and paper.channel in person.channels_on
            and paper.channel in self.policy.channels
            and all(person.skills.get(skill, 0) >= level for skill, level in reqs)
        )

    def staffed(self, paper: Paper, pool: int, ring: int) -> bool:
        return any(person.staffs and self.serves(person, paper, pool, ring) for person in self.people.values())

    def servable(self, paper: Paper) -> bool:
        named = paper.plan.named_only
        pools = [paper.pool, *(pool for pool, _after_s in paper.plan.overflow)]
        return any(
            self.serves(person, paper, pool, ring)
            for person in self.people.values()
            for pool in pools
            for ring in range(len(paper.plan.rings))
            if not named or person.id in named
        )

    def barred(self, person: Person, paper: Paper) -> bool:
        named = paper.plan.named_only
        return bool(named and person.id not in named) or paper.until.get(person.id, 0) > self.now

    def primary(self, person: Person, paper: Paper, pool: int) -> bool:
        reqs = paper.plan.rings[paper.ring].signature.reqs
        return person.home_pool == pool and {skill for skill, _level in reqs} <= set(person.primary)

    # ---- room

    def could_hold(self, person: Person, channel: str) -> bool:
        rule = self.policy.channels[channel]
        used = person.primary_units + (0 if rule.live else person.filler_units)
        cap = person.caps.get(channel, rule.cap)
        return not person.overbooked and person.items.get(channel, 0) < cap and used + rule.weight <= person.budget

    def has_room(self, person: Person, channel: str) -> bool:
        return person.present and channel in person.channels_on and self.could_hold(person, channel)

    def is_free(self, person: Person, paper: Paper) -> bool:
        return self.has_room(person, paper.channel) and not self.barred(person, paper)

    def any_room(self, person: Person) -> bool:
        return any(self.has_room(person, channel) for channel in self.policy.channels)

    def over_limit(self, person: Person) -> int:
        rules = self.policy.channels
        items = sum(
            max(0, count - person.caps.get(channel, rules[channel].cap))
            for channel, count in person.items.items()
            if channel in rules
        )
        return items if items else int(person.primary_units > person.budget)

    def holds_live_work(self, person: Person) -> bool:
        return any(count and self.policy.channels[channel].live for channel, count in person.items.items())

    def kept_for_their_own(self, person: Person, paper: Paper, pool: int) -> bool:
        """The reserve: enough others of the agent's home pool keep room, or half of the ticket's time is gone."""
        reserve = self.rule(pool).reserve
        if not reserve or self.primary(person, paper, pool):
            return False
        deadline = paper.sla_deadline
        if deadline is not None and 2 * (self.now - paper.arrived_at) >= deadline - paper.arrived_at:
            return False
        others = [
            one
            for one in self.people.values()
            if one is not person and one.home_pool == person.home_pool and self.has_room(one, paper.channel)
        ]
        return len(others) < reserve

    def may_take(self, person: Person, paper: Paper, pool: int) -> bool:
        return (
            self.rule(pool).strategy != "manual"
            and self.has_room(person, paper.channel)
            and self.serves(person, paper, pool)
            and not self.barred(person, paper)
            and not self.kept_for_their_own(person, paper, pool)
        )

    # ---- an agent has room: which ticket?

    def wish(self, person: Person) -> tuple[Order, str] | None:
        """The ticket the agent would take, and by which rule."""
        plain: list[tuple[Order, str]] = []
        guarded: list[Order] = []
        for paper in self.waiting():
            age = max(0, self.now - paper.va)
            first = EMERGENCY if paper.priority == 4 and self.emergency_goes_first(paper) else 0
            place = (paper.va, paper.arrived_at, paper.id)
            if paper.own and paper.preferred_agent == person.id and self.is_free(person, paper):
                plain.append(((-first - self.policy.sticky_weight * age, *place), "sticky"))
            for pool in self.pools_of(paper):
                if self.may_take(person, paper, pool):
                    weight = self.weight(person, paper, pool)
                    plain.append(((-first - weight * age, *place), "emergency" if first else "ordinary"))
                    if not first and weight < self.policy.primary_weight and self.past_guard(paper, pool):
                        guarded.append((-self.policy.primary_weight * age, *place))
        if not plain:
            return None
        best = min(plain)
        if guarded and min(guarded) < best[0] and min(guarded)[3] != best[0][3] and self.guard_may(person):
            return min(guarded), "guard"
        return best

    def weight(self, person: Person, paper: Paper, pool: int) -> int:
        primary = self.primary(person, paper, pool)
        return self.policy.primary_weight if primary else self.rule(pool).secondary_weight

    def past_guard(self, paper: Paper, pool: int) -> bool:
        rule = self.rule(pool)
        return self.now - paper.va >= 1000 * (rule.guard_live_s if self.live(paper) else rule.guard_filler_s)

    def guard_may(self, person: Person) -> bool:
        return self.picks_since_guard.get(person.home_pool, 9) >= 9

    def count_pick(self, person: Person, why: str) -> None:
        since = self.picks_since_guard.get(person.home_pool, 9)
        self.picks_since_guard[person.home_pool] = 0 if why == "guard" else min(since + 1, 9)

    def emergency_goes_first(self, paper: Paper) -> bool:
        held = [
            one
            for one in self.papers.values()
            if one.priority == 4 and one.pool == paper.pool and one.state in HELD_BY_AGENT
        ]
        cap = self.policy.channels[paper.channel].cap
        slots = [
            person.caps.get(paper.channel, cap)
            for person in self.people.values()
            if person.home_pool == paper.pool and person.staffs and paper.channel in person.channels_on
        ]
        return not held or len(held) < max(1, sum(slots) * self.rule(paper.pool).emergency_share // 100)

    # ---- a ticket waits: which agent?

    def best_agent(self, paper: Paper) -> tuple[Person, str] | None:
        if paper.own:
            person = self.people[paper.preferred_agent or 0]
            return (person, "sticky") if self.is_free(person, paper) else None
        able = [
            (self.key(person, paper, pool), person)
            for person in self.people.values()
            for pool in self.pools_of(paper)
            if self.may_take(person, paper, pool)
        ]
        if not able:
            return None
        return min(able, key=lambda one: one[0])[1], "ordinary"

    def key(self, person: Person, paper: Paper, pool: int) -> list[Any]:
        strategy = self.rule(pool).strategy
        rank = 0 if self.primary(person, paper, pool) else 1
        everything = person.primary_units + person.filler_units
        if strategy == "spread":
            load = person.primary_units * 1000 // person.budget if self.live(paper) else everything
            units = everything * 64 // person.budget
            flexibility = min(15, len(person.skills))
            return [min(1023, load), rank, min(63, units), flexibility, person.idle_since, person.id]
        if strategy == "longest_idle":
            load = person.primary_units * 1000 // person.budget if self.live(paper) else everything
            return [min(1023, load), rank, person.idle_since, person.id]
        if strategy == "round_robin":
            return [rank, person.last_assigned, person.id]
        if strategy == "most_spare":
            return [everything - person.budget, rank, person.idle_since, person.id]
        assert strategy == "least_active"
        return [sum(person.items.values()), rank, person.idle_since, person.id]

    # ---- work in hand

    def take(self, paper: Paper, person: Person) -> None:
        rule = self.policy.channels[paper.channel]
        paper.agent, paper.units, paper.filler = person.id, rule.weight, not rule.live
        person.items[paper.channel] = person.items.get(paper.channel, 0) + 1
        if paper.filler:
            person.filler_units += paper.units
        else:
            person.primary_units += paper.units
        person.idle_since = person.last_assigned = self.now

    def give_back(self, paper: Paper) -> None:
        person = self.people[paper.agent or 0]
        person.items[paper.channel] -= 1
        if paper.filler:
            person.filler_units -= paper.units
        else:
            person.primary_units -= paper.units
        paper.units = 0
        person.idle_since = person.last_assigned if person.busy else self.now
        person.overbooked = min(person.overbooked, self.over_limit(person))
        if person.next_intent and not self.holds_live_work(person):
            person.intent, person.next_intent = person.next_intent, None
        self.changed_people.add(person.id)
