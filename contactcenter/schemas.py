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
AddressIn = Annotated[Words, Field(min_length=1, max_length=320)]
Id = Annotated[int, Field(ge=1, le=2**53)]


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
    endpoint_id: Id | None = Field(None, description="Another address of the person; without it the ticket's own.")
    cc: list[AddressIn] = Field([], max_length=20, description="Open copies, where the channel has them.")
    bcc: list[AddressIn] = Field([], max_length=20, description="Hidden copies.")
    subject: AddressIn | None = Field(None, description="Where the channel has subjects; without it the ticket's.")
    uploads: list[Id] = Field([], max_length=20, description="Files from POST /api/uploads that go with it.")


class MeasureIn(Shape):
    text: Words = Field(max_length=100_000)
    endpoint_id: Id | None = None


class ResendingIn(Shape):
    endpoint_id: Id = Field(description="The address that gets the same words.")
    client_msg_id: UUID


class MovesIn(Shape):
    message_ids: list[UUID] = Field(min_length=1, max_length=100)
    to_ref: Words | None = Field(None, max_length=30, description="Null: they stay, as a matter of their own.")


class ConsentIn(Shape):
    endpoint_id: Id
    state: Literal["given", "revoked"]


class WordingIn(Shape):
    """An empty ``body`` takes the agency's own text away: the product's is said again."""

    key: Words = Field(min_length=1, max_length=100)
    language: Words = Field(min_length=2, max_length=10)
    queue: Words | None = Field(None, max_length=100, description="The slug of a queue; null for all.")
    body: Words = Field(max_length=5000)


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


class MaybeOut(BaseModel):
    """A ticket that this one may belong to, and by what it was guessed. Nothing was joined: a person decides."""

    ref: str
    why: str | None


class ChoiceOut(BaseModel):
    number: int
    ref: str | None = Field(description="Null: something new.")
    label: str


class QuestionOut(BaseModel):
    """The person was asked which of their open matters this is."""

    choices: list[ChoiceOut]
    expires_at: datetime


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
    maybe: MaybeOut | None
    linked: str | None = Field(description="The reference of the ticket that this one goes on from.")
    quiet: bool = Field(description="The desk sends nothing here by itself: two machines were answering each other.")
    question: QuestionOut | None
    draft: bool = False
    can: list[str] = []


class Author(BaseModel):
    kind: Literal["citizen", "staff", "system"]
    id: int | None
    name: str
    address: str | None = Field(description="A citizen's address as a person reads it.")


class FileOut(BaseModel):
    id: int
    name: str
    type: str
    size: int
    state: Literal["stored", "pending", "failed"]
    scan: Literal["skipped", "pending", "clean", "infected"]
    inline: bool
    picture: bool = Field(description="It can be shown: /api/attachments/{id}/picture.")


class DeliveryErrorOut(BaseModel):
    kind: str
    code: str | None
    text: str | None = Field(description="The provider's own words.")
    advice: str = Field(description="The key of what to try.")


class CopyOut(BaseModel):
    address: str
    role: Literal["to", "cc", "bcc"]
    state: str
    word: str
    error: DeliveryErrorOut | None


class DeliveryOut(BaseModel):
    state: str
    word: str = Field(description="The word for the state on this channel.")
    error: DeliveryErrorOut | None
    maybe_duplicate: bool
    endpoint_id: int
    undo_until: datetime | None = Field(description="Until then it has not left and can be taken back.")
    delayed_at: datetime | None = Field(description="Since when the other side says that it still tries.")
    retry_at: datetime | None = Field(description="When we try again.")
    until: datetime = Field(description="When we give up.")
    copies: list[CopyOut]


class AddressOut(BaseModel):
    address: str
    name: str


class Recipients(BaseModel):
    to: list[AddressOut]
    cc: list[AddressOut]
    bcc: list[AddressOut] = Field(description="Ours only: nobody sees those of others.")


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
    trim_confidence: float = Field(description="How sure we are that ``text`` is all of it, 0 to 1.")
    html: bool
    pictures: int = Field(description="Pictures that lie with the sender; none is fetched unless somebody asks.")
    original: bool = Field(description="It can be had as it came: /api/messages/{id}/original.")
    language: str | None
    at: datetime
    visibility: Literal["public", "internal", "held"]
    automation: str
    auth: Literal["pass_aligned", "fail", "none", "unknown"]
    signals: list[str]
    forwarded: bool
    truncated: bool
    moved_from: str | None = Field(description="The reference of the ticket that it was moved here from.")
    recipients: Recipients
    files: list[FileOut]
    client_msg_id: UUID | None
    line: dict[str, Any] | None
    delivery: DeliveryOut | None
    v: int


class TakenBack(BaseModel):
    text: str = Field(description="The words, which are in the draft again.")


class Moved(BaseModel):
    ref: str = Field(description="Where the messages are now.")
    message_ids: list[UUID]


class HeaderOut(BaseModel):
    name: str
    value: str


class Headers(BaseModel):
    headers: list[HeaderOut]


class InboxOut(BaseModel):
    """How one of our own addresses does."""

    slug: str
    name: str
    channel: str
    shown: str
    queue: str
    watched: bool = Field(description="We look there ourselves; otherwise the provider comes to us.")
    ok_at: datetime | None
    tried_at: datetime | None
    last_message_at: datetime | None
    problem: str
    problem_since: datetime | None
    backlog: int | None
    token_until: datetime | None
    gaps: int = Field(description="Messages found in the provider's list that had never reached us.")
    can: list[str]


class InboxTest(BaseModel):
    problem: str = Field(description="Empty: it works.")
    backlog: int | None
    token_until: datetime | None


class WordingOut(BaseModel):
    key: str
    language: str
    queue: str | None
    body: str


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


class Way(BaseModel):
    """An address of the person, and whether one may write there now."""

    id: int
    kind: str
    channel: str
    shown: str
    may: bool
    why: str | None
    warn: str | None = Field(description="It may be written to, but something speaks against it.")
    claimed: bool = Field(description="Nobody has shown that it is theirs.")
    is_reply_to: bool


class Compose(BaseModel):
    can_reply: bool
    why_not: str | None
    channel: str
    to: str
    max_text: int
    endpoints: list[Way]
    copies: bool
    subject: str | None = Field(description="What the answer would be called; null where nothing has a subject.")
    cc: list[str] = Field(description="Who else takes part; gets a copy only when asked for.")
    metered: bool
    undo_s: int
    warn: str | None


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
    subjects: bool
    copies: bool
    metered: bool
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
    cost: float | None = Field(description="In ``currency``; null where no price is set.")
    currency: str
    dear: list[str] = Field(description="The characters that make it need another alphabet.")
    plain: str = Field(description="The same words in a cheaper spelling; empty where there is none.")
    plain_parts: int | None = Field(description="How many parts that would be.")


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
