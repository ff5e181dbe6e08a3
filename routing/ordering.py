"""Which ticket is served first."""

from routing.model import Agent, Policy, Ticket


def virtual_arrival(
    *,
    arrived_at: int,
    priority: int,
    vulnerable: bool,
    channel: str,
    policy: Policy,
    sla_deadline: int | None = None,
    sla_reference_ms: int = 0,
) -> int:
    """The instant a ticket counts as having arrived.

    `max(arrived_at - max_head_start, min(arrived_at - bonus[priority] - flag_bonus, sla_deadline - sla_reference))`,
    in milliseconds; without a deadline its term is left out. `sla_reference_ms` is the laxest first-response target
    configured on the channel, so that a tighter target is a head start.

    The urgency numbers of Jackson, "Queues with dynamic priority discipline" (1961), bounded: a head start fixed at
    arrival lets urgent tickets pass without ever starving the others, and needs no re-sorting while they wait.
    Priority 4 has the head start of priority 3. Raises KeyError for a channel the policy does not know.
    """
    flag_bonus = policy.flag_bonus_ms if vulnerable else 0
    favoured = arrived_at - policy.bonus_ms[min(priority, 3)] - flag_bonus
    if sla_deadline is not None:
        favoured = min(favoured, sla_deadline - sla_reference_ms)
    return max(arrived_at - _max_head_start(channel, policy), favoured)


def _max_head_start(channel: str, policy: Policy) -> int:
    return policy.max_head_start_live_ms if policy.channels[channel].live else policy.max_head_start_filler_ms


def is_primary(ticket: Ticket, agent: Agent) -> bool:
    """Whether a ticket is the agent's own kind of work: in their home pool, all its skills among their primary ones."""
    return ticket.pool == agent.home_pool and all(req.skill in agent.primary for req in ticket.reqs)


def score(ticket: Ticket, agent: Agent, policy: Policy, now: int) -> int:
    """Weight (hundredths) times age since the virtual arrival (ms): of several tickets an agent takes the largest.

    The linear form of the generalised c-mu rule (Van Mieghem, 1995; for many-server pools Gurvich and Whitt, 2009).
    Plain first come, first served across skills is unstable when secondary work takes longer; a weight keeps agents
    with their own work under load. A ticket from the future counts as just arrived.
    """
    weight = policy.primary_weight if is_primary(ticket, agent) else policy.secondary_weight
    return weight * max(0, now - ticket.va)


def order_of(ticket: Ticket) -> tuple[int, int, int]:
    """Orders the tickets of one signature and breaks ties between equal scores: virtual arrival, arrival, id."""
    return ticket.va, ticket.arrived_at, ticket.id
