"""The shapes that enter and leave the house over HTTP. Unknown fields are refused; times are ISO 8601 in UTC."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _storable(value: str) -> str:
    if "\x00" in value or any(0xD800 <= ord(sign) <= 0xDFFF for sign in value):
        raise ValueError("the text has characters that cannot be stored")
    return value


Words = Annotated[str, AfterValidator(_storable)]


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", ser_json_inf_nan="null")


class Problem(BaseModel):
    """An error (RFC 9457). ``detail`` is a sentence a person can act on; ``type`` ends in a stable slug."""

    type: str = Field(examples=["/problems/changed-meanwhile"])
    title: str
    status: int
    detail: str


# --- in -----------------------------------------------------------------------------------------------------------------


class SignIn(Shape):
    username: Words = Field(max_length=100)
    password: Words = Field(max_length=128)


class IntentIn(Shape):
    intent: Literal["available", "away", "offline"]
    reason: Literal["break", "lunch", "meeting", "training", "other"] | None = Field(
        None, description="Only with away."
    )


class PreferencesIn(Shape):
    language: Literal["en", "es"] | None = None
    theme: Literal["system", "light", "dark"] | None = None


class MessageIn(Shape):
    client_msg_id: UUID = Field(description="Made by the client; the same id again gives the same message.")
    kind: Literal["reply", "note"] = Field(description="A reply goes to the citizen, a note stays in the house.")
    text: Words = Field(min_length=1, max_length=100_000)
    expected_last_seq: int = Field(ge=0, le=2**53, description="The last message number on the screen of the writer.")
    send_anyway: bool = Field(False, description="After a conflict: the writer has seen what changed.")


class MeasureIn(Shape):
    text: Words = Field(max_length=100_000)


class DraftIn(Shape):
    text: Words = Field(max_length=100_000)
    kind: Literal["reply", "note"] = "reply"


class TransferIn(Shape):
    queue: Words | None = Field(None, max_length=100, description="The slug of another queue; or staff_id.")
    staff_id: int | None = Field(None, ge=1, le=2**53)
    note: Words = Field("", max_length=5000, description="For whoever gets it; the citizen never sees it.")


class ClosureIn(Shape):
    reason: Literal["answered", "done", "no_action_needed", "wrong_agency", "duplicate", "no_reply", "spam"]
    sentence: Words = Field("", max_length=2000, description="What the citizen reads.")


class ReopeningIn(Shape):
    why: Words = Field("", max_length=500)


class RefusalIn(Shape):
    reason: Literal["busy", "wrong_skill", "conflict", "other"]


# --- out ----------------------------------------------------------------------------------------------------------------


class Named(BaseModel):
    id: int
    name: str


class QueueName(BaseModel):
    slug: str
    name: str


class ChannelUse(BaseModel):
    channel: str
    items: int = Field(description="Items held now.")
    cap: int


class Capacity(BaseModel):
    """Units of the agent's budget in use: live work holds primary units, interruptible work filler units."""

    budget: int
    primary_units: int
    filler_units: int
    channels: list[ChannelUse]


class AgencyOut(BaseModel):
    name: str
    timezone: str
    languages: list[str]


class Me(BaseModel):
    id: int
    name: str
    username: str
    role: Literal["agent", "supervisor", "admin"]
    language: str
    theme: str
    agency: AgencyOut
    intent: str
    away_reason: str | None
    next_intent: str | None
    state: str = Field(description="One of the nine display states.")
    capacity: Capacity
    queues: list[QueueName]
    can: list[str]
    v: int


class ClosureOut(BaseModel):
    reason: str
    sentence: str
    at: datetime


class TicketRow(BaseModel):
    ref: str
    subject: str
    preview: str
    preview_from: str
    channel: str
    language: str
    queue: QueueName
    contact: Named
    address: str = Field(description="The citizen's address as a person reads it.")
    status: str
    owner: Named | None
    priority: int
    vulnerable: bool
    unservable: bool = Field(description="Nobody on the books may serve it: a supervisor has to act.")
    waiting_since: datetime | None = Field(description="First citizen message that no person has answered.")
    due_at: datetime | None
    next_action_at: datetime | None
    promised_at: datetime | None
    last_seq: int
    v: int = Field(description="Grows with every change of the ticket.")
    created_at: datetime
    updated_at: datetime
    closure: ClosureOut | None
    draft: bool = False
    can: list[str] = []


class Author(BaseModel):
    kind: Literal["citizen", "staff", "system"]
    id: int | None
    name: str


class FileOut(BaseModel):
    id: int
    name: str
    type: str
    size: int


class DeliveryErrorOut(BaseModel):
    kind: str
    code: str | None
    text: str | None = Field(description="The provider's own words.")


class DeliveryOut(BaseModel):
    state: str
    word: str = Field(description="The word for the state on this channel.")
    error: DeliveryErrorOut | None
    maybe_duplicate: bool


class Message(BaseModel):
    id: UUID
    ref: str
    seq: int
    direction: Literal["in", "out", "internal"]
    kind: Literal["message", "note", "line"]
    author: Author
    channel: str
    subject: str | None
    text: str
    text_full: str | None = Field(description="The whole text, where ``text`` is only what was newly written.")
    html: bool
    language: str | None
    at: datetime
    visibility: Literal["public", "internal", "held"]
    automation: str
    files: list[FileOut]
    client_msg_id: UUID | None
    line: dict[str, Any] | None
    delivery: DeliveryOut | None
    v: int


