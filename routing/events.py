"""What the router is told, and what it answers: facts in, effects out."""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from routing.model import Agent, Health, Intent, Plan, Policy, Req, Ticket

# ---- told about tickets


@dataclass(frozen=True, slots=True)
class TicketCreated:
    """A ticket came (or comes again, reopened under its id)."""

    ticket: Ticket


@dataclass(frozen=True, slots=True)
class TicketChanged:
    """Priority, flag, deadline or plan of an open ticket; what is None stays.

    `va` is the new virtual arrival. It may be later than before only when `lowered` says that a supervisor lowered
    priority, flag or deadline, and never later than the arrival.
    """

    ticket: int
    va: int | None = None
    priority: int | None = None
    vulnerable: bool | None = None
    sla_deadline: int | None = None
    plan: Plan | None = None
    lowered: bool = False


@dataclass(frozen=True, slots=True)
class TicketCancelled:
    ticket: int


@dataclass(frozen=True, slots=True)
class TicketClosed:
    """The agent is done with it; where the pool has a wrap-up, that begins now."""

    ticket: int


@dataclass(frozen=True, slots=True)
class WrapUpEnded:
    ticket: int


@dataclass(frozen=True, slots=True)
class Answered:
    """The agent's answer is out: the ticket waits for the citizen and holds no units."""

    ticket: int


@dataclass(frozen=True, slots=True)
class CitizenSilent:
    """A live conversation has gone quiet: it is parked and holds no units."""

    ticket: int


@dataclass(frozen=True, slots=True)
class CitizenReplied:
    """The citizen wrote again. With an `arrived_at` and `va` this counts as a new arrival, should the ticket queue."""

    ticket: int
    arrived_at: int | None = None
    va: int | None = None


@dataclass(frozen=True, slots=True)
class TransferAsked:
    """Pass a ticket on: into another queue (`plan`), and with `target` preferably, or `warm` only, to one agent."""

    ticket: int
    queue: int
    plan: Plan
    target: int | None = None
    sticky_until: int | None = None
    warm: bool = False
    supervisor: bool = False
    bonus_ms: int = 0


@dataclass(frozen=True, slots=True)
class Excluded:
    """An agent may not have this ticket, for good (conflict of interest, blocked pair) or until an instant."""

    ticket: int
    agent: int
    until: int


@dataclass(frozen=True, slots=True)
class Picked:
    """An agent takes a waiting ticket out of turn; eligibility, exclusions and room still hold."""

    ticket: int
    agent: int


@dataclass(frozen=True, slots=True)
class Overridden:
    """A supervisor gives a ticket to a present agent, above capacity only by explicit choice, never past an exclusion."""

    ticket: int
    agent: int
    exceed: bool = False


@dataclass(frozen=True, slots=True)
class MovedToFront:
    """A supervisor moves a waiting ticket ahead of everybody in its lines."""

    ticket: int


# ---- told about offers and claims


@dataclass(frozen=True, slots=True)
class OfferAccepted:
    ticket: int
    agent: int


@dataclass(frozen=True, slots=True)
class OfferDeclined:
    ticket: int
    agent: int
    reason: str = "other"


@dataclass(frozen=True, slots=True)
class ClaimRefused:
    """The rows were not as believed: undo the decision. What the rows say follows as `Reconciled`."""

    ticket: int


@dataclass(frozen=True, slots=True)
class Reconciled:
    """Rows as they are: open tickets and agents that may have changed, and tickets that are open no longer."""

    tickets: tuple[Ticket, ...] = ()
    agents: tuple[Agent, ...] = ()
    gone: tuple[int, ...] = ()
    agents_gone: tuple[int, ...] = ()


# ---- told about agents


@dataclass(frozen=True, slots=True)
class AgentChanged:
    """Skills, pools, caps, budget, channels of an agent, who may be new. The work in hand is the router's own count."""

    agent: Agent


