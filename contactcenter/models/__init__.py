"""The tables, one family per file."""

from contactcenter.models.agency import (
    Agency,
    EmergencyClosure,
    Holiday,
    Inbox,
    InboxHealth,
    Queue,
    QueueHours,
    QueueSkill,
    ServiceTarget,
    Skill,
    Wording,
)
from contactcenter.models.base import Base
from contactcenter.models.journal import ExpectedCoverage, ExpectedWait, RouterEntry
from contactcenter.models.log import Event, Lease
from contactcenter.models.messages import (
    Attachment,
    Delivery,
    DeliveryAttempt,
    Message,
    ParkedReceipt,
    RawEvent,
    SenderPace,
)
from contactcenter.models.people import Consent, Contact, Endpoint, Participant, Question, Survey, Visitor
from contactcenter.models.routing import Exclusion, RoutingRules
from contactcenter.models.staff import (
    LoginAttempt,
    SocketTicket,
    Staff,
    StaffChannel,
    StaffQueue,
    StaffSession,
    StaffSkill,
)
from contactcenter.models.tickets import Assignment, Closure, Draft, Offer, Promise, QueueStay, Ticket

__all__ = [
    "Agency",
    "Assignment",
    "Attachment",
    "Base",
    "Closure",
    "Consent",
    "Contact",
    "Delivery",
    "DeliveryAttempt",
    "Draft",
    "EmergencyClosure",
    "Endpoint",
    "Event",
    "Exclusion",
    "ExpectedCoverage",
    "ExpectedWait",
    "Holiday",
    "Inbox",
    "InboxHealth",
    "Lease",
    "LoginAttempt",
    "Message",
    "Offer",
    "ParkedReceipt",
    "Participant",
    "Promise",
    "Question",
    "Queue",
    "QueueHours",
    "QueueSkill",
    "QueueStay",
    "RawEvent",
    "RouterEntry",
    "RoutingRules",
    "SenderPace",
    "ServiceTarget",
    "Skill",
    "SocketTicket",
    "Staff",
    "StaffChannel",
    "StaffQueue",
    "StaffSession",
    "StaffSkill",
    "Survey",
    "Ticket",
    "Visitor",
    "Wording",
]
