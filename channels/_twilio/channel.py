"""A channel over Twilio's Programmable Messaging. A subclass says which addresses it has and how it measures."""

from abc import abstractmethod
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from channels._twilio import files, forms, lists
from channels._twilio.client import API, ApiClient, NotThere, made_client, order, question
from channels._twilio.signatures import FORM_TYPE, check_signature, is_form, only_once, pairs
from channels._twilio.words import ERRORS, error_of, state_of
from channels.base import (
    Address,
    Arrival,
    BadSignature,
    Channel,
    ErrorClass,
    File,
    Form,
    Health,
    Inbox,
    Item,
    Media,
    Outbound,
    Raw,
    Receipt,
    SendError,
    Sent,
    Tools,
    TryLater,
    Unreadable,
    Unsure,
    WebhookReply,
    WebhookRequest,
)

MAX_TEXT = 1600
VALID_SECONDS = 4 * 60 * 60
LIST_LIMIT = 60.0  # seconds for some pages


class TwilioChannel(Channel):
    """Settings: TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN (new and old, comma separated, while rotating).

    Optional: TWILIO_API_URL and TWILIO_SIGNATURE_ALGORITHM (HMAC_SHA1 or HMAC_SHA256).
    """

    can_find = True
    can_list = True
    errors: ClassVar[Mapping[str, ErrorClass]] = ERRORS

    def __init__(self, settings: Mapping[str, str], tools: Tools) -> None:
        self._account = settings.get("TWILIO_ACCOUNT_SID", "").strip()
        self._tokens = _tokens(settings)
        self._algorithm = settings.get("TWILIO_SIGNATURE_ALGORITHM") or "HMAC_SHA1"
        self._tools = tools
        self._http = ApiClient(settings.get("TWILIO_API_URL") or API)
        self._client = made_client(self._account, self._tokens[0], self._http)

    @classmethod
    def from_env(cls, settings: Mapping[str, str], tools: Tools) -> Self | None:
        if not settings.get("TWILIO_ACCOUNT_SID", "").strip() or not _tokens(settings):
            return None
        return cls(settings, tools)

    # --- for subclasses -----------------------------------------------------------------------------------------------

    @abstractmethod
    def person(self, raw: str, form: Form) -> Address:
        """Who wrote. Never refuses: an odd address stays as it came, so that nothing is lost."""

    @abstractmethod
    def on_wire(self, address: str) -> str:
        """An address as Twilio's To and From want it."""

    # --- coming in ----------------------------------------------------------------------------------------------------

    def verify(self, request: WebhookRequest) -> None:
        must = forms.MUST.get(request.rest)
        if must is None or request.method != "POST":
            raise BadSignature("no such webhook")
        check_signature(request, self._tokens, self._algorithm)
        only_once(request.form, (*must, *forms.MAY))
        if not all(request.form.getlist(name) for name in must):
            raise BadSignature("a field is missing")
        if request.form.get("AccountSid") != self._account:
            raise BadSignature("another account")
        # By number and never by messaging service: every webhook of a pool of numbers carries the same service.
        ours = request.form.get("From" if request.rest == "status" else "To")
        if self._key_of(ours) != self._key_of(self.on_wire(request.inbox.address)):
            raise BadSignature("another number")

    def _key_of(self, value: str) -> str:
        return self.person(value, Form()).canonical

    def key(self, request: WebhookRequest) -> str:
        """The account's message for messages; message, status and error for receipts, for each status is news."""
        return forms.key_of(request.form, request.rest) or super().key(request)

    def reply(self, request: WebhookRequest) -> WebhookReply:
        return WebhookReply(200, b"<Response/>", "text/xml; charset=utf-8")

    def parse(self, raw: Raw) -> list[Item]:
        form = Form(pairs(raw.body) if is_form(str(raw.envelope.get("content_type") or FORM_TYPE)) else ())
        sid, rest = forms.clean(form.get("MessageSid")).strip(), raw.envelope.get("rest")
        if not sid:
            return [Unreadable("no message id", forms.clean(raw.body.decode("utf-8", "replace"))[:MAX_TEXT])]
        if rest == "status":
            return [forms.receipt(form, sid, str(raw.envelope.get("query") or ""), self.errors)]
        if rest in ("messages", "fallback"):
            return forms.message(form, sid, self.person(forms.clean(form.get("From")), form), raw.envelope)
        return [Unreadable("unknown webhook", forms.clean(form.get("Body"))[:MAX_TEXT])]

    # --- going out ----------------------------------------------------------------------------------------------------

    def render(self, outbound: Outbound) -> dict[str, str | int]:
        """Twilio's parameters. The callback URL carries our message id: a receipt proves acceptance by itself."""
        wire: dict[str, str | int] = {
            "To": self.on_wire(outbound.to),
            "From": self.on_wire(outbound.inbox.address),
            "Body": outbound.text,
            "ValidityPeriod": VALID_SECONDS,
        }
        return wire | ({"StatusCallback": outbound.callback_url} if outbound.callback_url else {})

    async def send(self, outbound: Outbound, wire: Mapping[str, Any]) -> Sent:
        options = {"status_callback": wire["StatusCallback"]} if "StatusCallback" in wire else {}
        made = await order(
            lambda: self._client.messages.create(
                to=wire["To"], from_=wire["From"], body=wire["Body"], validity_period=wire["ValidityPeriod"], **options
            ),
            self._http,
            self.errors,
        )
        if not made.sid:
            raise Unsure("an answer without a message id")
        return Sent(made.sid, state_of(made.status))

    # --- asking -------------------------------------------------------------------------------------------------------

    async def find(self, outbound: Outbound) -> Sent | None:
        """Look for the text among those sent between the two numbers since it was written."""
        sender, to = self.on_wire(outbound.inbox.address), self.on_wire(outbound.to)
        since = outbound.written_at or self._tools.clock() - timedelta(seconds=VALID_SECONDS)
        return await question(lambda: lists.find_sent(self._client, sender, to, outbound.text, since), self._http)

    async def outcome(self, inbox: Inbox, provider_id: str) -> Receipt | None:
        try:
            one = await question(lambda: self._client.messages(provider_id).fetch(), self._http)
        except NotThere:
            return None
        if not one.sid:
            raise TryLater(SendError(ErrorClass.UNKNOWN, text="an answer without a message id"))
        code, text = str(one.error_code or ""), str(one.error_message or "")
        error = error_of(str(one.status), code, text, self.errors)
        return Receipt(one.sid, state_of(one.status), error=error, at=one.date_updated)

    async def history(self, inbox: Inbox, since: datetime) -> list[Arrival]:
        number = self.on_wire(inbox.address)
        return await question(
            lambda: lists.received(self._client, self._account, number, since), self._http, LIST_LIMIT
        )

    async def fetch(self, inbox: Inbox, media: Media) -> File:
        url = await self._address_of(media)
        files.check_address(url, self._account, self._http.base_url)
        return await files.fetch_file(url, media, (self._account, self._tokens[0]), self._http.base_url)

    async def _address_of(self, media: Media) -> str:
        place = files.listed_at(media.ref, self._account)
        if place is None:
            return media.ref
        message, nth = place
        base_url = self._http.base_url
        found = await question(lambda: files.look_up(self._client, message, nth, base_url), self._http)
        if not found:
            raise TryLater(SendError(ErrorClass.UNKNOWN, "404", "not in the provider's list"))
        return found

    async def test(self, inbox: Inbox) -> Health:
        """Ask for one message of the number: shows that account, token and address are right."""
        try:
            number = self.on_wire(inbox.address)
            await question(lambda: self._client.messages.list(to=number, limit=1), self._http)
        except TryLater as away:
            return Health(problem=str(away))
        return Health()

    async def close(self) -> None:
        self._http.close()


def _tokens(settings: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(filter(None, map(str.strip, settings.get("TWILIO_AUTH_TOKEN", "").split(","))))
