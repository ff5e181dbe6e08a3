"""Requests as Twilio signs them, computed here from its public description and not with its library."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from urllib.parse import parse_qsl, urlencode

from channels.base import Form, Inbox, WebhookRequest
from tests.channels.sms.recordings import INBOX, TEXT, TOKEN

Pairs = Sequence[tuple[str, str]]
BASE = "https://desk.riverton.example"
HEADER = "x-twilio-signature"
A_TEXT = tuple(TEXT.items())


def signature(url: str, pairs: Pairs, token: str = TOKEN, algorithm: str = "sha1") -> str:
    signed = url + "".join(name + value for name, value in sorted(pairs))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), algorithm).digest()).decode()


def signed(
    pairs: Pairs = A_TEXT,
    rest: str = "messages",
    query: str = "",
    token: str = TOKEN,
    inbox: Inbox = INBOX,
    base: str = BASE,
) -> WebhookRequest:
    url = f"{base}/channels/sms/{inbox.slug}/{rest}" + (f"?{query}" if query else "")
    return request(url, rest, pairs, signature(url, pairs, token), inbox)


def request(url: str, rest: str, pairs: Pairs, header: str, inbox: Inbox = INBOX) -> WebhookRequest:
    headers = {HEADER: header, "content-type": "application/x-www-form-urlencoded; charset=UTF-8"}
    query = Form(parse_qsl(url.partition("?")[2], keep_blank_values=True))
    return WebhookRequest(inbox, "POST", rest, url, headers, query, Form(pairs), urlencode(list(pairs)).encode())


def as_json(body: bytes, query: str) -> WebhookRequest:
    url = f"{BASE}/channels/sms/main/messages" + (f"?{query}" if query else "")
    headers = {HEADER: signature(url, ()), "content-type": "application/json"}
    return WebhookRequest(INBOX, "POST", "messages", url, headers, Form(parse_qsl(query)), Form(), body)


def body_hash(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
