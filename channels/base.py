"""The contract between the desk and every channel.

A channel verifies, parses, renders and sends; it knows nothing of tickets, queues or the web framework. Everything that
crosses the border is one of the frozen values below, so that provider words and codes stop inside the adapter.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from typing import Any, ClassVar, Literal, Self
from urllib.parse import parse_qsl
from uuid import UUID

# --- errors -----------------------------------------------------------------------------------------------------------


class ChannelError(Exception):
    """Something a channel says no to."""


class BadSignature(ChannelError):
    """The request does not come from the provider, or not for us.

    The route answers 403, or ``status`` where a provider takes 403 for "never send this again" or it is to come again.
    """

    def __init__(self, why: str, status: int = 403) -> None:
        super().__init__(why)
        self.status = status


class TooLong(ChannelError):
    """The text or file is over a limit of the channel."""

    def __init__(self, limit: int, count: int, what: str = "characters") -> None:
        super().__init__(f"{count} {what}, the limit is {limit}")
        self.limit, self.count, self.what = limit, count, what


class Word(StrEnum):
    """A word of the contract. Pickled as class and value: some releases of Python 3.11 would call ``getattr`` instead, which
    nothing that comes from a reading child may do."""

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return self.__class__, (self.value,)


class ErrorClass(Word):
    """All that the desk knows of a provider's refusal."""

    OPTED_OUT = "opted_out"
    BAD_ADDRESS = "bad_address"
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"
    BLOCKED = "blocked"
    SENDER = "sender"
    THROTTLED = "throttled"
    WINDOW = "window"
    CONTENT = "content"


@dataclass(frozen=True, slots=True)
class SendError:
    """Why a delivery failed: our class, the provider's own code and text (shown to the agent, never interpreted)."""

    kind: ErrorClass
    code: str = ""
    text: str = ""


class TryLater(ChannelError):
    """Not accepted, and nothing was sent. ``after``: seconds to wait, None lets the desk choose."""

    def __init__(self, error: SendError, after: float | None = None) -> None:
        super().__init__(error.text or error.kind)
        self.error, self.after = error, after


class Undeliverable(ChannelError):
    """Refused for good."""

    def __init__(self, error: SendError) -> None:
        super().__init__(error.text or error.kind)
        self.error = error


class Unsure(ChannelError):
    """The provider may or may not have accepted: time-out, reset, 5xx. Never sent again before somebody was asked."""


# --- what comes in ----------------------------------------------------------------------------------------------------


MOST_FIELDS, REMEMBERED = 1000, 16 * 1024
"""Fields that are read of a form, and the characters up to which its fields are kept for the next reader."""


def form_fields(encoded: str) -> tuple[tuple[str, str], ...]:
    """The fields of a form or query in the order sent, blanks and repeats kept; none where there are too many to read.

    A door reads the same small form three times: to route it, for its signature and for its message.
    """
    return _read_lately(encoded) if len(encoded) <= REMEMBERED else _form_fields(encoded)


