"""Twilio's own lists, asked: what it took from us, what it took for us. They block; the caller gives them a thread."""

import unicodedata
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from twilio.rest import Client  # type: ignore[import-untyped]  # ships no types

from channels._segments import PLAIN
from channels._twilio.forms import MOST_MEDIA
from channels._twilio.signatures import FORM_TYPE
from channels._twilio.words import state_of
from channels.base import Arrival, Sent

CLOCKS_DIFFER = timedelta(seconds=10)
MOST_SENT = 200  # to one number since a text was written
MOST_RECEIVED, PAGE = 5000, 500
TRIAL = "Sent from your Twilio trial account - "


def find_sent(client: Client, sender: str, to: str, text: str, written_at: datetime) -> Sent | None:
    """The text among those between two numbers since it was written, newest first.

    DateSent is compared here and not asked for: a text still in Twilio's queue has none.
    """
    wanted, since = _bare(text), written_at - CLOCKS_DIFFER
    for one in client.messages.stream(to=to, from_=sender, limit=MOST_SENT, page_size=50):
        at = one.date_sent or one.date_created
        if at is not None and at < since:
            return None
        if one.sid and _bare((one.body or "").removeprefix(TRIAL)) == wanted:
            return Sent(one.sid, state_of(one.status))
    return None


def _bare(text: str) -> str:
    """A text without what the way changes: blanks at the borders of parts, typographic signs, composed accents."""
    return "".join(unicodedata.normalize("NFC", text).translate(PLAIN).split())


def received(client: Client, account: str, number: str, since: datetime) -> list[Arrival]:
    """What came for a number since then, oldest first, in the form that its webhook would have had."""
    listed = client.messages.stream(to=number, date_sent_after=since, limit=MOST_RECEIVED, page_size=PAGE)
    arrivals = [_arrival(one, account) for one in listed if _is_ours(one, since)]
    return arrivals[::-1]


def _is_ours(one: Any, since: datetime) -> bool:
    at = one.date_sent or one.date_created
    return bool(one.direction == "inbound" and one.sid and (at is None or at >= since))


def _arrival(one: Any, account: str) -> Arrival:
    at = one.date_sent or one.date_created
    envelope = {"rest": "messages", "content_type": FORM_TYPE, "query": "", "sent_at": at.isoformat() if at else ""}
    return Arrival(one.to or "", f"{account}:{one.sid}", envelope, urlencode(list(_fields(one, account))).encode())


def _fields(one: Any, account: str) -> Iterator[tuple[str, str]]:
    count = str(one.num_media or "0")
    yield from (("AccountSid", account), ("ApiVersion", one.api_version or ""), ("Body", one.body or ""))
    yield from (("From", one.from_ or ""), ("MessageSid", one.sid), ("NumMedia", count))
    yield from (("NumSegments", str(one.num_segments or "1")), ("SmsMessageSid", one.sid), ("SmsSid", one.sid))
    yield from (("SmsStatus", "received"), ("To", one.to or ""))
    listed = str((one.subresource_uris or {}).get("media") or "")
    for at in range(min(int(count), MOST_MEDIA) if count.isascii() and count.isdigit() else 0):
        yield f"MediaUrl{at}", f"{listed}#{at}"