class OfferOut(BaseModel):
    id: int
    ref: str
    ticket: TicketRow
    created_at: datetime
    expires_at: datetime
    because: str = Field(description="Why you, in a sentence.")


class EndpointOut(BaseModel):
    id: int
    kind: str
    shown: str
    proof: str
    level: str
    consent: str
    bad: bool


class ContactOut(BaseModel):
    id: int
    name: str
    language: str | None
    endpoints: list[EndpointOut]
    tickets: list[TicketRow] = Field(description="The person's tickets that you may see, over all channels.")


class DraftOut(BaseModel):
    text: str
    kind: str


class Compose(BaseModel):
    can_reply: bool
    why_not: str | None
    channel: str
    to: str
    max_text: int


class TicketPage(BaseModel):
    pos: int = Field(description="Position of the event log that this page shows.")
    ticket: TicketRow
    messages: list[Message]
    more: bool
    contact: ContactOut
    because: str | None
    draft: DraftOut | None
    compose: Compose


class TicketList(BaseModel):
    pos: int
    tickets: list[TicketRow]
    next: str | None


class MessageList(BaseModel):
    messages: list[Message]
    more: bool


class ChannelInfo(BaseModel):
    name: str
    live: bool
    pace: str
    html: bool
    files: bool
    max_text: int


class Counts(BaseModel):
    mine: int
    team: int
    unassigned: int


class Snapshot(BaseModel):
    """Everything the console needs first; live events follow from ``pos``."""

    pos: int
    now: datetime
    me: Me
    channels: list[ChannelInfo]
    offers: list[OfferOut]
    tickets: list[TicketRow]
    counts: Counts
    closure_reasons: list[str]
    refusal_reasons: list[str]
    away_reasons: list[str]


class SocketTicketOut(BaseModel):
    ticket: str


class MeasureOut(BaseModel):
    parts: int
    units: int
    encoding: str
    limit: int
    warnings: list[str]


class NextChange(BaseModel):
    kind: Literal["ring", "overflow", "sticky", "exclusion"]
    at: datetime
    more_agents: int


class ExpectedOut(BaseModel):
    """From now on: half of such tickets wait at most `p50_s` seconds, nine of ten at most `p90_s`."""

    p50_s: int
    p90_s: int
    basis: Literal["starts", "staffing"]
    sentence: str


class AskedAbout(BaseModel):
    id: int
    name: str
    sentence: str


class WaitingOut(BaseModel):
    sentence: str
    position: int
    of: int
    eligible: dict[str, int]
    unservable: bool = Field(description="Nobody on the books has what it needs: a supervisor has to act.")
    hold: str | None = Field(description="Why agents with room are not given it: exclusion, sticky, manual or reserve.")
    next_change: NextChange | None = Field(description="The first thing that time will change.")
    expected: ExpectedOut | None = Field(description="Null where it has not proved right: then no minute is told.")
    people: list[AskedAbout] = Field(
        description="Why not her: one sentence for each agent of the ticket's teams, 30 at most."
    )


class HistoryEvent(BaseModel):
    pos: int | None
    at: datetime
    type: str
    actor: dict[str, Any]
    data: dict[str, Any]


class History(BaseModel):
    events: list[HistoryEvent]


class QueueInfo(BaseModel):
    slug: str
    name: str
    open: bool
    waiting: int
    free_agents: int
    staff: list[Named]


class LevelOut(BaseModel):
    hits: int
    decisions: int
    pct: float | None
    target_pct: int | None = None
    threshold_s: int | None = None
    window: str | None = None


class BoardCell(BaseModel):
    waiting: int
    on_offer: int
    oldest_since: datetime | None
    offered_today: int
    answered_today: int
    abandoned_today: int
    asa_s: float | None
    sl: LevelOut
    sl30: LevelOut


class BoardChannel(BoardCell):
    channel: str


class BoardQueue(BaseModel):
    slug: str
    name: str
    open: bool
    channels: list[BoardChannel]


class BoardAgent(BaseModel):
    id: int
    name: str
    state: str
    since: datetime
    intent: str
    away_reason: str | None
    primary_units: int
    filler_units: int
    budget: int
    items: list[ChannelUse]


class BoardAgents(BaseModel):
    by_state: dict[str, int]
    list: list[BoardAgent]


class Board(BaseModel):
    pos: int
    at: datetime
    today_since: datetime
    queues: list[BoardQueue]
    totals: BoardCell
    agents: BoardAgents
    formulas: dict[str, str]


class UnreadableOut(BaseModel):
    id: int
    at: datetime
    channel: str
    inbox: str
    reason: str
    size: int


class SiteTopic(BaseModel):
    slug: str
    name: dict[str, str]


class Site(BaseModel):
    """What a live page needs before the first message."""

    agency: str
    name: str
    languages: list[str]
    topics: list[SiteTopic]
    open: bool
    reply_by: str | None
    max_text: int
