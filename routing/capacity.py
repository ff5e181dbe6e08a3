"""How much work an agent can hold."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from routing.model import Agent, Policy


class Worker(Protocol):
    """Whoever holds work: an agent as a value, or their seat on the floor."""

    @property
    def budget(self) -> int: ...
    @property
    def primary_units(self) -> int: ...
    @property
    def filler_units(self) -> int: ...
    @property
    def items(self) -> Mapping[str, int]: ...
    @property
    def caps(self) -> Mapping[str, int]: ...
    @property
    def overbooked(self) -> int: ...


def has_room(agent: Worker, channel: str, policy: Policy) -> bool:
    """Whether the agent could take one more item of the channel now.

    Live work is admitted as if filler were not there. Our own rule, with a reason: in a plainly shared budget small
    filler items take every freed gap, large live items starve, and no priority repairs it.
    Raises KeyError for a channel the policy does not know.
    """
    rule = policy.channels[channel]
    held = agent.primary_units if rule.live else agent.primary_units + agent.filler_units
    return (
        not agent.overbooked
        and agent.items.get(channel, 0) < agent.caps.get(channel, rule.cap)
        and held + rule.weight <= agent.budget
    )


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
