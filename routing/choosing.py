"""Which agent takes a ticket, and what keeps the others from it."""

from routing.capacity import has_room
from routing.model import Agent, AgentKey, Check, Policy, Ticket
from routing.ordering import is_primary


def agent_key(agent: Agent, ticket: Ticket, policy: Policy) -> AgentKey:
    """Of the agents who can take the ticket, the one with the smallest key does.

    Load: for live work primary units per mille of the budget, for filler all units. Rank: 0 when the ticket is primary
    for the agent, else 1. Units: all units in 64ths of the budget. Flexibility: the number of skills, at most 15. Then
    idle since (ms) and the id. Values are capped so that the first four fit in 10, 1, 6 and 4 bits.

    Our own rule: work spreads over the least loaded, and specialists go before generalists, who stay free for what only
    they can do. Among equals the longest idle goes first, which shares idle time fairly (Armony and Ward, "Fair dynamic
    routing in large-scale heterogeneous-server systems", 2010).
    """
    all_units = agent.primary_units + agent.filler_units
    budget = max(agent.budget, 1)
    live = policy.channels[ticket.channel].live
    return (
        min(agent.primary_units * 1000 // budget if live else all_units, 1023),
        0 if is_primary(ticket, agent) else 1,
        min(all_units * 64 // budget, 63),
        min(len(agent.skills), 15),
        agent.idle_since,
        agent.id,
    )


def first_failing_check(agent: Agent, ticket: Ticket, policy: Policy, now: int) -> Check | None:
    """The first thing that keeps the agent from taking the ticket now; None when nothing does."""
    if failing := absence(agent) or misfit(agent, ticket, policy):
        return failing
    if is_excluded(agent, ticket, now):
        return "exclusion"
    return None if has_room(agent, ticket.channel, policy) else "room"


def absence(agent: Agent) -> Check | None:
    """Why the agent is given no new work at all; None when they are there for it."""
    if not agent.signed_in:
        return "signed_in"
    if not agent.available:
        return "available"
    return None if agent.connected else "connected"


def misfit(agent: Agent, ticket: Ticket, policy: Policy) -> Check | None:
    """Why the agent, signed in or not, is not one who can serve such a ticket; None when they are.

    More than the minimum level gives no advantage. A channel the policy does not know fits nobody: its tickets stay
    visible as ones that cannot be served, and stop nothing else.
    """
    if ticket.channel not in agent.channels_on or ticket.channel not in policy.channels:
        return "channel"
    if ticket.pool not in agent.pools:
        return "pool"
    levels = dict(agent.skills)
    if any(req.skill not in levels for req in ticket.reqs):
        return "skill"
    return "level" if any(levels[req.skill] < req.min_level for req in ticket.reqs) else None


def is_excluded(agent: Agent, ticket: Ticket, now: int) -> bool:
    """Whether the ticket must not go to this agent for now. An exclusion has ended at its `until`."""
    return any(excluded == agent.id and now < until for excluded, until in ticket.excluded)