def _form_fields(encoded: str) -> tuple[tuple[str, str], ...]:
    try:
        return tuple(parse_qsl(encoded, keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError:
        return ()


_read_lately = lru_cache(8)(_form_fields)


class Form:
    """Form fields in the order sent: repeats and blanks are kept."""

    def __init__(self, pairs: Sequence[tuple[str, str]] = ()) -> None:
        self._pairs = tuple(pairs)

    def getlist(self, name: str) -> list[str]:
        return [value for key, value in self._pairs if key == name]

    def get(self, name: str, default: str = "") -> str:
        return next(iter(self.getlist(name)), default)

    def pairs(self) -> Iterator[tuple[str, str]]:
        return iter(self._pairs)


@dataclass(frozen=True, slots=True)
class Inbox:
    """One of our own addresses on a channel. ``address`` is what citizens write to; ``slug`` stands in webhook paths."""

    id: int
    slug: str
    channel: str
    address: str
    name: str
    config: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """An HTTP request at ``/channels/{name}/{inbox}/{rest}``.

    ``url`` is the configured public base URL + raw path + raw query, never what the framework believes. ``headers`` have
    lower-case names.
    """

    inbox: Inbox
    method: str
    rest: str
    url: str
    headers: Mapping[str, str]
    query: Form
    form: Form
    body: bytes
    client_ip: str = ""


@dataclass(frozen=True, slots=True)
class WebhookReply:
    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Raw:
    """What a provider delivered, before anybody understood it.

    ``source`` is ``channel:inbox-slug``; (source, source_key) is unique for ever. ``envelope`` holds what stood beside the
    body: for a webhook ``rest`` and ``content_type``; for mail ``from`` and ``to`` (list).
    """

    source: str
    source_key: str
    inbox: Inbox
    envelope: Mapping[str, Any]
    received_at: datetime
    body: bytes

    @property
    def sha256(self) -> bytes:
        return sha256(self.body).digest()


class Proof(Word):
    """How far we believe that an address belongs to who writes from it."""

    NONE = "none"
    CLAIMED = "claimed"
    PROVIDER_ATTESTED = "provider_attested"
    DMARC_ALIGNED = "dmarc_aligned"
    VERIFIED_LINK = "verified_link"
    SIGNED_JWT = "signed_jwt"


@dataclass(frozen=True, slots=True)
class Address:
    """An address of a person. ``kind``: the channel's endpoint kind; ``canonical``: the key within agency and kind."""

    kind: str
    raw: str
    canonical: str
    proof: Proof = Proof.CLAIMED
    name: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """A file inside a message. ``name`` is already safe to show and to save under; ``name_raw`` is what was sent."""

    name: str
    type: str
    body: bytes
    name_raw: str = ""
    inline: bool = False
    content_id: str = ""
    type_declared: str = ""
    """What the sender called it; ``type`` is what its bytes say, where they say anything."""


@dataclass(frozen=True, slots=True)
class Media:
    """A file that lies with the provider and is fetched later. ``ref``: the provider's own words for where."""

    ref: str
    type: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Hints:
    """What may tell to which ticket a message belongs. A hint is a proposal: the desk decides."""

    reply_token: str = ""
    references: tuple[str, ...] = ()
    client_key: UUID | None = None
    topic: str = ""
    language: str = ""
    answered: bool = False
    """The provider has answered this message by itself (a word such as HELP): we say nothing."""


Automation = Literal["none", "auto_reply", "bounce", "notification", "bulk", "unknown"]


@dataclass(frozen=True, slots=True)
class Inbound:
    """A message of a person.

    ``text`` is the whole text without control characters; ``text_visible`` what the person newly wrote (None: the same);
    ``html`` is already sanitised. ``external_id`` + ``digest`` tell a repeat from a new message.
    """

    sender: Address
    text: str
    external_id: str
    text_visible: str | None = None
    html: str | None = None
    subject: str = ""
    digest: bytes = b""
    reply_to: Address | None = None
    sent_at_claimed: datetime | None = None
    files: tuple[File, ...] = ()
    hints: Hints = Hints()
    auth: Literal["pass_aligned", "fail", "none", "unknown"] = "unknown"
    automation: Automation = "none"
    signals: tuple[str, ...] = ()
    truncated: bool = False
    to: tuple[Address, ...] = ()
    """Who else stands in the head of the message: everybody addressed, ourselves too."""
    cc: tuple[Address, ...] = ()
    media: tuple[Media, ...] = ()
    trim_confidence: float = 1.0
    """How sure we are of ``text_visible``, 0 to 1."""
    forwarded: bool = False
    """The person passes on what somebody else wrote."""


class DeliveryState(Word):
    """The states of a delivery; ``DELIVERY_RANK`` gives the order in which they may follow."""

    HELD = "held"
    QUEUED = "queued"
    SENDING = "sending"
    UNKNOWN = "unknown"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    CANCELED = "canceled"
    READ = "read"


DELIVERY_RANK: Mapping[DeliveryState, int] = {
    DeliveryState.HELD: 0,
    DeliveryState.QUEUED: 1,
    DeliveryState.SENDING: 2,
    DeliveryState.UNKNOWN: 3,
    DeliveryState.SENT: 4,
    DeliveryState.DELIVERED: 5,
    DeliveryState.UNDELIVERED: 5,
    DeliveryState.FAILED: 5,
    DeliveryState.CANCELED: 5,
    DeliveryState.READ: 6,
}


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of something we sent. ``message_id`` is ours where the provider handed it back."""

    provider_id: str
    state: DeliveryState
    message_id: UUID | None = None
    error: SendError | None = None
    at: datetime | None = None
    own_id: str = ""
    """The id that ``mint_id`` gave, where the report names it instead of the provider's."""
    recipient: str = ""
    """Canonical address that the report is about; empty: the one we wrote to."""
    delayed: bool = False
    """Not delivered yet; whoever has it goes on trying. Changes no state."""
    complaint: bool = False
    """The person, or their provider for them, called our message spam."""


@dataclass(frozen=True, slots=True)
class ConsentChange:
    """A person allowed or forbade us to write to an address. ``evidence`` is what they said, word for word.

    ``doubted``: words that may mean it ("please stop texting me"). Nothing is sent unasked until an agent has decided.
    """

    address: Address
    state: Literal["given", "revoked", "doubted"]
    evidence: str
    purpose: str = "service"


@dataclass(frozen=True, slots=True)
class Signal:
    """Something a person does that is no message."""

    name: Literal["typing", "delivered", "read", "left"]
    up_to: int = 0


@dataclass(frozen=True, slots=True)
class Unreadable:
    """We have it but cannot read it. ``seen`` is what was read before it failed."""

    reason: str
    seen: str = ""


Item = Inbound | Receipt | ConsentChange | Signal | Unreadable

# --- what goes out ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Outbound:
    """One message to one address, or to several at once where the channel knows copies.

    ``to`` and ``cc`` stand in its head. ``recipients`` are those whom this attempt is for (empty: ``to`` and ``cc``); a hidden
    copy is a recipient that stands nowhere.

    ``own_id`` is what ``mint_id`` gave when the message was written, stored before the send. ``reply_token`` leads an answer
    back to the ticket. ``automatic``: no person wrote it.
    """

    message_id: UUID
    inbox: Inbox
    to: str
    text: str
    sender_name: str = ""
    subject: str = ""
    own_id: str = ""
    reply_token: str = ""
    references: tuple[str, ...] = ()
    files: tuple[File, ...] = ()
    callback_url: str = ""
    automatic: bool = False
    language: str = "en"
    written_at: datetime | None = None
    cc: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Measure:
    """How a text fits the channel. ``warnings`` are keys of the interface's catalogue.

    ``cost``: what it costs in ``currency`` (ISO 4217), None where no price is set. ``dear``: the characters that make it need
    another alphabet. ``plain``: the same words in a cheaper spelling, empty where there is none.
    """

    parts: int
    units: int
    encoding: str = ""
    limit: int = 0
    warnings: tuple[str, ...] = ()
    cost: float | None = None
    currency: str = ""
    dear: tuple[str, ...] = ()
    plain: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """The provider took it. ``refused``: recipients it would not take for good; ``later``: those to be tried again, each with
    the reason. ``own_id``: the id under which it travels, where the provider replaced ours.
    """

    provider_id: str
    state: DeliveryState = DeliveryState.SENT
    refused: Mapping[str, SendError] = field(default_factory=dict)
    later: Mapping[str, SendError] = field(default_factory=dict)
    own_id: str = ""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the desk and the screens may know of a channel.

    ``pace``: *live* (a person waits at the screen), *soon* (an answer within minutes to hours), *later*. ``words``: where a
    delivery state has another name on this channel, ``{"sent": "accepted"}``. ``child``: parse only in a killable child.
    ``opt_out``: people stop us by a word, so our first message says which. ``commands``: the desk itself answers words such as
    STATUS and asks which of several open matters is meant. ``copies``: a message may go to several people at once.
    ``metered``: each message costs, and a sender may send only so fast.
    """

    endpoint_kind: str
    max_text: int
    pace: Literal["live", "soon", "later"]
    html: bool = False
    files: bool = False
    receipts: bool = False
    subjects: bool = False
    reply_window: timedelta | None = None
    words: Mapping[str, str] = field(default_factory=dict)
    child: bool = False
    opt_out: bool = False
    commands: bool = False
    copies: bool = False
    metered: bool = False

    @property
    def live(self) -> bool:
        return self.pace == "live"


# --- the channel ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tools:
    """What the application hands to an adapter. ``secret``: key material for the adapter's own signatures."""

    clock: Callable[[], datetime]
    public_url: str
    secret: bytes


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a listener hands over: the application stores it and returns once it is committed."""

    recipient: str
    source_key: str
    envelope: Mapping[str, Any]
    body: bytes


class UnknownRecipient(ChannelError):
    """No inbox has this address: refuse at the door."""


class StoreAway(ChannelError):
    """The store cannot take it now: tell the other side to come again."""


Accept = Callable[[Arrival], Awaitable[None]]
Knows = Callable[[str], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Health:
    """How one of our addresses does. ``problem`` is empty where all is well, else a sentence an operator can act on;
    ``token_until``: when a sign-in runs out."""

    problem: str = ""
    backlog: int | None = None
    token_until: datetime | None = None


class Post(ABC):
    """What the application lends to a channel that watches an inbox. The cursor is the channel's own; kept with the arrivals."""

    @abstractmethod
    async def cursor(self) -> Mapping[str, Any]:
        """Where the watch stood, empty at first."""

    @abstractmethod
    async def keep(self, arrivals: Sequence[Arrival], cursor: Mapping[str, Any]) -> None:
        """Store what came and how far we are, in one transaction. Raises StoreAway."""

    @abstractmethod
    async def report(self, health: Health) -> None:
        """Say how it goes. An empty problem counts as a full look at the inbox."""


class Channel(ABC):
    """A channel. Subclasses set ``name`` (the file's or folder's name) and ``capabilities``."""

    name: ClassVar[str]
    capabilities: ClassVar[Capabilities]

    @classmethod
    @abstractmethod
    def from_env(cls, settings: Mapping[str, str], tools: Tools) -> Self | None:
        """Build from settings (environment without the product's prefix), or None where they are missing."""

    @abstractmethod
    def parse(self, raw: Raw) -> list[Item]:
        """Read a stored event. Pure and repeatable; never raises on content: gives ``Unreadable``."""

    @abstractmethod
    def measure(self, outbound: Outbound) -> Measure:
        """Count what the text costs. Raises TooLong before any network is touched."""

    @abstractmethod
    def render(self, outbound: Outbound) -> Any:
        """The exact wire form, pure."""

    @abstractmethod
    async def send(self, outbound: Outbound, wire: Any) -> Sent:
        """Hand ``wire`` to the provider. Raises TryLater, Undeliverable or Unsure."""

    # Optional: a channel with webhooks.

    def verify(self, request: WebhookRequest) -> None:
        """Raise BadSignature unless the provider signed this request for this inbox."""
        raise BadSignature("this channel takes no webhooks")

    def key(self, request: WebhookRequest) -> str:
        """The dedupe key. Total: any request gives one."""
        return sha256(request.body).hexdigest()

    def reply(self, request: WebhookRequest) -> WebhookReply:
        return WebhookReply()

    # Optional: checks of a parsed message that need the network.

    async def vouched(self, raw: Raw, item: Inbound) -> Inbound:
        """``item`` with what others can tell of its sender. Never raises: what cannot be asked stays unknown."""
        return item

    # Optional: asking the provider what became of a send.

    async def find(self, outbound: Outbound) -> Sent | None:
        """What the provider knows of ``outbound``, None if it never saw it. Raises TryLater if it cannot be asked."""
        raise TryLater(SendError(ErrorClass.UNKNOWN, text="this channel cannot be asked"))

    can_find: ClassVar[bool] = False

    async def outcome(self, inbox: Inbox, provider_id: str) -> Receipt | None:
        """What the provider now says of something we sent; None if it knows no such thing. Raises TryLater."""
        raise TryLater(SendError(ErrorClass.UNKNOWN, text="this channel cannot be asked"))

    # Optional: looking at the provider's own list for what never reached us; fetching files that lie with it.

    can_list: ClassVar[bool] = False

    async def history(self, inbox: Inbox, since: datetime) -> list[Arrival]:
        """What the provider received for ``inbox`` since then, oldest first, as its webhooks would have told. Raises TryLater."""
        return []

    async def fetch(self, inbox: Inbox, media: Media) -> File:
        """A file that came with a message. Raises TryLater, or Undeliverable where it is gone or not to be had."""
        raise Undeliverable(SendError(ErrorClass.CONTENT, text="this channel fetches nothing"))

    # Optional: watching inboxes that somebody else keeps (mailboxes).

    def watches(self, inbox: Inbox) -> bool:
        """Whether this inbox is to be watched; the application then holds one lease for it and calls ``watch``."""
        return False

    async def watch(self, inbox: Inbox, post: Post) -> None:
        """Bring in what lies in the inbox, and go on until cancelled."""
        raise NotImplementedError

    async def test(self, inbox: Inbox) -> Health:
        """Sign in once and look; for the button beside the settings."""
        return Health()

    # Optional: own ids, canonical addresses, a listener, live frames.

    def mint_id(self, inbox: Inbox) -> str:
        """A new id that stands on the wire and may come back as a reference; empty where the channel has none."""
        return ""

    def canonical(self, value: str) -> str:
        """The key of an address within its kind. Raises ValueError if it cannot be one."""
        return value.strip().lower()

    def shown(self, canonical: str) -> str:
        """The address as a person reads it."""
        return canonical

    def bare_subject(self, subject: str) -> str:
        """The subject as it was first given, without what programs put before answers and what is passed on."""
        return subject.strip()

    def zones(self, canonical: str) -> tuple[str, ...]:
        """The time zones (IANA names) in which the person may be; empty where the address does not tell."""
        return ()

    listens: ClassVar[bool] = False

    async def listen(self, accept: Accept, knows: Knows) -> None:
        """Take messages from the network until cancelled; ``accept`` returns after the commit."""
        raise NotImplementedError

    def hear(self, visitor: Address, name: str, data: Any) -> Arrival | Signal:
        """Live channels: turn a client's frame into an arrival or a signal. Raises ValueError with a short code."""
        raise ValueError("unknown_event")

    def say(self, message: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Live channels: the frame that carries ``message`` to the person."""
        return "message", dict(message)

    async def close(self) -> None:  # noqa: B027 - most channels hold none
        """Let go of connections."""
