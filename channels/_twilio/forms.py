"""Twilio's forms, read: messages of people, what they say about being written to, and receipts. All of it pure."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from channels._twilio.words import error_of, state_of
from channels._wishes import Wish, wish
from channels.base import Address, ConsentChange, ErrorClass, Form, Hints, Inbound, Item, Media, Receipt, Unreadable

MOST_MEDIA = 10
# The names read from a form, by webhook: those that must be there, and those that may. Nothing else is looked at.
_MESSAGE = ("AccountSid", "MessageSid", "From", "To", "Body")
MUST: Mapping[str, tuple[str, ...]] = {
    "messages": _MESSAGE,
    "fallback": _MESSAGE,  # where Twilio turns when the first address fails: the same message, under the same key
    "status": ("AccountSid", "MessageSid", "From", "To", "MessageStatus"),
}
MAY = (
    *("NumMedia", "OptOutType", "ErrorCode", "ErrorMessage"),
    *("ProfileName", "Latitude", "Longitude", "Address", "Label"),
    *(f"{name}{at}" for at in range(MOST_MEDIA) for name in ("MediaUrl", "MediaContentType")),
)
KEYS = {
    "messages": ("AccountSid", "MessageSid"),
    "fallback": ("AccountSid", "MessageSid"),
    "status": ("MessageSid", "MessageStatus", "ErrorCode"),
}
# What Twilio says it did with a word, in whatever language the agency taught it.
OPT_OUT_TYPES: Mapping[str, Wish | None] = {"STOP": "revoked", "START": "given", "HELP": None}
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def key_of(form: Form, rest: str) -> str:
    """The dedupe key, empty where the fields for it are missing or odd."""
    values = [form.get(name) for name in KEYS.get(rest, ())]
    whole = all(values[:2]) and re.fullmatch(r"[\w-]{1,120}", "".join(values), re.ASCII)
    return ":".join(values) if whole else ""


def clean(text: str) -> str:
    return CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def message(form: Form, sid: str, sender: Address, envelope: Mapping[str, Any]) -> list[Item]:
    """A text of a person, and before it what it changes for those who would write to them."""
    text = "\n".join(filter(None, (clean(form.get("Body")), _place(form))))
    if not sender.canonical:
        return [Unreadable("no sender", text)]
    told = form.get("OptOutType").strip().upper()
    inbound = Inbound(
        sender,
        text,
        sid,
        digest=sha256(text.encode()).digest(),
        sent_at_claimed=_moment(envelope.get("sent_at")),
        media=_media(form),
        hints=Hints(answered=told in OPT_OUT_TYPES),
    )
    state = OPT_OUT_TYPES[told] if told in OPT_OUT_TYPES else wish(text)
    return [ConsentChange(sender, state, text), inbound] if state else [inbound]


def _place(form: Form) -> str:
    """A shared place, as a line that can be pasted into a map: "Town Hall, Main St 1 (40.7128, -74.006)"."""
    if not form.get("Latitude"):
        return ""
    where = [clean(form.get(name)).strip() for name in ("Latitude", "Longitude")]
    if not all(re.fullmatch(r"-?\d{1,3}(\.\d{1,15})?", value, re.ASCII) for value in where):
        return ""
    words = dict.fromkeys(clean(form.get(name)).strip() for name in ("Label", "Address"))
    return " ".join(filter(None, (", ".join(filter(None, words)), f"({', '.join(where)})")))


def _media(form: Form) -> tuple[Media, ...]:
    """Each picture or file that came with the text, also one without an address: the citizen believes that we have seen it."""
    count = form.get("NumMedia")
    many = min(int(count), MOST_MEDIA) if re.fullmatch(r"\d{1,3}", count, re.ASCII) else 0
    fields = (("MediaUrl", "MediaContentType", at) for at in range(many))
    return tuple(
        Media(clean(form.get(f"{url}{at}")).strip(), _type(form.get(f"{kind}{at}"))) for url, kind, at in fields
    )


def _type(value: str) -> str:
    bare = value.partition(";")[0].strip().lower()
    return bare if re.fullmatch(r"[\w.+-]+/[\w.+-]+", bare, re.ASCII) else ""


def _moment(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(value or ""))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def receipt(form: Form, sid: str, query: str, errors: Mapping[str, ErrorClass]) -> Receipt:
    status, code = clean(form.get("MessageStatus")), clean(form.get("ErrorCode"))
    error = error_of(status, code, clean(form.get("ErrorMessage")), errors)
    return Receipt(sid, state_of(status), _our_id(query), error)


def _our_id(query: str) -> UUID | None:
    try:
        return UUID(parse_qs(query, max_num_fields=20)["m"][0])
    except (KeyError, ValueError):
        return None
