"""What Twilio posts, made up for Riverton, with what must be read from it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from channels.base import (
    ConsentChange,
    DeliveryState,
    ErrorClass,
    Inbound,
    Inbox,
    Item,
    Media,
    Proof,
    Raw,
    Receipt,
    SendError,
    Unreadable,
)
from tests.channels.contract import NOON

ACCOUNT = "AC" + "0123456789abcdef" * 2
TOKEN, OLD_TOKEN = "new-token-of-riverton", "old-token-of-riverton"
OURS, ANA = "+15550100100", "+15550100142"
INBOX = Inbox(1, "main", "sms", OURS, "Riverton texts")
OUR_ID = UUID("01890a5d-ac96-774b-bcce-b302099a8057")

TEXT = {
    "ToCountry": "US",
    "ToState": "",
    "SmsMessageSid": "SM00000000000000000000000000000001",
    "NumMedia": "0",
    "SmsSid": "SM00000000000000000000000000000001",
    "SmsStatus": "received",
    "Body": "The light at 5th & Main is out",
    "To": OURS,
    "NumSegments": "1",
    "MessageSid": "SM00000000000000000000000000000001",
    "AccountSid": ACCOUNT,
    "From": ANA,
    "ApiVersion": "2010-04-01",
}
STATUS = {
    "SmsSid": "SM00000000000000000000000000000002",
    "SmsStatus": "delivered",
    "MessageStatus": "delivered",
    "To": ANA,
    "MessageSid": "SM00000000000000000000000000000002",
    "AccountSid": ACCOUNT,
    "From": OURS,
    "ApiVersion": "2010-04-01",
    "RawDlrDoneDate": "2603021201",
}


def recorded(rest: str, fields: Mapping[str, str], query: str = "") -> Raw:
    envelope = {"rest": rest, "content_type": "application/x-www-form-urlencoded; charset=UTF-8", "query": query}
    return Raw("sms:main", f"{rest}:{fields}", INBOX, envelope, NOON, urlencode(fields).encode())


def text(**changes: str) -> Raw:
    return recorded("messages", TEXT | changes)


def status(word: str, query: str = f"m={OUR_ID}", **changes: str) -> Raw:
    return recorded("status", STATUS | {"MessageStatus": word, "SmsStatus": word} | changes, query)


ANA_WROTE: dict[str, Any] = {
    "sender.kind": "phone",
    "sender.raw": ANA,
    "sender.canonical": ANA,
    "sender.proof": Proof.PROVIDER_ATTESTED,
    "external_id": "SM00000000000000000000000000000001",
}
OURS_WENT: dict[str, Any] = {"provider_id": "SM00000000000000000000000000000002", "message_id": OUR_ID}


PICTURE = f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages/MM01/Media/ME01"
NO_MEDIA: dict[str, Any] = {"media": (), "hints.answered": False}


def revoked(words: str) -> tuple[type[Item], dict[str, Any]]:
    return ConsentChange, {"state": "revoked", "evidence": words, "address.canonical": ANA}


RECORDINGS: list[tuple[Raw, list[tuple[type[Item], dict[str, Any]]]]] = [
    (text(), [(Inbound, ANA_WROTE | {"text": "The light at 5th & Main is out"})]),
    (text(Body="¿Cuándo abren?\r\nGracias 🙏"), [(Inbound, {"text": "¿Cuándo abren?\nGracias 🙏"})]),
    (text(From="15550100142"), [(Inbound, {"sender.raw": "15550100142", "sender.canonical": ANA})]),
    (text(From="77777"), [(Inbound, {"sender.canonical": "77777"})]),
    (text(From="+5215512345678"), [(Inbound, {"sender.raw": "+5215512345678"})]),
    (text(From="RIVERTON"), [(Inbound, {"sender.canonical": "RIVERTON"})]),
    (text(From="not a number at all"), [(Inbound, {"sender.canonical": "not a number at all"})]),
    (
        text(Body="Look", NumMedia="2", MediaContentType0="Image/JPEG; x=y", MediaContentType1="", MediaUrl0=PICTURE),
        [(Inbound, {"text": "Look", "media": (Media(PICTURE, "image/jpeg"), Media(""))})],
    ),
    (text(Body="", NumMedia="1", MediaUrl0=PICTURE), [(Inbound, {"text": "", "media": (Media(PICTURE),)})]),
    (text(NumMedia="many", MediaUrl0=PICTURE), [(Inbound, NO_MEDIA)]),
    (text(Body="Here", Latitude="40.7128", Longitude="-74.006"), [(Inbound, {"text": "Here\n(40.7128, -74.006)"})]),
    (text(Body="Please stop texting me"), [(ConsentChange, {"state": "doubted"}), (Inbound, NO_MEDIA)]),
    (
        text(Body="Ya no me manden más mensajes"),
        [(ConsentChange, {"state": "doubted", "evidence": "Ya no me manden más mensajes"}), (Inbound, NO_MEDIA)],
    ),
    (text(Body="STOP"), [revoked("STOP"), (Inbound, ANA_WROTE | {"text": "STOP"})]),
    (text(Body="¡Alto!"), [revoked("¡Alto!"), (Inbound, {"text": "¡Alto!"})]),
    (text(Body="no more", OptOutType="STOP"), [revoked("no more"), (Inbound, {"hints.answered": True})]),
    (text(Body="Start."), [(ConsentChange, {"state": "given"}), (Inbound, {"text": "Start."})]),
    (text(Body="HELP", OptOutType="HELP"), [(Inbound, {"text": "HELP", "hints.answered": True})]),
    (text(Body="stop", OptOutType="HELP"), [(Inbound, {"hints.answered": True})]),
    (recorded("fallback", TEXT | {"ErrorCode": "11200"}), [(Inbound, ANA_WROTE)]),
    (text(MessageSid=""), [(Unreadable, {"reason": "no message id"})]),
    (text(From=" "), [(Unreadable, {"reason": "no sender", "seen": "The light at 5th & Main is out"})]),
    (status("delivered"), [(Receipt, OURS_WENT | {"state": DeliveryState.DELIVERED, "error": None})]),
    (status("sent", query=""), [(Receipt, {"state": DeliveryState.SENT, "message_id": None})]),
    (status("read", query="m=nonsense"), [(Receipt, {"state": DeliveryState.READ, "message_id": None})]),
    (
        status("undelivered", ErrorCode="30003"),
        [(Receipt, OURS_WENT | {"error": SendError(ErrorClass.UNREACHABLE, "30003")})],
    ),
    (
        status("failed", ErrorCode="39999", ErrorMessage="Something new"),
        [(Receipt, {"state": DeliveryState.FAILED, "error": SendError(ErrorClass.UNKNOWN, "39999", "Something new")})],
    ),
    (
        status("teleported"),
        [(Receipt, {"state": DeliveryState.UNKNOWN, "error": SendError(ErrorClass.UNKNOWN, "", "teleported")})],
    ),
]
