"""Agents and their answers to offers, by the oracle."""

from typing import Any

from routing import Agent, events
from tests.routing.oracle_hands import Hands
from tests.routing.oracle_papers import Paper, Person


class Nonsense(Exception):
    """A fact that does not fit."""


def insist(fits: object) -> None:
    if not fits:
        raise Nonsense


class Staff(Hands):
    """Who is there, and for what."""

    def paper(self, ticket: int) -> Paper:
        insist(ticket in self.papers)
        return self.papers[ticket]

    def person(self, agent: int) -> Person:
        insist(agent in self.people)
        return self.people[agent]

    def accepted(self, fact: events.OfferAccepted) -> None:
        paper = self.paper(fact.ticket)
        insist(paper.agent == fact.agent and paper.state in ("offered", "assigned"))
        if paper.state == "offered":
            paper.state, paper.offer_expires = "assigned", None
            self.disarm(paper.id, ["offer"])
            self.people[fact.agent].misses = 0

    def declined(self, fact: events.OfferDeclined) -> None:
        paper = self.paper(fact.ticket)
        insist(paper.agent == fact.agent and paper.state == "offered")
        self.pass_over(paper)
        self.queue_again(paper, "declined")

    def not_answered(self, paper: Paper) -> None:
        person = self.people[paper.agent or 0]
        self.pass_over(paper)
        person.misses += 1
        self.queue_again(paper, "timed_out")
        if person.misses >= self.policy.misses_before_away and person.intent == "available":
            self.wants(person, "away", None)
            self.told.append(("NotResponding", person.id, "missed"))

    def agent_changed(self, agent: Agent) -> None:
        person = self.people.get(agent.id)
        if person is None:
            person = self.people[agent.id] = Person(agent)
        else:
            person.learn(agent)
            person.overbooked = min(person.overbooked, self.over_limit(person))
        self.arm_grace(person)
        self.changed_people.add(agent.id)

    def intent(self, fact: events.AgentIntent) -> None:
        person = self.person(fact.agent)
        person.misses = 0
        if fact.next_intent and not self.holds_live_work(person):
            self.wants(person, fact.next_intent, None)
        else:
            self.wants(person, fact.intent, fact.next_intent)

    def wants(self, person: Person, intent: Any, following: Any) -> None:
        if intent == "available" and person.intent != "available" and not person.busy:
            person.idle_since = self.now
        person.intent, person.next_intent = intent, following
        self.changed_people.add(person.id)

    def health(self, fact: events.AgentHealth) -> None:
        person = self.person(fact.agent)
        if person.health == fact.health:
            return
        person.health, person.health_since = fact.health, self.now
        self.arm_grace(person)
        self.release(person)
        self.changed_people.add(person.id)
        if person.health == "lost":
            self.take_offers_back(person)

    def arm_grace(self, person: Person) -> None:
        self.timers.pop(("grace", person.id), None)
        if person.health != "connected":
            after = 10_000 if person.health == "grace" else 30_000
            self.timers["grace", person.id] = person.health_since + after

    def release(self, person: Person) -> None:
        """Whoever is no longer present is waited for no longer."""
        for paper in self.waiting():
            if paper.own and paper.preferred_agent == person.id and not person.present:
                self.end_wait_for_one(paper)

    def grace_over(self, person: Person) -> None:
        self.take_offers_back(person)
        if person.health == "lost":
            for paper in self.in_hand(person):
                if paper.state == "assigned" and not paper.filler:
                    paper.va = self.with_bonus(paper, 5 * 60_000)
                    paper.preferred_agent, paper.sticky_until = person.id, self.now + 20_000
                    self.queue_again(paper, "line_lost", back_to=person)

    def take_offers_back(self, person: Person) -> None:
        for paper in self.in_hand(person):
            if paper.state == "offered":
                self.rescind(paper, "line_lost")

    def agent_left(self, fact: events.AgentLeft) -> None:
        person = self.person(fact.agent)
        insist(not self.in_hand(person))
        self.strike_off(person)

    def strike_off(self, person: Person) -> None:
        del self.people[person.id]
        self.timers.pop(("grace", person.id), None)
        self.changed_people.discard(person.id)
