"""The rules of routing once more, slow and plain: full scans over everybody, nothing shared with the router but its values.

`Oracle.hear` takes each fact and gives what the router must answer. Whoever waits is looked at again after every fact, so
the oracle needs no lines, no heads and no counts; what it must remember is in the tickets and agents themselves.
"""

from collections.abc import Callable
from typing import Any

from routing import events
from routing.events import Event
from tests.routing.oracle_papers import Paper, Told
from tests.routing.oracle_rows import Rows
from tests.routing.oracle_staff import Nonsense, insist

DAY = 24 * 60 * 60 * 1000
TIMERS = ["offer", "wrap_up", "sticky", "relax", "overflow", "reserve", "exclusion", "closing", "surge", "sla", "grace"]
"""In the order in which they strike at the same instant."""


class Oracle(Rows):
    """Tickets are papers, agents are persons, timers are a list of instants."""

    def hear(self, event: Event, now: int) -> list[Told]:
        """Take the fact in; gives everything that follows, decisions in their order."""
        self.now = max(self.now, now)
        self.told: list[Told] = []
        self.changed_papers.clear()
        self.changed_people.clear()
        try:
            self.answers()[type(event)](event)
        except Nonsense:
            return [("Anomaly",)]
        self.look_at_all_who_wait()
        self.decide()
        return self.told

    def answers(self) -> dict[type, Callable[[Any], None]]:
        return {
            events.TicketCreated: self.created,
            events.TicketChanged: self.changed,
            events.TicketCancelled: self.cancelled,
            events.TicketClosed: self.closed_by_agent,
            events.WrapUpEnded: self.wrap_up_ended,
            events.Answered: lambda fact: self.rest(fact.ticket, "waiting_citizen"),
            events.CitizenSilent: lambda fact: self.rest(fact.ticket, "parked"),
            events.CitizenReplied: self.replied,
            events.TransferAsked: self.passed_on,
            events.Excluded: self.excluded,
            events.Picked: self.picked,
            events.Overridden: self.overridden,
            events.MovedToFront: self.moved_to_front,
            events.OfferAccepted: self.accepted,
            events.OfferDeclined: self.declined,
            events.ClaimRefused: self.refused,
            events.Reconciled: self.rows_read,
            events.AgentChanged: lambda fact: self.agent_changed(fact.agent),
            events.AgentIntent: self.intent,
            events.AgentHealth: self.health,
            events.AgentLeft: self.agent_left,
            events.QueueOpened: self.opened,
            events.QueueClosed: self.queue_closed,
            events.SurgeStarted: self.surge_started,
            events.SurgeEnded: lambda fact: self.surge_over(fact.queue),
            events.PolicyChanged: self.policy_changed,
            events.Tick: lambda _fact: self.time_passed(),
        }

    def next_due(self) -> int | None:
        return min(self.timers.values(), default=None)

    def created(self, fact: events.TicketCreated) -> None:
        known = self.papers.get(fact.ticket.id)
        insist(known is None or known.state == "diverted")
        insist(fact.ticket.channel in self.policy.channels and fact.ticket.va <= fact.ticket.arrived_at)
        paper = self.papers[fact.ticket.id] = Paper(fact.ticket)
        self.enter(paper)

    def changed(self, fact: events.TicketChanged) -> None:
        paper = self.paper(fact.ticket)
        insist(fact.va is None or fact.va <= (paper.arrived_at if fact.lowered else paper.va))
        insist(fact.plan is None or fact.plan.rings[0].signature.channel == paper.channel)
        own = paper.own and fact.plan is None
        waiting = paper.state == "queued"
        if waiting:
            self.withdraw(paper)
        for name in ("va", "priority", "vulnerable", "sla_deadline", "plan"):
            if getattr(fact, name) is not None:
                setattr(paper, name, getattr(fact, name))
        if fact.plan is not None:
            paper.ring, paper.overflowed = 0, ()
        if waiting:
            paper.own = own
            if not own:
                paper.sticky_until = None
            self.changed_papers.add(paper.id)
        elif paper.state == "offered" and fact.plan is not None:
            person = self.people[paper.agent or 0]
            if not self.serves(person, paper, paper.pool) or self.barred(person, paper):
                self.rescind(paper, "changed")

    def cancelled(self, fact: events.TicketCancelled) -> None:
        paper = self.paper(fact.ticket)
        insist(paper.state != "wrapup")
        if paper.state == "offered":
            self.told.append(("Rescinded", paper.id, paper.agent, "cancelled"))
        self.throw_away(paper)

    def closed_by_agent(self, fact: events.TicketClosed) -> None:
        paper = self.paper(fact.ticket)
        insist(paper.state in ("assigned", "waiting_citizen", "parked", "diverted"))
        wrap_up_s = self.rule(paper.pool).wrap_up_s
        if paper.state == "assigned" and wrap_up_s:
            paper.state = "wrapup"
            paper.offer_expires = self.timers["wrap_up", paper.id] = self.now + 1000 * wrap_up_s
        else:
            self.throw_away(paper)

    def wrap_up_ended(self, fact: events.WrapUpEnded) -> None:
        insist(self.paper(fact.ticket).state == "wrapup")
        self.throw_away(self.papers[fact.ticket])

    def rest(self, ticket: int, state: str) -> None:
        paper = self.paper(ticket)
        insist(paper.state == "assigned")
        self.give_back(paper)
        paper.state = state

    def replied(self, fact: events.CitizenReplied) -> None:
        paper = self.paper(fact.ticket)
        if paper.state not in ("waiting_citizen", "parked"):
            return
        insist(fact.va is None or fact.arrived_at is None or fact.va <= fact.arrived_at)
        person = self.people.get(paper.agent or 0)
        there = person is not None and (person.intent, person.health) == ("available", "connected")
        if person is not None and there and not self.over_limit(person) and not self.barred(person, paper):
            self.take(paper, person)
            paper.state = "assigned"
            person.overbooked = self.over_limit(person)
            return
        if fact.arrived_at is not None:
            paper.arrived_at, paper.entered_at = fact.arrived_at, None
            paper.va = fact.arrived_at if fact.va is None else fact.va
        self.queue_again(paper, "woken")

    def passed_on(self, fact: events.TransferAsked) -> None:
        paper = self.paper(fact.ticket)
        insist(paper.state in ("offered", "assigned", "waiting_citizen", "parked", "queued", "held"))
        if not fact.supervisor:
            insist(paper.hops < self.policy.most_hops)
            insist(not [1 for queue, at in paper.visited if queue == fact.queue and self.now - at < DAY])
        insist(fact.plan.rings[0].signature.channel == paper.channel)
        target = self.people.get(fact.target or 0)
        if fact.warm:
            insist(target is not None)
            assert target is not None
            insist(self.has_room(target, paper.channel) and paper.until.get(target.id, 0) <= self.now)
            insist(not fact.plan.named_only or target.id in fact.plan.named_only)
        before = paper.agent
        if paper.state == "offered":
            self.told.append(("Rescinded", paper.id, before, "transferred"))
        self.let_go(paper)
        paper.visited = (*paper.visited, (paper.queue, self.now))
        paper.hops += 1
        if fact.queue != paper.queue:
            paper.entered_at = None
        if fact.queue != paper.queue or fact.plan != paper.plan:
            paper.ring, paper.overflowed = 0, ()
        paper.queue, paper.plan = fact.queue, fact.plan
        paper.va = self.with_bonus(paper, fact.bonus_ms)
        if fact.warm and target is not None:
            paper.entered_at = self.now if paper.entered_at is None else paper.entered_at
            self.take(paper, target)
            paper.state = "assigned"
            paper.version += 1
            return
        paper.preferred_agent, paper.sticky_until = fact.target, fact.sticky_until if fact.target else None
        paper.agent = None
        self.told.append(("Requeued", paper.id, before, "transferred"))
        self.enter(paper)

    def excluded(self, fact: events.Excluded) -> None:
        paper = self.paper(fact.ticket)
        if paper.state == "queued":
            own = paper.own and paper.preferred_agent != fact.agent
            self.withdraw(paper)
            paper.own = own
            if not own:
                paper.sticky_until = None
            self.changed_papers.add(paper.id)
        paper.until[fact.agent] = fact.until
        if paper.state == "offered" and paper.agent == fact.agent:
            self.rescind(paper, "exclusion")

    def picked(self, fact: events.Picked) -> None:
        paper = self.paper(fact.ticket)
        person = self.people.get(fact.agent)
        insist(paper.state == "queued" and person is not None)
        assert person is not None
        insist(self.has_room(person, paper.channel) and not self.barred(person, paper))
        insist([1 for pool in {paper.pool, *self.pools_of(paper)} if self.serves(person, paper, pool)])
        self.give(paper, person, "picked", direct=True)

    def overridden(self, fact: events.Overridden) -> None:
        paper, person = self.paper(fact.ticket), self.person(fact.agent)
        insist(paper.state not in ("new", "held", "wrapup", "diverted") and paper.agent != person.id)
        insist(person.intent != "offline" and person.health == "connected" and not self.barred(person, paper))
        insist(fact.exceed or (paper.channel in person.channels_on and self.could_hold(person, paper.channel)))
        if paper.state == "offered":
            self.told.append(("Rescinded", paper.id, paper.agent, "overridden"))
        self.let_go(paper)
        self.give(paper, person, "override", direct=True)
        person.overbooked = self.over_limit(person)

    def moved_to_front(self, fact: events.MovedToFront) -> None:
        paper = self.paper(fact.ticket)
        insist(paper.state == "queued")
        beside = [one for one in self.waiting() if not one.own and self.stand_in_one_line(one, paper)]
        first = min([paper.va, *(one.va for one in beside if not paper.own)])
        self.changed(events.TicketChanged(paper.id, va=first - 1))

    def opened(self, fact: events.QueueOpened) -> None:
        self.closed.pop(fact.queue, None)
        for paper in self.in_order(self.papers.values()):
            if paper.queue == fact.queue and paper.state == "held":
                self.enter(paper)

    def queue_closed(self, fact: events.QueueClosed) -> None:
        self.closed.setdefault(fact.queue, self.now)

    def surge_started(self, fact: events.SurgeStarted) -> None:
        insist(fact.until > self.now)
        self.surges[fact.queue] = self.timers["surge", fact.queue] = fact.until
        self.with_other_rules()

    def surge_over(self, queue: int) -> None:
        if queue in self.surges:
            del self.surges[queue]
            self.timers.pop(("surge", queue), None)
            self.with_other_rules()

    def with_other_rules(self) -> None:
        for paper in self.waiting():
            if self.for_everybody(paper):
                self.end_wait_for_one(paper)
        self.changed_papers |= {paper.id for paper in self.waiting() if not paper.own}
        self.changed_people |= set(self.people)

    def policy_changed(self, fact: events.PolicyChanged) -> None:
        insist({paper.channel for paper in self.papers.values()} <= set(fact.policy.channels))
        self.policy = fact.policy
        for person in self.people.values():
            person.overbooked = min(person.overbooked, self.over_limit(person))
        self.with_other_rules()

    def time_passed(self) -> None:
        for _ in range(256):
            due = [(at, TIMERS.index(kind), of) for (kind, of), at in self.timers.items() if at <= self.now]
            if not due:
                return
            _, number, of = min(due)
            del self.timers[TIMERS[number], of]
            self.strikes(TIMERS[number], of)

    def strikes(self, kind: str, of: int) -> None:
        paper = self.papers.get(of)
        if kind == "surge":
            self.surge_over(of)
        elif kind == "grace":
            self.grace_over(self.people[of])
        elif paper is None:
            return
        elif kind == "offer" and paper.state == "offered":
            self.not_answered(paper)
        elif kind == "wrap_up" and paper.state == "wrapup":
            self.told.append(("Closed", of, "wrap_up"))
            self.throw_away(paper)
        elif paper.state == "queued":
            self.wait_goes_on(kind, paper)

    def wait_goes_on(self, kind: str, paper: Paper) -> None:
        if kind == "sticky" and paper.own:
            self.end_wait_for_one(paper)
        elif kind in ("relax", "overflow"):
            self.look_at(paper)
        elif kind == "exclusion":
            paper.until = {agent: until for agent, until in paper.until.items() if until > self.now}
            self.changed_papers.add(paper.id)
        elif kind == "reserve":
            self.changed_papers.add(paper.id)
        elif kind == "sla":
            self.told.append(("SlaAtRisk", paper.id, "deadline"))
        elif kind == "closing" and paper.queue in self.closed:
            self.divert(paper, "closed")
