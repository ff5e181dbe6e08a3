"""Who gets which ticket, and why: a pure package without I/O, clock, async or chance.

Give `settle` the waiting tickets, the agents and the policy of the moment, make its decisions true, and keep their
`because`.
"""

from routing.because import Names, why_not, why_this_agent
from routing.capacity import has_room, units_of, with_work
from routing.choosing import agent_key, first_failing_check
from routing.matching import settle
from routing.model import Agent, AgentKey, Because, ChannelRule, Check, Decision, Policy, Req, Signature, Ticket
from routing.ordering import is_primary, order_of, score, virtual_arrival
from routing.waits import Waiting, in_words, why_waiting

__all__ = [
    "Agent",
    "AgentKey",
    "Because",
    "ChannelRule",
    "Check",
    "Decision",
    "Names",
    "Policy",
    "Req",
    "Signature",
    "Ticket",
    "Waiting",
    "agent_key",
    "first_failing_check",
    "has_room",
    "in_words",
    "is_primary",
    "order_of",
    "score",
    "settle",
    "units_of",
    "virtual_arrival",
    "why_not",
    "why_this_agent",
    "why_waiting",
    "with_work",
]
