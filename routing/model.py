"""What the router knows: frozen values with integer ids, sets as sorted tuples, instants in milliseconds of UTC."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Literal, NamedTuple

FOREVER = 1 << 60
"""An instant that never comes: the end of an exclusion for good."""

Check = Literal[
    "signed_in", "available", "connected", "channel", "pool", "skill", "level", "exclusion", "room", "reserve", "hold"
]
"""What an agent must pass to be given a ticket, in the order in which it is asked."""

Strategy = Literal["spread", "longest_idle", "round_robin", "most_spare", "least_active", "manual"]

AgentKey = tuple[int, ...]
"""The fields of a strategy in their order, ending in the agent id: of several agents the smallest takes the ticket."""

KEY_FIELDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "spread": ("load", "rank", "units", "flexibility", "idle_since", "id"),
        "longest_idle": ("load", "rank", "idle_since", "id"),
        "round_robin": ("rank", "last_assigned", "id"),
        "most_spare": ("spare", "rank", "idle_since", "id"),
        "least_active": ("items", "rank", "idle_since", "id"),
        "manual": ("id",),
    }
)


class State(StrEnum):
    """Where a ticket stands."""

    NEW = "new"
    HELD = "held"
    QUEUED = "queued"
    OFFERED = "offered"
    ASSIGNED = "assigned"
    WAITING_CITIZEN = "waiting_citizen"
    PARKED = "parked"
    WRAPUP = "wrapup"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    DIVERTED = "diverted"


HOLDING = frozenset({State.OFFERED, State.ASSIGNED, State.WRAPUP})
"""States in which a ticket holds units of its agent."""

_OWNED_MOVES = (State.QUEUED, State.ASSIGNED, State.WAITING_CITIZEN, State.PARKED, State.WRAPUP, State.CLOSED)
MOVES: Mapping[State, tuple[State, ...]] = MappingProxyType(
    {
        State.NEW: (State.HELD, State.QUEUED, State.DIVERTED, State.CANCELLED),
        State.HELD: (State.QUEUED, State.DIVERTED, State.CANCELLED),
        State.QUEUED: (State.OFFERED, State.DIVERTED, State.ASSIGNED, State.HELD, State.CANCELLED),
        State.OFFERED: (State.ASSIGNED, State.QUEUED, State.HELD, State.CANCELLED),
        State.ASSIGNED: (*_OWNED_MOVES, State.HELD, State.CANCELLED),
        State.WAITING_CITIZEN: (*_OWNED_MOVES, State.HELD, State.CANCELLED),
        State.PARKED: (*_OWNED_MOVES, State.HELD, State.CANCELLED),
        State.WRAPUP: (State.CLOSED,),
        State.CLOSED: (State.QUEUED, State.HELD),
        State.CANCELLED: (),
        State.DIVERTED: (State.QUEUED, State.HELD, State.CLOSED, State.CANCELLED),
    }
)
"""From where to where a ticket may go; any other move is an anomaly."""


class Req(NamedTuple):
    """A skill a ticket needs, at `min_level` (1-5) or better. A language is a skill."""

    skill: int
    min_level: int


class Signature(NamedTuple):
    """Whoever may serve one ticket of a signature may serve all of them. `reqs` are sorted by skill."""

    channel: str
    pool: int
    reqs: tuple[Req, ...] = ()
    emergency: bool = False


class Ring(NamedTuple):
    """What a ticket needs from `after_s` seconds after it entered the queue."""

    signature: Signature
    after_s: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """The rings of a ticket, strictest first, and the pools that are added while it waits.

    `overflow` pairs pool and seconds. `named_only`, if not empty, lists the only agents who may have it.
    Raises ValueError, with a sentence that names the ring, for a plan that is empty, has more than six rings, does not
    start at 0 s, goes back in time, changes channel, pool or emergency, or asks for more than the ring before.
    """

    rings: tuple[Ring, ...]
    overflow: tuple[tuple[int, int], ...] = ()
    named_only: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= len(self.rings) <= 6:
            raise ValueError(f"A plan has one to six rings, not {len(self.rings)}.")
        if self.rings[0].after_s != 0:
            raise ValueError("The first ring starts at 0 s.")
        for number, (before, ring) in enumerate(zip(self.rings, self.rings[1:], strict=False), start=2):
            if ring.after_s <= before.after_s:
                raise ValueError(f"Ring {number} must start later than ring {number - 1}.")
            if ring.signature._replace(reqs=()) != before.signature._replace(reqs=()):
                raise ValueError(f"Ring {number} changes the channel, the pool or the emergency.")
            asked = dict(before.signature.reqs)
            if any(level > asked.get(skill, 0) for skill, level in ring.signature.reqs):
                raise ValueError(f"Ring {number} asks for more than ring {number - 1}.")

    @classmethod
    def simple(cls, channel: str, pool: int, *reqs: tuple[int, int], emergency: bool = False) -> "Plan":
        """One ring that never relaxes; `reqs` are pairs of skill and level."""
        return cls((Ring(Signature(channel, pool, tuple(sorted(Req(*req) for req in reqs)), emergency)),))


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
class PoolRule:
    """The routing settings of the queue whose home pool this is. Times in seconds, weights in hundredths, shares in %.

    `secondary_weight` lies in 20..100. `reserve` agents of a pool keep room for their own work. `guard_*_s`: a ticket
    older than this takes the highest weight, in at most one pick of ten. `closing_s`: how long live tickets may wait on
    after closing before they are diverted. `most_waiting` caps the waiting live tickets. `wrap_up_s`: 0 for none.
    """

    strategy: Strategy = "spread"
    secondary_weight: int = 50
    reserve: int = 0
    guard_live_s: int = 1_800
    guard_filler_s: int = 86_400
    emergency_share: int = 10
    auto_accept: bool = False
    most_waiting: int | None = None
    closing_s: int = 1_800
    wrap_up_s: int = 0
    target_s: int | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """The settings of one moment; `revision` lets an old decision be explained by the settings it was made under.

    `bonus_ms` holds one head start per priority 0-3. `pools` has the rules that differ from `usual`.
    An agent who gave a ticket back is passed over for it for `excluded_s`, or, when nobody else is there, for
    `second_thought_s`: the same offer at once would only be the same refusal.
    """

    revision: int
    channels: Mapping[str, ChannelRule] = field(hash=False)
    bonus_ms: tuple[int, int, int, int] = (0, 5 * 60_000, 15 * 60_000, 60 * 60_000)
    flag_bonus_ms: int = 10 * 60_000
    max_head_start_live_ms: int = 60 * 60_000
    max_head_start_filler_ms: int = 24 * 60 * 60_000
    primary_weight: int = 100
    sticky_weight: int = 200
    excluded_s: int = 120
    second_thought_s: int = 20
    misses_before_away: int = 2
    most_hops: int = 5
    usual: PoolRule = PoolRule()
    pools: Mapping[int, PoolRule] = field(default_factory=dict, hash=False)

    def rule(self, pool: int) -> PoolRule:
        return self.pools.get(pool, self.usual)


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as it is handed to the router and as it is handed back.

    `va` is its virtual arrival, `entered_at` when it entered the queue (its rings count from there). `preferred_agent`
    gets it alone until `sticky_until`. `excluded` pairs agents who may not have it and until when. `overflowed` lists the
    pools added so far. `version` is the row's, for the claim. `units` are what it holds of its agent's budget.
    """

    id: int
    queue: int
    plan: Plan
    arrived_at: int
    va: int
    contact: int = 0
    priority: int = 0
    vulnerable: bool = False
    ring: int = 0
    entered_at: int | None = None
    sla_deadline: int | None = None
    preferred_agent: int | None = None
    sticky_until: int | None = None
    excluded: tuple[tuple[int, int], ...] = ()
    state: State = State.NEW
    agent: int | None = None
    offer_expires: int | None = None
    version: int = 0
    offers_made: int = 0
    hops: int = 0
    visited: tuple[tuple[int, int], ...] = ()
    overflowed: tuple[int, ...] = ()
    units: int = 0
    filler: bool = False

    @property
    def signature(self) -> Signature:
        """What the ring in force asks for."""
        return self.plan.rings[self.ring].signature

    @property
    def channel(self) -> str:
        return self.signature.channel

    @property
    def pool(self) -> int:
        return self.signature.pool

    @property
    def reqs(self) -> tuple[Req, ...]:
        return self.signature.reqs


