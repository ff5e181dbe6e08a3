"""Amazon SES over SNS (https://docs.aws.amazon.com/ses/latest/dg/receiving-email-notifications-contents.html).

Set ``ses_topic``: the ARN of the topic. The rule's action is SNS with the mail in the notification (150 kB at most) and Base64
as its encoding. A mail that the rule puts into a bucket is shown as unreadable: it is not fetched from there.
"""

import json
import re
from base64 import b64decode
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.x509 import load_pem_x509_certificate

from channels.base import BadSignature, Raw, WebhookRequest
from channels.email.providers.kit import Desk, Enclosed, setting

HOST = r"https://sns\.[a-z0-9-]{1,40}\.amazonaws\.com(?:\.cn)?"
CERTIFICATE = re.compile(HOST + r"/SimpleNotificationService-[0-9A-Za-z]{1,80}\.pem")
SUBSCRIBE = re.compile(HOST + r"/\?Action=ConfirmSubscription&[\x21-\x7e]{1,2000}")
# https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message-verify-message-signature.html
SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}


def verify(request: WebhookRequest, desk: Desk) -> None:
    """The signature of SNS under the certificate it names, which must lie with SNS; then a subscription is confirmed.

    While the certificate is being fetched the answer is 503: SNS comes again.
    """
    topic = setting(request.inbox.config, "ses_topic")
    said = payload(request.body)
    if said.get("TopicArn") != topic:
        raise BadSignature("another topic")
    where = str(said.get("SigningCertURL", ""))
    if said.get("Type") not in SIGNED or not CERTIFICATE.fullmatch(where):
        raise BadSignature("no valid signature")
    certificate = desk.fetch(where)
    if certificate is None:
        raise BadSignature("the certificate is being fetched", 503)
    check(said, certificate)
    if said["Type"] == "SubscriptionConfirmation" and SUBSCRIBE.fullmatch(str(said.get("SubscribeURL", ""))):
        desk.fetch(str(said["SubscribeURL"]))


def check(said: dict[str, Any], certificate: bytes) -> None:
    names = [name for name in SIGNED[said["Type"]] if name in said]
    text = "".join(f"{name}\n{said[name]}\n" for name in names)
    digest = SHA256() if said.get("SignatureVersion") == "2" else SHA1()  # noqa: S303 - version 1 of the provider's signatures
    try:
        public = load_pem_x509_certificate(certificate).public_key()
        if not isinstance(public, RSAPublicKey):
            raise BadSignature("no valid signature")
        public.verify(b64decode(str(said.get("Signature", "")), validate=True), text.encode(), PKCS1v15(), digest)
    except (InvalidSignature, ValueError) as error:
        raise BadSignature("no valid signature") from error


def key(request: WebhookRequest) -> str:
    return str(payload(request.body)["MessageId"])[:200]


def mail(raw: Raw) -> Enclosed:
    said = payload(raw.body)
    if said.get("Type") != "Notification":
        raise ValueError("a confirmation, no mail")
    told = json.loads(str(said.get("Message", "")))
    content = told.get("content") if isinstance(told, dict) else None
    if not isinstance(content, str):
        raise ValueError("the mail is not in the notification: the rule must hand it over to SNS, not to a bucket")
    action, envelope = told.get("receipt", {}).get("action", {}), told.get("mail", {})
    body = b64decode(content) if action.get("encoding") == "BASE64" else content.encode("utf-8", "surrogateescape")
    recipients = told.get("receipt", {}).get("recipients", [])
    return Enclosed(body, str(envelope.get("source", "")), tuple(str(one) for one in recipients))


def payload(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except ValueError as error:
        raise BadSignature("no JSON") from error
    if not isinstance(said, dict):
        raise BadSignature("not an object")
    return said
