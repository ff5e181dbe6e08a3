"""How a ticket waits, by the oracle: entering, one agent who knows it, rings, further pools, and what time will bring."""

from routing import FOREVER, Policy
from tests.routing.oracle_choice import Room
from tests.routing.oracle_papers import Paper, Person, Told

WHILE_WAITING = ["sticky", "relax", "overflow", "reserve", "exclusion", "closing", "sla"]


class Waiting(Room):
    """Timers are a list of instants; whoever waits is looked at again after every fact."""

    def __init__(self, policy: Policy) -> None:
        super().__init__(policy)
        self.told: list[Told] = []
        self.timers: dict[tuple[str, int], int] = {}
        self.reported: set[int] = set()
        self.changed_papers: set[int] = set()

    def enter(self, paper: Paper, back_to: Person | None = None) -> None:
        if paper.queue in self.closed and paper.entered_at is None:
            paper.state, paper.agent, paper.offer_expires = "held", None, None
            self.told.append(("Held", paper.id, None, "hours"))
            return
        new = paper.entered_at is None and not paper.hops
        paper.state, paper.agent, paper.offer_expires = "queued", None, None
        if paper.entered_at is None:
            paper.entered_at, paper.ring, paper.overflowed = self.now, 0, ()
        paper.own = paper.sticky_until is not None and self.waits_for_one(paper, back_to)
        if not paper.own:
            paper.sticky_until = None
        self.changed_papers.add(paper.id)
        self.look_at(paper)
        if new and self.too_many_wait(paper) and self.best_agent(paper) is None:
            self.divert(paper, "queue_full")

    def too_many_wait(self, paper: Paper) -> bool:
        most = self.rule(paper.pool).most_waiting
        if most is None or not self.at_a_screen(paper):
            return False
        alike = [one for one in self.waiting() if (one.queue, one.channel) == (paper.queue, paper.channel)]
        return len(alike) - 1 >= most

    def waits_for_one(self, paper: Paper, back_to: Person | None) -> bool:
        person = self.people.get(paper.preferred_agent or 0)
        if person is None or not self.may_wait_for(paper, person):
            return False
        assert paper.sticky_until is not None
        if person is back_to:
            return person.waited_for
        return person.present and (paper.sticky_until > self.now or self.has_room(person, paper.channel))

    def may_wait_for(self, paper: Paper, person: Person) -> bool:
        serves = self.serves(person, paper, paper.pool) and not self.barred(person, paper)
        return serves and not self.for_everybody(paper)

    def for_everybody(self, paper: Paper) -> bool:
        return paper.queue in self.surges or self.rule(paper.pool).strategy == "manual"

    def end_wait_for_one(self, paper: Paper) -> None:
        if paper.own:
            paper.own, paper.sticky_until = False, None
            self.changed_papers.add(paper.id)

    def divert(self, paper: Paper, why: str) -> None:
        self.withdraw(paper)
        paper.state = "diverted"
        self.told.append(("Diverted", paper.id, why))

    def withdraw(self, paper: Paper) -> None:
        paper.own = False
        self.disarm(paper.id, WHILE_WAITING)
        self.reported.discard(paper.id)
        self.changed_papers.discard(paper.id)

    def disarm(self, of: int, kinds: list[str]) -> None:
        for kind in kinds:
            self.timers.pop((kind, of), None)

    def look_at_all_who_wait(self) -> None:
        for paper in self.in_order(self.waiting()):
            if paper.own:
                self.look_for_one(paper)
            self.look_at(paper)

    def look_for_one(self, paper: Paper) -> None:
        person = self.people.get(paper.preferred_agent or 0)
        if person is None or not person.waited_for or not self.serves(person, paper, paper.pool):
            self.end_wait_for_one(paper)

    def look_at(self, paper: Paper) -> None:
        if not paper.own:
            self.look_at_rings(paper)
            self.look_at_pools(paper)
            self.tell_if_nobody_can(paper)
        self.arm(paper)

    def look_at_rings(self, paper: Paper) -> None:
        assert paper.entered_at is not None
        rings, due = paper.plan.rings, paper.ring
        for number, ring in enumerate(rings):
            if ring.after_s * 1000 <= self.now - paper.entered_at:
                due = max(due, number)
        if paper.queue in self.surges and len(rings) > 1:
            due = max(due, 1)
        staffed = [number for number in range(due, len(rings)) if self.staffed(paper, paper.pool, number)]
        reached = staffed[0] if staffed else due
        if reached != paper.ring:
            why = "unstaffed" if reached > due else "surge" if paper.queue in self.surges else "waited"
            self.told.append(("Relaxed", paper.id, reached, reached > due, why))
            paper.ring = reached
            self.changed_papers.add(paper.id)

    def look_at_pools(self, paper: Paper) -> None:
        assert paper.entered_at is not None
        staffed = self.staffed(paper, paper.pool, paper.ring)
        for pool, after_s in paper.plan.overflow:
            due = after_s * 1000 <= self.now - paper.entered_at or paper.queue in self.surges or not staffed
            if due and pool not in paper.overflowed:
                paper.overflowed = (*paper.overflowed, pool)
                self.told.append(("Overflowed", paper.id, pool, "overflow"))
                self.changed_papers.add(paper.id)
            staffed = staffed or (pool in paper.overflowed and self.staffed(paper, pool, paper.ring))

    def tell_if_nobody_can(self, paper: Paper) -> None:
        if any(self.staffed(paper, pool, paper.ring) for pool in self.pools_of(paper)) or self.servable(paper):
            self.reported.discard(paper.id)
        elif paper.id not in self.reported:
            self.reported.add(paper.id)
            self.told.append(("Unservable", paper.id, "nobody"))

    def arm(self, paper: Paper) -> None:
        assert paper.entered_at is not None
        plan, of = paper.plan, paper.id
        if paper.own:
            assert paper.sticky_until is not None
            self.timers["sticky", of] = paper.sticky_until
        else:
            for ring in plan.rings[paper.ring + 1 : paper.ring + 2]:
                self.timers["relax", of] = paper.entered_at + ring.after_s * 1000
            later = [after_s for pool, after_s in plan.overflow if pool not in paper.overflowed]
            if later:
                self.timers["overflow", of] = paper.entered_at + min(later) * 1000
        ends = [until for until in paper.until.values() if until < FOREVER]
        if ends:
            self.timers["exclusion", of] = min(ends)
        if paper.sla_deadline is not None:
            span = paper.sla_deadline - paper.arrived_at
            for kind, at in (("sla", span * 3 // 4), ("reserve", -(-span // 2))):
                if paper.arrived_at + at > self.now:
                    self.timers[kind, of] = paper.arrived_at + at
        if paper.queue in self.closed and self.at_a_screen(paper):
            self.timers["closing", of] = self.closed[paper.queue] + 1000 * self.rule(paper.pool).closing_s