Intent = Literal["available", "away", "offline"]
Health = Literal["connected", "grace", "lost"]


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent and the work in their hands.

    `skills` pairs skill and level, those past their date left out. `pools` lists every pool served, the home pool
    included. `caps` overrides the channel's own cap; `items` counts per channel what is offered, active or in wrap-up.
    `overbooked` counts items taken knowingly above the limit. `health_since` is when the health became what it is.
    """

    id: int
    skills: tuple[tuple[int, int], ...]
    primary: tuple[int, ...]
    home_pool: int
    pools: tuple[int, ...]
    channels_on: tuple[str, ...]
    intent: Intent = "available"
    next_intent: Intent | None = None
    health: Health = "connected"
    health_since: int = 0
    caps: Mapping[str, int] = field(default_factory=dict, hash=False)
    items: Mapping[str, int] = field(default_factory=dict, hash=False)
    budget: int = 24
    primary_units: int = 0
    filler_units: int = 0
    overbooked: int = 0
    idle_since: int = 0
    last_assigned: int = 0
    misses: int = 0

    @property
    def signed_in(self) -> bool:
        return self.intent != "offline" and self.health != "lost"

    @property
    def available(self) -> bool:
        """Wants work and has announced no break."""
        return self.intent == "available" and self.next_intent is None

    @property
    def connected(self) -> bool:
        return self.health == "connected"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a router holds, as of `now`: a second one made from it goes on exactly like the first.

    `closed` pairs closed queues and since when; `surges` pairs queues and when their surge ends; `guarded` counts per pool the picks
    since the guard last decided one; `reported` lists the waiting tickets already reported as ones nobody can serve.
    """

    now: int
    tickets: tuple[Ticket, ...] = ()
    agents: tuple[Agent, ...] = ()
    closed: tuple[tuple[int, int], ...] = ()
    surges: tuple[tuple[int, int], ...] = ()
    guarded: tuple[tuple[int, int], ...] = ()
    reported: tuple[int, ...] = ()
