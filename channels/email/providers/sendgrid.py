"""SendGrid's Inbound Parse with the raw mail (https://www.twilio.com/docs/sendgrid/for-developers/parsing-email/setting-up-the-inbound-parse-webhook).

Set ``sendgrid_key``: the public key of the signature policy (base64 of a DER SubjectPublicKeyInfo on P-256), and tick
"POST the raw, full MIME message".
"""

import json
from base64 import b64decode

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from channels.base import BadSignature, Raw, WebhookRequest
from channels.email.providers.forms import fields
from channels.email.providers.kit import Desk, Enclosed, by_content, setting

SIGNATURE = "x-twilio-email-event-webhook-signature"
STAMP = "x-twilio-email-event-webhook-timestamp"
CLOCKS_S = 3 * 24 * 3600  # it goes on trying for three days


def verify(request: WebhookRequest, desk: Desk) -> None:
    """ECDSA over the time stamp and every byte of the body."""
    stamp, given = request.headers.get(STAMP, ""), request.headers.get(SIGNATURE, "")
    public = public_key(setting(request.inbox.config, "sendgrid_key"))
    try:
        public.verify(b64decode(given, validate=True), stamp.encode() + request.body, ec.ECDSA(SHA256()))
    except (InvalidSignature, ValueError) as error:
        raise BadSignature("no valid signature") from error
    if not (stamp.isascii() and stamp.isdigit()) or abs(desk.now.timestamp() - int(stamp[:12])) > CLOCKS_S:
        raise BadSignature("signed too long ago")


def public_key(text: str) -> ec.EllipticCurvePublicKey:
    try:
        key = load_der_public_key(b64decode(text, validate=True))
    except ValueError as error:
        raise BadSignature("sendgrid_key is no public key", 503) from error
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise BadSignature("sendgrid_key is no key on an elliptic curve", 503)
    return key


def key(request: WebhookRequest) -> str:
    form = fields(request.headers.get("content-type", ""), request.body)
    return by_content(form["email"], form.get("envelope", b"").decode("utf-8", "replace"))


def mail(raw: Raw) -> Enclosed:
    form = fields(str(raw.envelope.get("content_type", "")), raw.body)
    if "email" not in form:
        raise ValueError('no raw mail: tick "POST the raw, full MIME message"')
    try:
        envelope = json.loads(form.get("envelope", b"{}"))
        to, sender = envelope.get("to", []), envelope.get("from", "")
    except (ValueError, AttributeError):
        to, sender = [], ""
    return Enclosed(form["email"], str(sender), tuple(str(one) for one in to) if isinstance(to, list) else ())
