"""A small agency in which everything can happen: six agents, four skills, two teams, three channels, short times.

Each action reads what the router itself says is there and gives the next fact, or None when there is nothing to do it with.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from routing import FOREVER, Agent, Plan, Snapshot, State, Ticket, events
from routing.events import Event
from tests.routing.small_world import CHANNELS, MOST_AGENTS, POOLS, SECOND, Draw, a_plan, a_policy, an_agent, once_in

MOST_TICKETS = 12


class SmallAgency:
    """What may happen next. `seen` is what the router last said is there; `next_id` numbers the tickets."""

    def __init__(self, draw: Draw, seen: Snapshot) -> None:
        self.draw, self.seen = draw, seen
        self.next_id, self.revision = 0, 1

    @property
    def now(self) -> int:
        return self.seen.now

    def tickets(self, *states: State) -> list[Ticket]:
        return [ticket for ticket in self.seen.tickets if not states or ticket.state in states]

    def agents(self) -> tuple[Agent, ...]:
        return self.seen.agents

    def one_of(self, *states: State) -> Ticket | None:
        found = self.tickets(*states)
        return self.draw.choose(found) if found else None

    def about_one_of(self, fact: Callable[[int], Event], *states: State) -> Event | None:
        ticket = self.one_of(*states)
        return None if ticket is None else fact(ticket.id)

    def some_agent(self) -> int:
        """Now and then one who is not there."""
        there = [agent.id for agent in self.agents()]
        return self.draw.choose(there) if there and not once_in(self.draw, 12) else self.draw.between(1, MOST_AGENTS)

    # ---- citizens

    def a_citizen_writes(self) -> Event | None:
        if len(self.tickets()) >= MOST_TICKETS:
            return None
        self.next_id += 1
        pool = self.draw.choose(POOLS)
        return events.TicketCreated(self._new_ticket(self.next_id, a_plan(self.draw, self.draw.choose(CHANNELS), pool)))

    def _new_ticket(self, number: int, plan: Plan) -> Ticket:
        draw = self.draw
        arrived_at = self.now - SECOND * draw.choose([0, 0, 0, 1, 5])
        known = once_in(draw, 3)
        return Ticket(
            number,
            queue=plan.rings[0].signature.pool,
            plan=plan,
            arrived_at=arrived_at,
            va=arrived_at - SECOND * draw.choose([0, 0, 2, 6, 12]),
            priority=draw.choose([0, 0, 0, 1, 2, 3, 4]),
            vulnerable=once_in(draw, 5),
            sla_deadline=arrived_at + SECOND * draw.between(2, 30) if once_in(draw, 2) else None,
            preferred_agent=self.some_agent() if known else None,
            sticky_until=self.now + SECOND * draw.between(0, 6) if known else None,
            excluded=((self.some_agent(), draw.choose([FOREVER, self.now + 3 * SECOND])),) if once_in(draw, 6) else (),
        )

    def a_turned_away_citizen_writes_again(self) -> Event | None:
        ticket = self.one_of(State.DIVERTED)
        return None if ticket is None else events.TicketCreated(self._new_ticket(ticket.id, ticket.plan))

    def a_citizen_answers(self) -> Event | None:
        ticket = self.one_of(State.WAITING_CITIZEN, State.PARKED)
        if ticket is None:
            return None
        if ticket.state is State.PARKED:
            return events.CitizenReplied(ticket.id)
        return events.CitizenReplied(ticket.id, self.now, self.now - SECOND * self.draw.choose([0, 2]))

    def a_citizen_falls_silent(self) -> Event | None:
        return self.about_one_of(events.CitizenSilent, State.ASSIGNED)

    def a_ticket_is_cancelled(self) -> Event | None:
        return self.about_one_of(events.TicketCancelled)

    # ---- agents at work

    def an_offer_is_accepted(self) -> Event | None:
        ticket = self.one_of(State.OFFERED)
        if ticket is None or ticket.agent is None:
            return None
        return events.OfferAccepted(ticket.id, self.some_agent() if once_in(self.draw, 10) else ticket.agent)

    def an_offer_is_declined(self) -> Event | None:
        ticket = self.one_of(State.OFFERED)
        if ticket is None or ticket.agent is None:
            return None
        return events.OfferDeclined(ticket.id, ticket.agent)

    def a_ticket_is_answered(self) -> Event | None:
        return self.about_one_of(events.Answered, State.ASSIGNED)

    def a_ticket_is_closed(self) -> Event | None:
        return self.about_one_of(events.TicketClosed, *(() if once_in(self.draw, 8) else (State.ASSIGNED,)))

    def a_wrap_up_ends(self) -> Event | None:
        return self.about_one_of(events.WrapUpEnded, *(() if once_in(self.draw, 8) else (State.WRAPUP,)))

    def a_ticket_is_passed_on(self) -> Event | None:
        ticket = self.one_of()
        if ticket is None:
            return None
        draw, pool = self.draw, self.draw.choose(POOLS)
        plan = ticket.plan if pool == ticket.pool and once_in(draw, 2) else a_plan(draw, ticket.channel, pool)
        target = self.some_agent() if once_in(draw, 2) else None
        return events.TransferAsked(
            ticket.id,
            queue=pool,
            plan=plan,
            target=target,
            sticky_until=self.now + SECOND * draw.between(0, 5) if target else None,
            warm=target is not None and once_in(draw, 2),
            supervisor=once_in(draw, 2),
            bonus_ms=draw.choose([0, 3 * SECOND]),
        )

    def a_ticket_is_picked(self) -> Event | None:
        agent = self.some_agent()
        return self.about_one_of(lambda ticket: events.Picked(ticket, agent), State.QUEUED)

    # ---- supervisors

    def a_ticket_changes(self) -> Event | None:
        ticket = self.one_of()
        if ticket is None:
            return None
        draw, lowered = self.draw, once_in(self.draw, 4)
        return events.TicketChanged(
            ticket.id,
            va=draw.choose([None, ticket.arrived_at if lowered else ticket.va - 2 * SECOND]),
            priority=draw.choose([None, 0, 4]),
            sla_deadline=ticket.arrived_at + SECOND * draw.between(2, 30) if once_in(draw, 3) else None,
            plan=a_plan(draw, ticket.channel, draw.choose(POOLS)) if once_in(draw, 3) else None,
            lowered=lowered,
        )

    def an_agent_is_excluded(self) -> Event | None:
        agent, until = self.some_agent(), self.draw.choose([FOREVER, self.now + 4 * SECOND])
        return self.about_one_of(lambda ticket: events.Excluded(ticket, agent, until))

    def a_supervisor_decides(self) -> Event | None:
        agent, exceed = self.some_agent(), once_in(self.draw, 2)
        return self.about_one_of(lambda ticket: events.Overridden(ticket, agent, exceed))

    def a_ticket_is_moved_to_the_front(self) -> Event | None:
        return self.about_one_of(events.MovedToFront, State.QUEUED)

    def a_queue_opens(self) -> Event:
        return events.QueueOpened(self.draw.choose(POOLS))

    def a_queue_closes(self) -> Event:
        return events.QueueClosed(self.draw.choose(POOLS))

    def a_surge_starts(self) -> Event:
        return events.SurgeStarted(self.draw.choose(POOLS), self.now + SECOND * self.draw.between(0, 20))

    def a_surge_ends(self) -> Event:
        return events.SurgeEnded(self.draw.choose(POOLS))

    def the_rules_change(self) -> Event:
        self.revision += 1
        return events.PolicyChanged(a_policy(self.draw, self.revision))

    # ---- agents come, go and learn

    def an_agent_changes_their_mind(self) -> Event:
        intent: Any = self.draw.choose(["available"] * 6 + ["away", "offline"])
        following: Any = self.draw.choose([None, None, "away"]) if intent == "available" else None
        return events.AgentIntent(self.some_agent(), intent, following)

    def a_line_is_lost_or_back(self) -> Event:
        health: Any = self.draw.choose(["connected"] * 5 + ["grace", "lost"])
        return events.AgentHealth(self.some_agent(), health)

    def an_agent_learns_or_comes(self) -> Event:
        """Whoever is there keeps intent and health: a profile does not change them."""
        number = self.draw.between(1, MOST_AGENTS)
        fresh = an_agent(self.draw, number, self.now)
        known = {agent.id: agent for agent in self.agents()}.get(number)
        if known is None:
            return events.AgentChanged(fresh)
        profile = {
            name: getattr(fresh, name)
            for name in ("skills", "primary", "home_pool", "pools", "channels_on", "caps", "budget")
        }
        return events.AgentChanged(replace(known, **profile))

    def an_agent_leaves(self) -> Event:
        return events.AgentLeft(self.some_agent())

    # ---- rows

    def a_claim_is_refused(self) -> Event | None:
        return self.about_one_of(events.ClaimRefused, State.OFFERED, State.ASSIGNED)

    def rows_are_read(self) -> Event | None:
        """A ticket was moved by somebody else: what its row and its agent's row say now."""
        ticket = self.one_of(State.NEW) or self.one_of()
        agents = {agent.id: agent for agent in self.agents()}
        if ticket is None:
            return events.Reconciled(agents=tuple(agents.values()))
        if once_in(self.draw, 4):
            return events.Reconciled((ticket,), tuple(agents.values()))
        holder = self._without(agents.get(ticket.agent or 0), ticket)
        rows = () if holder is None else (holder,)
        if once_in(self.draw, 3):
            return events.Reconciled(agents=rows, gone=(ticket.id,))
        until = ((ticket.agent or 1, self.now + SECOND * self.draw.choose([2, 6, 12])),)
        again = replace(
            ticket, state=State.QUEUED, agent=None, units=0, offer_expires=None, version=ticket.version + 1,
            excluded=self.draw.choose([ticket.excluded, until]),
        )  # fmt: skip
        return events.Reconciled((again,), rows)

    def _without(self, agent: Agent | None, ticket: Ticket) -> Agent | None:
        """The agent's row once the ticket is out of their hands."""
        if agent is None or ticket.state not in (State.OFFERED, State.ASSIGNED, State.WRAPUP):
            return agent
        items = {**agent.items, ticket.channel: agent.items[ticket.channel] - 1}
        live = 0 if ticket.filler else ticket.units
        rest = replace(
            agent, items=items, primary_units=agent.primary_units - live,
            filler_units=agent.filler_units - ticket.units + live, overbooked=0,
        )  # fmt: skip
        return replace(rest, intent="away") if once_in(self.draw, 3) else rest


