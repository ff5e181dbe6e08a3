"""Rows read again, by the oracle."""

from routing import FOREVER, Agent, Ticket, events
from tests.routing.oracle_papers import HELD_BY_AGENT, Paper, Person
from tests.routing.oracle_staff import Staff


class Rows(Staff):
    """The rows are the truth; what they say already disturbs nothing."""

    def rows_read(self, fact: events.Reconciled) -> None:
        for agent in fact.agents:
            self.agent_row(agent)
        for ticket in fact.gone:
            if ticket in self.papers:
                self.throw_away(self.papers[ticket])
        for row in fact.tickets:
            self.ticket_row(row)
        for agent in fact.agents:
            self.people[agent.id].count_as(agent)
            self.changed_people.add(agent.id)
        for number in fact.agents_gone:
            if number in self.people:
                self.strike_off(self.people[number])

    def agent_row(self, row: Agent) -> None:
        person = self.people.get(row.id)
        if person is None or person.profile() != Person(row).profile():
            self.agent_changed(row)
        elif (person.intent, person.next_intent, person.health) != (row.intent, row.next_intent, row.health):
            if person.health != row.health:
                person.health, person.health_since = row.health, row.health_since
                self.arm_grace(person)
            self.wants(person, row.intent, row.next_intent)
            self.release(person)

    def ticket_row(self, row: Ticket) -> None:
        paper, read = self.papers.get(row.id), Paper(row)
        if paper is not None and paper.standing() == read.standing():
            paper.version, paper.offer_expires = row.version, row.offer_expires
            if paper.state == "offered" and row.offer_expires is not None:
                self.timers["offer", paper.id] = row.offer_expires
            return
        fresh = paper is None or paper.state != read.state
        if paper is not None:
            self.throw_away(paper)
        shorter = 1000 * (self.policy.excluded_s - self.policy.second_thought_s)
        for agent, until in sorted(read.until.items()):
            if until < FOREVER and not self.somebody_else(read, agent):
                read.until[agent] = until - shorter
        read.until = {agent: until for agent, until in read.until.items() if until > self.now}
        self.papers[row.id] = read
        if read.state == "queued":
            read.entered_at = self.now if read.entered_at is None else read.entered_at
            person = self.people.get(read.preferred_agent or 0)
            left = 0 if read.sticky_until is None else read.sticky_until - self.now
            there = person is not None and (person.present or (person.waited_for and left <= 20_000))
            read.own = fresh and person is not None and there and left > 0 and self.may_wait_for(read, person)
            if not read.own:
                read.sticky_until = None
            self.changed_papers.add(row.id)
        elif read.state in HELD_BY_AGENT and read.offer_expires is not None:
            self.timers["offer" if read.state == "offered" else "wrap_up", read.id] = read.offer_expires

    def refused(self, fact: events.ClaimRefused) -> None:
        paper = self.paper(fact.ticket)
        if paper.state in HELD_BY_AGENT:
            self.let_go(paper)
            paper.state, paper.agent = "new", None
