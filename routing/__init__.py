"""Who gets which ticket, and why: a pure package without I/O, clock, async or chance.

Hand an `Engine` the policy and what is there, tell it what happens, make its effects true, and keep their `because`.

An agent has room: `settling.pick`. A ticket waits: `settling.place`. How it waits: `queueing`. The order: `ordering`. The
agent: `choosing`. Room: `capacity`. Who may serve what: `matching`. What facts do: `on_tickets`, `on_agents`, `on_queues`.
In words: `because`, `waits`.
"""

from routing import events
from routing.because import Because, Names, because_of, why_not, why_this_agent
from routing.capacity import has_room, units_of, with_work
from routing.choosing import agent_key, first_failing_check, misfit
from routing.engine import VERSION, Engine
from routing.events import Effect, Event, Given
from routing.model import (
    FOREVER,
    Agent,
    AgentKey,
    ChannelRule,
    Check,
    Health,
    Plan,
    Policy,
    PoolRule,
    Req,
    Ring,
    Signature,
    Snapshot,
    State,
    Ticket,
)
from routing.ordering import is_primary, order_of, score, virtual_arrival
from routing.waits import Change, Waiting, expected_in_words, in_words, why_waiting

__all__ = [
    "FOREVER",
    "VERSION",
    "Agent",
    "AgentKey",
    "Because",
    "Change",
    "ChannelRule",
    "Check",
    "Effect",
    "Engine",
    "Event",
    "Given",
    "Health",
    "Names",
    "Plan",
    "Policy",
    "PoolRule",
    "Req",
    "Ring",
    "Signature",
    "Snapshot",
    "State",
    "Ticket",
    "Waiting",
    "agent_key",
    "because_of",
    "events",
    "expected_in_words",
    "first_failing_check",
    "has_room",
    "in_words",
    "is_primary",
    "misfit",
    "order_of",
    "score",
    "units_of",
    "virtual_arrival",
    "why_not",
    "why_this_agent",
    "why_waiting",
    "with_work",
]