Action = Callable[[SmallAgency], Event | None]
HAPPENS: list[tuple[int, Action]] = [
    (50, SmallAgency.a_citizen_writes),
    (2, SmallAgency.a_turned_away_citizen_writes_again),
    (8, SmallAgency.a_citizen_answers),
    (4, SmallAgency.a_citizen_falls_silent),
    (6, SmallAgency.a_ticket_is_cancelled),
    (30, SmallAgency.an_offer_is_accepted),
    (5, SmallAgency.an_offer_is_declined),
    (6, SmallAgency.a_ticket_is_answered),
    (40, SmallAgency.a_ticket_is_closed),
    (3, SmallAgency.a_wrap_up_ends),
    (6, SmallAgency.a_ticket_is_passed_on),
    (4, SmallAgency.a_ticket_is_picked),
    (4, SmallAgency.a_ticket_changes),
    (3, SmallAgency.an_agent_is_excluded),
    (3, SmallAgency.a_supervisor_decides),
    (2, SmallAgency.a_ticket_is_moved_to_the_front),
    (3, SmallAgency.a_queue_opens),
    (1, SmallAgency.a_queue_closes),
    (1, SmallAgency.a_surge_starts),
    (1, SmallAgency.a_surge_ends),
    (1, SmallAgency.the_rules_change),
    (16, SmallAgency.an_agent_changes_their_mind),
    (8, SmallAgency.a_line_is_lost_or_back),
    (4, SmallAgency.an_agent_learns_or_comes),
    (1, SmallAgency.an_agent_leaves),
    (2, SmallAgency.a_claim_is_refused),
    (4, SmallAgency.rows_are_read),
]
"""How often what happens, in parts."""

RUSH: list[tuple[int, Action]] = [
    (10, SmallAgency.a_citizen_writes),
    (8, SmallAgency.a_ticket_is_closed),
    (6, SmallAgency.an_offer_is_accepted),
    (1, SmallAgency.a_wrap_up_ends),
    (1, SmallAgency.an_agent_changes_their_mind),
    (1, SmallAgency.a_queue_opens),
]
"""Little else than work: lines are long and every closed ticket is followed by a pick."""
