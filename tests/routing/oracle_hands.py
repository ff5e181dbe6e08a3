"""Into the hands of agents and out of them again, by the oracle: the decision, and the way back to the queue."""

from tests.routing.oracle_papers import HELD_BY_AGENT, Paper, Person
from tests.routing.oracle_waiting import Waiting


class Hands(Waiting):
    """What an agent holds."""

    def let_go(self, paper: Paper) -> None:
        """Out of the queue, or out of the agent's hands."""
        if paper.state == "queued":
            self.withdraw(paper)
        elif paper.state in HELD_BY_AGENT:
            self.disarm(paper.id, ["offer", "wrap_up"])
            paper.offer_expires = None
            self.give_back(paper)

    def throw_away(self, paper: Paper) -> None:
        self.let_go(paper)
        del self.papers[paper.id]

    def queue_again(self, paper: Paper, why: str, back_to: Person | None = None) -> None:
        before = paper.agent
        self.let_go(paper)
        paper.agent = None
        paper.version += 1
        self.told.append(("Requeued", paper.id, before, why))
        self.enter(paper, back_to)

    def rescind(self, paper: Paper, why: str) -> None:
        self.told.append(("Rescinded", paper.id, paper.agent, why))
        self.queue_again(paper, why)

    def pass_over(self, paper: Paper) -> None:
        """A second thought after a while is all that is asked when nobody else is there."""
        others = self.somebody_else(paper, paper.agent)
        paper.until[paper.agent or 0] = self.now + 1000 * (
            self.policy.excluded_s if others else self.policy.second_thought_s
        )

    def somebody_else(self, paper: Paper, agent: int | None) -> bool:
        pools = [paper.pool, *paper.overflowed]
        return any(
            person.id != agent
            and person.staffs
            and not self.barred(person, paper)
            and any(self.serves(person, paper, pool) for pool in pools)
            for person in self.people.values()
        )

    def with_bonus(self, paper: Paper, bonus: int) -> int:
        head_start = self.policy.max_head_start_live_ms if self.live(paper) else self.policy.max_head_start_filler_ms
        return min(paper.va, max(paper.va - bonus, paper.arrived_at - head_start))

    def decide(self) -> None:
        """Wishes are remembered; the strongest is asked for again, and granted if it is still the same."""
        people = {number for number in self.changed_people if number in self.people}
        if people and any(rule.reserve for rule in (self.policy.usual, *self.policy.pools.values())):
            pools = {self.people[number].home_pool for number in people}
            people |= {one.id for one in self.people.values() if one.home_pool in pools and self.any_room(one)}
        wishes = {number: self.wish(self.people[number]) for number in people}
        while any(wishes.values()):
            order, number = min((wish[0], number) for number, wish in wishes.items() if wish is not None)
            person = self.people[number]
            again = self.wish(person)
            if again is not None and again[0] == order:
                paper = self.papers[order[3]]
                best = self.best_agent(paper)
                taker = best[0] if best else person
                theirs = self.wish(taker)
                if theirs is not None and theirs[0] < order:
                    wishes[taker.id] = theirs  # something more pressing waits for whom it would go to
                    continue
                self.count_pick(person, again[1])
                self.give(paper, taker, again[1])
                again = self.wish(person)
            wishes[number] = again
        self.place_those_who_came()

    def place_those_who_came(self) -> None:
        came = self.in_order(self.papers[number] for number in self.changed_papers if number in self.papers)
        for paper in came:
            if paper.priority == 4 and self.emergency_goes_first(paper):
                self.place(paper)
        for paper in came:
            self.place(paper)

    def place(self, paper: Paper) -> None:
        if paper.state == "queued":
            best = self.best_agent(paper)
            if best:
                self.give(paper, best[0], best[1])

    def give(self, paper: Paper, person: Person, why: str, *, direct: bool = False) -> None:
        rule = self.policy.channels[paper.channel]
        self.withdraw(paper)
        self.take(paper, person)
        paper.version += 1
        paper.offer_expires = None
        paper.state, mode = "assigned", "direct"
        if not direct and rule.offer_s is not None and not self.rule(paper.pool).auto_accept:
            paper.state, mode = "offered", "offer"
            paper.offers_made += 1
            paper.offer_expires = self.timers["offer", paper.id] = self.now + 1000 * rule.offer_s
        self.told.append(("Given", paper.id, person.id, mode, rule.weight, not rule.live, paper.offer_expires, why))
