"""WhatsApp over Twilio (https://www.twilio.com/docs/whatsapp/api)."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar, Self

from channels._phones import canonical_number, shown_number, zones_of
from channels._twilio import TwilioChannel
from channels._twilio.channel import MAX_TEXT
from channels._twilio.forms import clean
from channels._twilio.words import ERRORS
from channels.base import Address, Capabilities, ErrorClass, Form, Measure, Outbound, Proof, TooLong, Tools

# https://www.twilio.com/docs/api/errors: those that only this network gives.
CODES: Mapping[str, ErrorClass] = {
    "63003": ErrorClass.BAD_ADDRESS,  # nobody there
    "63024": ErrorClass.BAD_ADDRESS,  # invalid recipient
    "63005": ErrorClass.CONTENT,
    "63013": ErrorClass.CONTENT,  # against its policy
    "63007": ErrorClass.SENDER,  # our From
    "63001": ErrorClass.SENDER,  # credentials
    "63015": ErrorClass.SENDER,  # trial: they have not joined
    "63018": ErrorClass.THROTTLED,
    "63032": ErrorClass.BLOCKED,
    "63033": ErrorClass.BLOCKED,
    "63049": ErrorClass.BLOCKED,
}
PREFIX = "whatsapp:"
# People without a phone number have an id for each business that they write to: a country and up to 128 letters and digits.
OWN_ID = re.compile(r"[A-Z]{2}\.[A-Za-z0-9.]{1,128}")
ON = frozenset(("1", "true", "yes", "on"))


class WhatsApp(TwilioChannel):
    """WhatsApp. An inbox's address is its number, with or without ``whatsapp:`` before it.

    Settings: WHATSAPP_ENABLED beside those of the Twilio account. SMS_REGION is minded here too.
    """

    name = "whatsapp"
    capabilities = Capabilities(
        endpoint_kind="whatsapp",
        max_text=MAX_TEXT,
        pace="soon",
        receipts=True,
        reply_window=timedelta(hours=24),
        words={"sent": "sent", "delivered": "delivered", "read": "read"},
        opt_out=True,
        commands=True,
    )
    errors: ClassVar[Mapping[str, ErrorClass]] = {**ERRORS, **CODES}

    def __init__(self, settings: Mapping[str, str], tools: Tools) -> None:
        super().__init__(settings, tools)
        self._region = settings.get("SMS_REGION") or "US"

    @classmethod
    def from_env(cls, settings: Mapping[str, str], tools: Tools) -> Self | None:
        wanted = settings.get("WHATSAPP_ENABLED", "").strip().lower() in ON
        return super().from_env(settings, tools) if wanted else None

    def person(self, raw: str, form: Form) -> Address:
        """Without the prefix it is a text to the same number, which goes elsewhere: then the key is no number."""
        bare = raw.strip()
        name = " ".join(clean(form.get("ProfileName")).split())[:200]
        if not bare.lower().startswith(PREFIX):
            return Address("whatsapp", raw, f"?{bare}" if bare else "", Proof.NONE, name)
        try:
            key = self.canonical(bare)
        except ValueError:
            key = bare[len(PREFIX) :].strip()
        return Address("whatsapp", raw, key, Proof.PROVIDER_ATTESTED, name)

    def on_wire(self, address: str) -> str:
        return address if address.lower().startswith(PREFIX) else PREFIX + address

    def measure(self, outbound: Outbound) -> Measure:
        if len(outbound.text) > MAX_TEXT:
            raise TooLong(MAX_TEXT, len(outbound.text))
        if outbound.files:
            raise TooLong(0, len(outbound.files), "files")
        return Measure(1, len(outbound.text), limit=MAX_TEXT)

    def canonical(self, value: str) -> str:
        """E.164, or the person's own id where they have no number. Raises ValueError."""
        bare = value.strip()
        bare = bare[len(PREFIX) :].strip() if bare.lower().startswith(PREFIX) else bare
        if OWN_ID.fullmatch(bare):
            return bare
        number = canonical_number(bare, self._region)
        if not number.startswith("+"):
            raise ValueError("not a number of this network")
        return number

    def shown(self, canonical: str) -> str:
        return shown_number(canonical, self._region)

    def zones(self, canonical: str) -> tuple[str, ...]:
        return zones_of(canonical)


CHANNEL = WhatsApp
