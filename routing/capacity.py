"""How much work an agent can hold."""

from dataclasses import replace

from routing.model import Agent, Policy


def has_room(agent: Agent, channel: str, policy: Policy) -> bool:
    """Whether the agent could take one more item of the channel now.

    Live work is admitted as if filler were not there. Our own rule, with a reason: in a plainly shared budget small
    filler items take every freed gap, large live items starve, and no priority repairs it.
    Raises KeyError for a channel the policy does not know.
    """
    weight, filler = units_of(channel, policy)
    held = agent.primary_units + (agent.filler_units if filler else 0)
    cap = agent.caps.get(channel, policy.channels[channel].cap)
    return agent.items.get(channel, 0) < cap and held + weight <= agent.budget


def units_of(channel: str, policy: Policy) -> tuple[int, bool]:
    """The units one item of the channel holds, and whether they are filler units."""
    rule = policy.channels[channel]
    return rule.weight, not rule.live


def with_work(agent: Agent, channel: str, policy: Policy, now: int) -> Agent:
    """The agent after being given one item of the channel at `now`. Whether there was room is for the caller to know.

    While items are open an agent counts as idle since the last assignment.
    """
    weight, filler = units_of(channel, policy)
    return replace(
        agent,
        items={**agent.items, channel: agent.items.get(channel, 0) + 1},
        primary_units=agent.primary_units + (0 if filler else weight),
        filler_units=agent.filler_units + (weight if filler else 0),
        idle_since=now,
        last_assigned=now,
    )
