"""Postmark's inbound webhook with the raw mail (https://postmarkapp.com/developer/webhooks/inbound-webhook).

Postmark signs nothing: put a user and password into the webhook's address (``https://user:password@host/...``) and set
``postmark_user`` and ``postmark_password_file``; tick "Include raw email content in JSON payload". It takes 403 for "never
again", so a wrong password is answered with 401: while it is being changed no mail may be lost.
"""

import binascii
import hmac
import json
from base64 import b64decode
from typing import Any

from channels.base import BadSignature, Raw, WebhookRequest
from channels.email.providers.kit import Desk, Enclosed, setting


def verify(request: WebhookRequest, desk: Desk) -> None:
    user, password = (setting(request.inbox.config, name) for name in ("postmark_user", "postmark_password"))
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    try:
        told = b64decode(given, validate=True)
    except (binascii.Error, ValueError):
        told = b""
    if kind.lower() != "basic" or not hmac.compare_digest(told, f"{user}:{password}".encode()):
        raise BadSignature("wrong user or password", 401)


def key(request: WebhookRequest) -> str:
    return str(payload(request.body)["MessageID"])[:200]


def mail(raw: Raw) -> Enclosed:
    said = payload(raw.body)
    if not said.get("RawEmail"):
        raise ValueError('no RawEmail: tick "Include raw email content in JSON payload"')
    to = str(said.get("OriginalRecipient") or "")
    return Enclosed(
        str(said["RawEmail"]).encode("utf-8", "surrogateescape"), str(said.get("From") or ""), (to,) if to else ()
    )


def payload(body: bytes) -> dict[str, Any]:
    said = json.loads(body)
    if not isinstance(said, dict):
        raise ValueError("not an object")
    return said
