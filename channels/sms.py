"""Text messages over Twilio's Programmable Messaging (https://www.twilio.com/docs/messaging/api)."""

import asyncio
import re
from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from typing import Any, Self
from urllib.parse import parse_qs
from uuid import UUID

from requests import RequestException
from requests.exceptions import ConnectionError as NoConnection
from twilio.base.exceptions import TwilioException  # type: ignore[import-untyped]  # ships no types
from twilio.rest import Client  # type: ignore[import-untyped]  # ships no types
from urllib3.exceptions import MaxRetryError, NewConnectionError

from channels._phones import address, canonical_number, shown_number, wish
from channels._segments import quotes_cost_more, segments
from channels._twilio import API, FORM_TYPE, ApiClient, check_signature, is_form, only_once, pairs
from channels.base import (
    BadSignature,
    Capabilities,
    Channel,
    ChannelError,
    ConsentChange,
    DeliveryState,
    ErrorClass,
    Form,
    Inbound,
    Item,
    Measure,
    Outbound,
    Raw,
    Receipt,
    SendError,
    Sent,
    TooLong,
    Tools,
    TryLater,
    Undeliverable,
    Unreadable,
    Unsure,
    WebhookReply,
    WebhookRequest,
)

# https://www.twilio.com/docs/api/errors. Twilio keeps refining these: what is not here is "unknown" with its own text.
ERRORS: Mapping[str, ErrorClass] = {
    "21610": ErrorClass.OPTED_OUT,
    "21211": ErrorClass.BAD_ADDRESS,  # invalid number
    "21217": ErrorClass.BAD_ADDRESS,  # invalid number
    "21614": ErrorClass.BAD_ADDRESS,  # not a mobile
    "30005": ErrorClass.BAD_ADDRESS,  # unknown handset
    "30006": ErrorClass.BAD_ADDRESS,  # landline
    "30003": ErrorClass.UNREACHABLE,  # handset off or away
    "30008": ErrorClass.UNREACHABLE,  # the network would not say
    "30004": ErrorClass.BLOCKED,
    "30007": ErrorClass.BLOCKED,  # filtered by the carrier
    "21408": ErrorClass.SENDER,  # region not enabled
    "21612": ErrorClass.SENDER,  # no route
    "21608": ErrorClass.SENDER,  # trial account
    "21606": ErrorClass.SENDER,
    "21212": ErrorClass.SENDER,
    "21659": ErrorClass.SENDER,
    "21660": ErrorClass.SENDER,  # 21606 to 21660: our From number
    "30034": ErrorClass.SENDER,  # number not registered
    "20003": ErrorClass.SENDER,  # credentials
    "20404": ErrorClass.SENDER,  # account
    "30002": ErrorClass.SENDER,  # account suspended
    "20429": ErrorClass.THROTTLED,
    "21611": ErrorClass.THROTTLED,  # queue full
    "30001": ErrorClass.THROTTLED,  # queue full
    "30450": ErrorClass.THROTTLED,  # fraud guard
    "30453": ErrorClass.THROTTLED,  # fraud guard
    "63016": ErrorClass.WINDOW,
}
FRAUD_GUARD, FRAUD_GUARD_PAUSE = ("30450", "30453"), 30 * 60.0

STATES: Mapping[str, DeliveryState] = {
    "accepted": DeliveryState.QUEUED,
    "scheduled": DeliveryState.QUEUED,
    "queued": DeliveryState.QUEUED,
    "sending": DeliveryState.SENDING,
    "sent": DeliveryState.SENT,
    "partially_delivered": DeliveryState.SENT,
    "delivered": DeliveryState.DELIVERED,
    "undelivered": DeliveryState.UNDELIVERED,
    "failed": DeliveryState.FAILED,
    "canceled": DeliveryState.CANCELED,
    "read": DeliveryState.READ,
}
NOT_DELIVERED = (DeliveryState.UNDELIVERED, DeliveryState.FAILED)

# The names read from a form, by webhook: those that must be there, and those that may. Nothing else is looked at.
MUST = {
    "messages": ("AccountSid", "MessageSid", "From", "To", "Body"),
    "status": ("AccountSid", "MessageSid", "From", "To", "MessageStatus"),
}
MAY = ("NumMedia", "OptOutType", "ErrorCode", "ErrorMessage")
OPT_OUT_TYPES = {"STOP": "revoked", "START": "given"}

MAX_TEXT = 1600
VALID_SECONDS = 4 * 60 * 60
SEND_LIMIT = 12.0  # shorter than the desk's lease of 15 s, longer than the client's own 10
CLOCKS_DIFFER = timedelta(seconds=10)
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