@dataclass(frozen=True, slots=True)
class AgentIntent:
    agent: int
    intent: Intent
    next_intent: Intent | None = None


@dataclass(frozen=True, slots=True)
class AgentHealth:
    agent: int
    health: Health


@dataclass(frozen=True, slots=True)
class AgentLeft:
    """The agent is on the books no longer; they must hold nothing."""

    agent: int


# ---- told about queues


@dataclass(frozen=True, slots=True)
class QueueOpened:
    queue: int


@dataclass(frozen=True, slots=True)
class QueueClosed:
    queue: int


@dataclass(frozen=True, slots=True)
class SurgeStarted:
    queue: int
    until: int


@dataclass(frozen=True, slots=True)
class SurgeEnded:
    queue: int


@dataclass(frozen=True, slots=True)
class PolicyChanged:
    policy: Policy


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


Event = (
    TicketCreated | TicketChanged | TicketCancelled | TicketClosed | WrapUpEnded | Answered | CitizenSilent | CitizenReplied
    | TransferAsked | Excluded | Picked | Overridden | MovedToFront | OfferAccepted | OfferDeclined | ClaimRefused | Reconciled
    | AgentChanged | AgentIntent | AgentHealth | AgentLeft | QueueOpened | QueueClosed | SurgeStarted | SurgeEnded
    | PolicyChanged | Tick
)  # fmt: skip


# ---- effects


class Grounds(NamedTuple):
    """Why, kept compact: the rule, the winner's score (a pick) or packed key (a placing), the rival, the revision.

    `rival` is the ticket that came second in a pick, None without one. Everything else follows from the floor.
    """

    rule: str
    value: int
    rival: int | None
    revision: int


class Given(NamedTuple):
    """This ticket to this agent: an offer until `expires`, or assigned directly. It holds `units` of the budget."""

    ticket: int
    agent: int
    mode: Literal["offer", "direct"]
    units: int
    filler: bool
    expires: int | None
    because: Grounds


class Rescinded(NamedTuple):
    """An offer was taken back; `because.rule` says why."""

    ticket: int
    agent: int
    because: Grounds


class Requeued(NamedTuple):
    """A ticket waits again at its own place. `because.rule`: declined, timed_out, line_lost, transferred, refused, woken."""

    ticket: int
    agent: int | None
    because: Grounds


class Relaxed(NamedTuple):
    """The ticket's ring is `ring` now and asks for `reqs`; `skipped` when nobody staffs the rings before it."""

    ticket: int
    ring: int
    skipped: bool
    reqs: tuple[Req, ...]
    because: Grounds


class Overflowed(NamedTuple):
    """A further pool sees the ticket."""

    ticket: int
    pool: int
    because: Grounds


class Held(NamedTuple):
    """A named reason to wait although an eligible agent may have room; until when, if that is known."""

    ticket: int
    until: int | None
    because: Grounds


class Diverted(NamedTuple):
    """No waiting here: the citizen is offered a message instead, never nothing."""

    ticket: int
    because: Grounds


class SlaAtRisk(NamedTuple):
    """Three quarters of the time to the deadline are gone and nobody has it."""

    ticket: int
    because: Grounds


class NotResponding(NamedTuple):
    """Two offers in a row went unanswered: away until a deliberate act."""

    agent: int
    because: Grounds


class Unservable(NamedTuple):
    """Nobody on the books, signed in or not, may serve any ring of this ticket."""

    ticket: int
    because: Grounds


class Closed(NamedTuple):
    """A wrap-up has run out."""

    ticket: int
    because: Grounds


class Anomaly(NamedTuple):
    """An event that could not be digested changed nothing."""

    event: Any
    sentence: str
    state_hash: str


Effect = (
    Given | Rescinded | Requeued | Relaxed | Overflowed | Held | Diverted | SlaAtRisk | NotResponding | Unservable | Closed
    | Anomaly
)  # fmt: skip
