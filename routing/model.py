"""What the router knows: frozen values with integer ids, sets as sorted tuples, instants in milliseconds of UTC."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

Check = Literal["signed_in", "available", "connected", "channel", "pool", "skill", "level", "exclusion", "room"]
"""What an agent must pass to be given a ticket, in the order in which it is asked."""

AgentKey = tuple[int, int, int, int, int, int]
"""Load, rank, units, flexibility, idle since, agent id: of several agents the smallest takes the ticket."""

KEY_FIELDS = ("load", "rank", "units", "flexibility", "idle_since", "id")


@dataclass(frozen=True, slots=True, order=True)
class Req:
    """A skill a ticket needs, at `min_level` (1-5) or better. A language is a skill."""

    skill: int
    min_level: int


Signature = tuple[str, int, tuple[Req, ...]]
"""Channel, pool and skills: whoever may serve one ticket of a signature may serve all of them."""


@dataclass(frozen=True, slots=True)
class ChannelRule:
    """How heavy one item of a channel is, and how it reaches an agent.

    `weight` counts units of the agent's budget, `cap` items at a time. Live work holds primary units; other work is a
    filler, interruptible, in what live work leaves. An agent has `offer_s` seconds to answer; None assigns directly.
    """

    weight: int
    cap: int
    live: bool
    offer_s: int | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """The settings of one moment; `revision` lets an old decision be explained by the settings it was made under.

    `bonus_ms` holds one head start per priority 0-3. The weights are in hundredths.
    """

    revision: int
    channels: Mapping[str, ChannelRule] = field(hash=False)
    bonus_ms: tuple[int, int, int, int] = (0, 5 * 60_000, 15 * 60_000, 60 * 60_000)
    flag_bonus_ms: int = 10 * 60_000
    max_head_start_live_ms: int = 60 * 60_000
    max_head_start_filler_ms: int = 24 * 60 * 60_000
    primary_weight: int = 100
    secondary_weight: int = 50


@dataclass(frozen=True, slots=True)
class Ticket:
    """A waiting ticket; `va` is its virtual arrival. `excluded` pairs agents who may not have it and until when."""

    id: int
    queue: int
    pool: int
    channel: str
    reqs: tuple[Req, ...]
    priority: int
    vulnerable: bool
    arrived_at: int
    va: int
    excluded: tuple[tuple[int, int], ...] = ()
    version: int = 0

    @property
    def signature(self) -> Signature:
        return self.channel, self.pool, self.reqs


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent and the work in their hands.

    `skills` pairs skill and level. `pools` lists every pool served, the home pool included. `available` means that they
    want work and have announced no break. `caps` overrides the channel's own cap; `items` counts per channel what is
    offered, active or in wrap-up.
    """

    id: int
    skills: tuple[tuple[int, int], ...]
    primary: tuple[int, ...]
    home_pool: int
    pools: tuple[int, ...]
    signed_in: bool
    available: bool
    connected: bool
    channels_on: tuple[str, ...]
    caps: Mapping[str, int] = field(hash=False)
    items: Mapping[str, int] = field(hash=False)
    budget: int
    primary_units: int
    filler_units: int
    idle_since: int
    last_assigned: int


@dataclass(frozen=True, slots=True)
class Because:
    """Why a ticket went to an agent, kept compact and put into words only when asked.

    `separated_by` is the field of the key on which the winner beat the `runner_up`; both are None without a runner-up.
    `qualified` counts the agents who could take the ticket at that moment, the winner included; `excluded` counts
    everybody else by reason: a failed check, or "other_ticket" when they had a more pressing one to take.
    `better_placed` names at most five of those whom the key would have preferred, the nearest miss first.
    """

    rule: str
    winner_key: AgentKey
    runner_up: int | None
    separated_by: str | None
    qualified: int
    excluded: tuple[tuple[str, int], ...]
    better_placed: tuple[tuple[int, str], ...]
    reqs: tuple[Req, ...]
    policy_revision: int

    def to_json(self) -> dict[str, Any]:
        """Plain lists, numbers and strings, ready for a JSON column."""
        return {
            "rule": self.rule,
            "winner_key": list(self.winner_key),
            "runner_up": self.runner_up,
            "separated_by": self.separated_by,
            "qualified": self.qualified,
            "excluded": [list(pair) for pair in self.excluded],
            "better_placed": [list(pair) for pair in self.better_placed],
            "reqs": [[req.skill, req.min_level] for req in self.reqs],
            "policy_revision": self.policy_revision,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`. Raises KeyError, TypeError or ValueError on anything else."""
        load, rank, units, flexibility, idle_since, agent = data["winner_key"]
        return cls(
            rule=data["rule"],
            winner_key=(load, rank, units, flexibility, idle_since, agent),
            runner_up=data["runner_up"],
            separated_by=data["separated_by"],
            qualified=data["qualified"],
            excluded=tuple((reason, count) for reason, count in data["excluded"]),
            better_placed=tuple((other, check) for other, check in data["better_placed"]),
            reqs=tuple(Req(skill, level) for skill, level in data["reqs"]),
            policy_revision=data["policy_revision"],
        )


@dataclass(frozen=True, slots=True)
class Decision:
    """This ticket to this agent: an offer until `expires_ms`, or assigned directly. It holds `units` of the budget."""

    ticket: int
    agent: int
    mode: Literal["offer", "direct"]
    units: int
    filler: bool
    expires_ms: int | None
    because: Because