class Sms(Channel):
    """Text messages. An inbox's address is the number that citizens write to, in E.164 or a short code."""

    name = "sms"
    capabilities = Capabilities(
        endpoint_kind="phone", max_text=MAX_TEXT, pace="soon", receipts=True, words={"sent": "accepted"}, opt_out=True
    )
    can_find = True

    def __init__(
        self, account: str, tokens: tuple[str, ...], tools: Tools, api_url: str = API, algorithm: str = "HMAC_SHA1",
        region: str = "US",
    ) -> None:  # fmt: skip
        self._account, self._tokens, self._tools = account, tokens, tools
        self._algorithm, self._region = algorithm, region
        self._http = ApiClient(api_url)
        # Not empty, or the client would read region and edge from the process environment.
        self._client = Client(account, tokens[0], http_client=self._http, environment={"settings": "given"})

    @classmethod
    def from_env(cls, settings: Mapping[str, str], tools: Tools) -> Self | None:
        """TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN (new and old, comma separated, while rotating).

        Optional: TWILIO_API_URL, TWILIO_SIGNATURE_ALGORITHM (HMAC_SHA1 or HMAC_SHA256) and SMS_REGION, the country of
        numbers written without its code (ISO 3166).
        """
        account = settings.get("TWILIO_ACCOUNT_SID", "").strip()
        tokens = tuple(filter(None, map(str.strip, settings.get("TWILIO_AUTH_TOKEN", "").split(","))))
        if not account or not tokens:
            return None
        return cls(
            account,
            tokens,
            tools,
            settings.get("TWILIO_API_URL") or API,
            settings.get("TWILIO_SIGNATURE_ALGORITHM") or "HMAC_SHA1",
            settings.get("SMS_REGION") or "US",
        )

    # --- coming in ----------------------------------------------------------------------------------------------------

    def verify(self, request: WebhookRequest) -> None:
        must = MUST.get(request.rest)
        if must is None or request.method != "POST":
            raise BadSignature("no such webhook")
        check_signature(request, self._tokens, self._algorithm)
        only_once(request.form, (*must, *MAY))
        if not all(request.form.getlist(name) for name in must):
            raise BadSignature("a field is missing")
        if request.form.get("AccountSid") != self._account:
            raise BadSignature("another account")
        ours = request.form.get("To" if request.rest == "messages" else "From")
        if self._same_number(ours) != self._same_number(request.inbox.address):
            raise BadSignature("another number")

    def _same_number(self, value: str) -> str:
        return address(value, self._region).canonical

    def key(self, request: WebhookRequest) -> str:
        """The account's message for messages; message, status and error for receipts, for each status is news."""
        names = {
            "messages": ("AccountSid", "MessageSid"),
            "status": ("MessageSid", "MessageStatus", "ErrorCode"),
        }.get(request.rest, ())
        values = [request.form.get(name) for name in names]
        if not all(values[:2]) or not re.fullmatch(r"[\w-]{1,120}", "".join(values), re.ASCII):
            return super().key(request)
        return ":".join(values)

    def reply(self, request: WebhookRequest) -> WebhookReply:
        return WebhookReply(200, b"<Response/>", "text/xml; charset=utf-8")

    def parse(self, raw: Raw) -> list[Item]:
        form = Form(pairs(raw.body) if is_form(str(raw.envelope.get("content_type") or FORM_TYPE)) else ())
        sid, rest = _clean(form.get("MessageSid")).strip(), raw.envelope.get("rest")
        if not sid:
            return [Unreadable("no message id", _clean(raw.body.decode("utf-8", "replace"))[:MAX_TEXT])]
        if rest == "status":
            return [_receipt(form, sid, str(raw.envelope.get("query") or ""))]
        if rest == "messages":
            return self._message(form, sid)
        return [Unreadable("unknown webhook", _clean(form.get("Body"))[:MAX_TEXT])]

    def _message(self, form: Form, sid: str) -> list[Item]:
        sender = address(_clean(form.get("From")), self._region)
        text = _clean(form.get("Body"))
        if not sender.canonical:
            return [Unreadable("no sender", text)]
        inbound = Inbound(sender, "\n".join(filter(None, (text, *_media(form)))), sid, digest=_digest(text))
        state = OPT_OUT_TYPES.get(form.get("OptOutType").upper()) or wish(text)
        if state == "revoked":
            return [ConsentChange(sender, "revoked", text), inbound]
        return [ConsentChange(sender, "given", text), inbound] if state == "given" else [inbound]

    # --- going out ----------------------------------------------------------------------------------------------------

    def measure(self, outbound: Outbound) -> Measure:
        if len(outbound.text) > MAX_TEXT:
            raise TooLong(MAX_TEXT, len(outbound.text))
        if outbound.files:
            raise TooLong(0, len(outbound.files), "files")
        counted = segments(outbound.text)
        warnings = ("quote_doubles_price",) if quotes_cost_more(outbound.text) else ()
        return Measure(len(counted.parts), counted.units, counted.encoding, MAX_TEXT, warnings)

    def render(self, outbound: Outbound) -> dict[str, str | int]:
        """Twilio's parameters. The callback URL carries our message id: a receipt proves acceptance by itself."""
        wire: dict[str, str | int] = {
            "To": outbound.to,
            "From": outbound.inbox.address,
            "Body": outbound.text,
            "ValidityPeriod": VALID_SECONDS,
        }
        return wire | ({"StatusCallback": outbound.callback_url} if outbound.callback_url else {})

    async def send(self, outbound: Outbound, wire: Mapping[str, Any]) -> Sent:
        try:
            async with asyncio.timeout(SEND_LIMIT):
                return await asyncio.to_thread(self._create, wire)
        except TimeoutError as late:
            raise Unsure("no answer in time") from late

    def _create(self, wire: Mapping[str, Any]) -> Sent:
        options = {"status_callback": wire["StatusCallback"]} if "StatusCallback" in wire else {}
        try:
            made = self._client.messages.create(
                to=wire["To"], from_=wire["From"], body=wire["Body"], validity_period=wire["ValidityPeriod"], **options
            )
        except TwilioException as refusal:
            raise _outcome(refusal, self._http.retry_after) from refusal
        except RequestException as lost:
            raise _lost(lost) from lost
        except (ValueError, TypeError, AttributeError) as odd:  # accepted, but the answer is no message
            raise Unsure("an answer that cannot be read") from odd
        if not made.sid:
            raise Unsure("an answer without a message id")
        return Sent(made.sid, _state(made.status))

    async def find(self, outbound: Outbound) -> Sent | None:
        """Look for the text among those sent between the two numbers since it was written."""
        try:
            async with asyncio.timeout(SEND_LIMIT):
                return await asyncio.to_thread(self._look, outbound)
        except TimeoutError as late:
            raise TryLater(SendError(ErrorClass.UNKNOWN, text="no answer in time")) from late

    def _look(self, outbound: Outbound) -> Sent | None:
        since = (outbound.written_at or self._tools.clock() - timedelta(seconds=VALID_SECONDS)) - CLOCKS_DIFFER
        try:
            # Newest first. DateSent is compared here, not asked for: a text still in Twilio's queue has none.
            listed = self._client.messages.list(to=outbound.to, from_=outbound.inbox.address, limit=200)
        except (TwilioException, RequestException, ValueError, TypeError) as lost:
            error = SendError(ErrorClass.UNKNOWN, text=str(lost))
            raise TryLater(error, self._http.retry_after) from lost
        for one in listed:
            at = one.date_sent or one.date_created
            if (one.body or "").strip() == outbound.text.strip() and (at is None or at >= since):
                return Sent(one.sid, _state(one.status))
        return None

    # --- addresses ----------------------------------------------------------------------------------------------------

    def canonical(self, value: str) -> str:
        return canonical_number(value, self._region)

    def shown(self, canonical: str) -> str:
        return shown_number(canonical, self._region)

    async def close(self) -> None:
        self._http.close()


