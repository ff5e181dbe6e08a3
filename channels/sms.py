"""Text messages over Twilio (https://www.twilio.com/docs/messaging/api)."""

import re
from collections.abc import Mapping
from decimal import Decimal

from channels._phones import address, canonical_number, shown_number, zones_of
from channels._segments import Segments, dear, plain, segments
from channels._twilio import TwilioChannel
from channels._twilio.channel import MAX_TEXT
from channels.base import Address, Capabilities, Form, Measure, Outbound, TooLong, Tools

MANY_PARTS = 3
PRICE = re.compile(r"(\d{1,4}(?:\.\d{1,6})?)\s+([A-Z]{3})")


class Sms(TwilioChannel):
    """Text messages. An inbox's address is the number that citizens write to, in E.164 or a short code.

    Optional settings beside Twilio's own: SMS_REGION, the country of numbers written without its code (ISO 3166), and
    SMS_PRICE_PER_PART ("0.0083 USD").
    """

    name = "sms"
    capabilities = Capabilities(
        endpoint_kind="phone",
        max_text=MAX_TEXT,
        pace="soon",
        receipts=True,
        words={"sent": "accepted"},
        opt_out=True,
        commands=True,
        metered=True,
    )

    def __init__(self, settings: Mapping[str, str], tools: Tools) -> None:
        super().__init__(settings, tools)
        self._region = settings.get("SMS_REGION") or "US"
        self._price, self._currency = _price(settings.get("SMS_PRICE_PER_PART", ""))

    def person(self, raw: str, form: Form) -> Address:
        return address(raw, self._region)

    def on_wire(self, address: str) -> str:
        return address

    def measure(self, outbound: Outbound) -> Measure:
        text = outbound.text
        if len(text) > MAX_TEXT:
            raise TooLong(MAX_TEXT, len(text))
        if outbound.files:
            raise TooLong(0, len(outbound.files), "files")
        counted, cheaper = segments(text), plain(text)
        parts = len(counted.parts)
        return Measure(
            parts,
            counted.units,
            counted.encoding,
            MAX_TEXT,
            _warnings(counted, cheaper),
            cost=None if self._price is None else float(self._price * parts),
            currency=self._currency,
            dear=dear(text),
            plain=cheaper,
        )

    def canonical(self, value: str) -> str:
        return canonical_number(value, self._region)

    def shown(self, canonical: str) -> str:
        return shown_number(canonical, self._region)

    def zones(self, canonical: str) -> tuple[str, ...]:
        return zones_of(canonical)


def _price(setting: str) -> tuple[Decimal | None, str]:
    """Amount and currency. Raises ValueError where it is neither empty nor a price: a typing error would hide the cost."""
    found = PRICE.fullmatch(setting.strip())
    if setting.strip() and not found:
        raise ValueError('SMS_PRICE_PER_PART must look like "0.0083 USD"')
    return (Decimal(found[1]), found[2]) if found else (None, "")


def _warnings(counted: Segments, cheaper: str) -> tuple[str, ...]:
    """Only what costs: a short text in another alphabet is one part all the same."""
    parts = len(counted.parts)
    told = {
        "quote_doubles_price": bool(cheaper),
        "another_alphabet": counted.encoding == "UCS-2" and parts > 1 and not cheaper,
        "many_parts": parts > MANY_PARTS,
    }
    return tuple(name for name, is_so in told.items() if is_so)


CHANNEL = Sms
