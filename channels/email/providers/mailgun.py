"""Mailgun's routes with an address that ends in ``mime`` (https://documentation.mailgun.com/docs/mailgun/user-manual/receive-forward-store).

Set ``mailgun_key_file``: the webhook signing key. Mailgun tries again for eight hours on any answer but 200 and 406.
"""

import hmac
from datetime import timedelta
from hashlib import sha256

from channels.base import BadSignature, Raw, WebhookRequest
from channels.email.providers.forms import fields
from channels.email.providers.kit import Desk, Enclosed, by_content, setting

CLOCKS = timedelta(days=1)


def verify(request: WebhookRequest, desk: Desk) -> None:
    """HMAC-SHA256 of timestamp and token under the key; the body itself is not signed, the line must be TLS."""
    key = setting(request.inbox.config, "mailgun_key")
    try:
        form = fields(request.headers.get("content-type", ""), request.body)
    except ValueError as error:
        raise BadSignature("not a form") from error
    stamp, token, given = (form.get(name, b"") for name in ("timestamp", "token", "signature"))
    wanted = hmac.new(key.encode(), stamp + token, sha256).hexdigest().encode()
    if not token or not hmac.compare_digest(given.lower(), wanted):
        raise BadSignature("no valid signature")
    if not stamp.isdigit() or abs(desk.now.timestamp() - int(stamp[:12])) > CLOCKS.total_seconds():
        raise BadSignature("signed too long ago")


def key(request: WebhookRequest) -> str:
    form = fields(request.headers.get("content-type", ""), request.body)
    return by_content(form["body-mime"], form.get("recipient", b"").decode("utf-8", "replace"))


def mail(raw: Raw) -> Enclosed:
    form = fields(str(raw.envelope.get("content_type", "")), raw.body)
    if "body-mime" not in form:
        raise ValueError("no body-mime: the route's address must end in /mime")
    to = form.get("recipient", b"").decode("utf-8", "replace")
    return Enclosed(form["body-mime"], form.get("sender", b"").decode("utf-8", "replace"), (to,) if to else ())