def _clean(text: str) -> str:
    return CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def _digest(text: str) -> bytes:
    return sha256(text.encode()).digest()


def _media(form: Form) -> list[str]:
    """A line for each picture or file that came with the text: the citizen believes that we have seen it."""
    count = form.get("NumMedia")
    many = min(int(count), 10) if count.isascii() and count.isdigit() else 0
    return [f"[{_clean(form.get(f'MediaContentType{at}')) or 'file'}]" for at in range(many)]


def _receipt(form: Form, sid: str, query: str) -> Receipt:
    status, code = _clean(form.get("MessageStatus")), _clean(form.get("ErrorCode"))
    state = _state(status)
    text = _clean(form.get("ErrorMessage")) or (status if status not in STATES else "")
    error = None
    if code or text or state in NOT_DELIVERED:
        error = SendError(ERRORS.get(code, ErrorClass.UNKNOWN), code, text)
    return Receipt(sid, state, _our_id(query), error)


def _state(status: str | None) -> DeliveryState:
    return STATES.get(status or "", DeliveryState.UNKNOWN)


def _our_id(query: str) -> UUID | None:
    try:
        return UUID(parse_qs(query, max_num_fields=20)["m"][0])
    except (KeyError, ValueError):
        return None


def _outcome(refusal: TwilioException, after: float | None) -> ChannelError:
    """What Twilio's exception means. Its two kinds share no base with a status, and some carry none at all."""
    status = getattr(refusal, "status", None)
    code = str(getattr(refusal, "code", None) or "")
    text = str(getattr(refusal, "msg", None) or getattr(refusal, "detail", None) or refusal)
    if not isinstance(status, int) or status >= 500 or code == "20500":
        return Unsure(text)
    kind = ERRORS.get(code, ErrorClass.UNKNOWN)
    if status == 429 or kind is ErrorClass.THROTTLED:
        pause = FRAUD_GUARD_PAUSE if code in FRAUD_GUARD else after
        return TryLater(SendError(ErrorClass.THROTTLED, code, text), pause)
    return Undeliverable(SendError(ErrorClass.SENDER if status in (401, 403) else kind, code, text))


def _lost(error: RequestException) -> ChannelError:
    """A connection that never came about carried nothing; whatever broke later may have been accepted."""
    cause = error.args[0] if isinstance(error, NoConnection) and error.args else None
    if isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError):
        return TryLater(SendError(ErrorClass.UNKNOWN, text="no connection to the provider"))
    return Unsure(str(error))


CHANNEL = Sms
