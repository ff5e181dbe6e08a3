"""Mail that a provider hands over by HTTP: let in only when signed, and read as if it had come by itself."""

import hmac
import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channels.base import BadSignature, Form, Inbound, Inbox, Raw, Unreadable, WebhookRequest
from channels.email import CHANNEL, parse, providers
from channels.email.providers.forms import fields
from channels.email.providers.kit import Desk
from tests.channels.contract import TOOLS

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MAIL = (
    b"From: Ann <ann@lake.example>\r\nTo: help@riverton.example\r\nMessage-ID: <1@lake.example>\r\nSubject: Bins\r\n"
    b"Content-Type: text/plain; charset=iso-8859-1\r\n\r\nGr\xfc\xdfe\r\n"
)
BORDER = "xYzZY"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:riverton-mail"
CERTIFICATE = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123abcd.pem"
SUBSCRIBE = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=x&Token=y"
EC_KEY = ec.generate_private_key(ec.SECP256R1())
RSA_KEY = rsa.generate_private_key(65537, 2048)


def multipart(parts: Mapping[str, bytes]) -> bytes:
    pieces = [
        f'--{BORDER}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + value + b"\r\n"
        for name, value in parts.items()
    ]
    return b"".join(pieces) + f"--{BORDER}--\r\n".encode()


def request(rest: str, body: bytes, headers: Mapping[str, str], config: Mapping[str, str]) -> WebhookRequest:
    inbox = Inbox(1, "help", "email", "help@riverton.example", "Riverton", config)
    url = f"https://desk.riverton.example/channels/email/help/{rest}"
    return WebhookRequest(inbox, "POST", rest, url, headers, Form(), Form(), body)


@dataclass(frozen=True)
class Case:
    """A signed request, and how the same looks with other parts."""

    name: str
    request: WebhookRequest
    desk: Desk
    spoil: Callable[[WebhookRequest], WebhookRequest]


def mailgun(at: datetime = NOON, *, form: bool = False) -> Case:
    stamp, token = str(int(at.timestamp())).encode(), b"0123456789abcdef"
    signature = hmac.new(b"signing-key", stamp + token, sha256).hexdigest().encode()
    parts = {
        "recipient": b"help@riverton.example", "sender": b"ann@lake.example", "timestamp": stamp, "token": token,
        "signature": signature, "body-mime": MAIL,
    }  # fmt: skip
    kind = "application/x-www-form-urlencoded" if form else f"multipart/form-data; boundary={BORDER}"
    body = urlencode(parts).encode() if form else multipart(parts)
    made = request("mailgun/mime", body, {"content-type": kind}, {"mailgun_key": "signing-key"})
    return Case(
        "mailgun", made, Desk(NOON, lambda _: None), lambda r: replace(r, body=r.body.replace(signature, b"0" * 64))
    )


def sendgrid(at: datetime = NOON) -> Case:
    stamp = str(int(at.timestamp()))
    body = multipart({"email": MAIL, "envelope": b'{"to":["help@riverton.example"],"from":"ann@lake.example"}'})
    signature = b64encode(EC_KEY.sign(stamp.encode() + body, ec.ECDSA(SHA256()))).decode()
    headers = {
        "content-type": f"multipart/form-data; boundary={BORDER}",
        "x-twilio-email-event-webhook-signature": signature, "x-twilio-email-event-webhook-timestamp": stamp,
    }  # fmt: skip
    public = b64encode(EC_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
    made = request("sendgrid", body, headers, {"sendgrid_key": public})
    return Case("sendgrid", made, Desk(NOON, lambda _: None), lambda r: replace(r, body=r.body + b"x"))


def postmark() -> Case:
    said = {
        "MessageID": "a8c1040e-db1c-4e18-ac79-bc5f64c7ce2c", "From": "ann@lake.example",
        "OriginalRecipient": "help@riverton.example", "RawEmail": MAIL.decode("latin-1"),
    }  # fmt: skip
    headers = {"content-type": "application/json", "authorization": "Basic " + b64encode(b"desk:lamp").decode()}
    made = request(
        "postmark", json.dumps(said).encode(), headers, {"postmark_user": "desk", "postmark_password": "lamp"}
    )
    wrong = {"authorization": "Basic " + b64encode(b"desk:guess").decode()}
    return Case("postmark", made, Desk(NOON, lambda _: None), lambda r: replace(r, headers={**r.headers, **wrong}))


def certificate() -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sns")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(RSA_KEY.public_key())
    made = made.serial_number(1).not_valid_before(NOON - timedelta(days=1)).not_valid_after(NOON + timedelta(days=9))
    return made.sign(RSA_KEY, SHA256()).public_bytes(Encoding.PEM)


def signed(said: dict[str, Any], names: tuple[str, ...], version: str = "2") -> dict[str, Any]:
    text = "".join(f"{name}\n{said[name]}\n" for name in names if name in said)
    digest = SHA256() if version == "2" else SHA1()
    signature = b64encode(RSA_KEY.sign(text.encode(), PKCS1v15(), digest)).decode()
    return said | {"Signature": signature, "SignatureVersion": version, "SigningCertURL": CERTIFICATE}


def ses(version: str = "2", fetch: Callable[[str], bytes | None] | None = None) -> Case:
    message = {
        "notificationType": "Received", "mail": {"source": "ann@lake.example", "messageId": "m-1"},
        "receipt": {"recipients": ["help@riverton.example"], "action": {"type": "SNS", "encoding": "BASE64"}},
        "content": b64encode(MAIL).decode(),
    }  # fmt: skip
    said = {
        "Type": "Notification", "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324", "TopicArn": TOPIC, "Subject": "Mail",
        "Message": json.dumps(message), "Timestamp": "2026-03-02T12:00:00.000Z",
    }  # fmt: skip
    whole = signed(said, ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"), version)
    made = request("ses", json.dumps(whole).encode(), {"content-type": "text/plain"}, {"ses_topic": TOPIC})
    got = fetch or (lambda _: certificate())
    return Case("ses", made, Desk(NOON, got), lambda r: replace(r, body=r.body.replace(b"22b80b92", b"22b80b93")))


def noted(asked: list[str]) -> Callable[[str], bytes]:
    def fetch(url: str) -> bytes:
        asked.append(url)
        return certificate()

    return fetch


CASES = [mailgun(), mailgun(form=True), sendgrid(), postmark(), ses(), ses("1")]
each = pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.name))


def stored(asked: WebhookRequest) -> Raw:
    envelope = {"rest": asked.rest, "content_type": asked.headers.get("content-type", "")}
    return Raw("email:help", "k", asked.inbox, envelope, NOON, asked.body)


@each
def test_a_signed_mail_is_let_in_and_read_as_it_was_written(case: Case) -> None:
    providers.verify(case.request, case.desk)
    (item,) = parse(stored(case.request))
    assert isinstance(item, Inbound)
    assert (item.sender.canonical, item.subject, item.external_id) == ("ann@lake.example", "Bins", "<1@lake.example>")
    if case.name != "postmark":  # it hands mail over as text, so bytes that were none are lost there
        assert item.text.strip() == "Grüße"


@each
def test_a_mail_that_was_tampered_with_is_refused(case: Case) -> None:
    with pytest.raises(BadSignature):
        providers.verify(case.spoil(case.request), case.desk)


@each
def test_without_a_secret_there_is_no_door(case: Case) -> None:
    bare = replace(case.request, inbox=replace(case.request.inbox, config={}))
    with pytest.raises(BadSignature) as caught:
        providers.verify(bare, case.desk)
    assert caught.value.status == 404


@each
def test_the_same_mail_again_has_the_same_key_and_another_mail_another(case: Case) -> None:
    key = providers.key(case.request)
    assert key == providers.key(case.request)
    assert key.startswith(case.name + ":")
    other = case.request.body
    for mine, theirs in ((b"Bins", b"Lamp"), (b"22b80b92", b"22b80b93"), (b"a8c1040e", b"a8c1040f")):
        other = other.replace(mine, theirs)
    assert key != providers.key(replace(case.request, body=other))


def test_an_old_signature_opens_nothing() -> None:
    for case in (mailgun(NOON - timedelta(days=2)), sendgrid(NOON - timedelta(days=4))):
        with pytest.raises(BadSignature, match="too long ago"):
            providers.verify(case.request, case.desk)


def test_a_wrong_password_never_tells_postmark_to_give_up() -> None:
    case = postmark()
    with pytest.raises(BadSignature) as caught:
        providers.verify(case.spoil(case.request), case.desk)
    assert caught.value.status == 401


def test_amazon_comes_again_while_its_certificate_is_fetched() -> None:
    case = ses(fetch=lambda _: None)
    with pytest.raises(BadSignature) as caught:
        providers.verify(case.request, case.desk)
    assert caught.value.status == 503


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-1.pem",
        "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem",
        "https://evil.example/SimpleNotificationService-1.pem",
        "https://sns.eu-west-1.amazonaws.com@evil.example/SimpleNotificationService-1.pem",
        "https://bucket.s3.amazonaws.com/SimpleNotificationService-1.pem",
    ],
)
def test_a_certificate_is_fetched_from_amazon_alone(elsewhere: str) -> None:
    asked: list[str] = []
    case = ses(fetch=noted(asked))
    with pytest.raises(BadSignature):
        providers.verify(
            replace(case.request, body=case.request.body.replace(CERTIFICATE.encode(), elsewhere.encode())), case.desk
        )
    assert asked == []


def test_a_subscription_is_confirmed_only_after_its_signature_was_checked() -> None:
    said = {
        "Type": "SubscriptionConfirmation", "MessageId": "m", "TopicArn": TOPIC, "Message": "confirm", "Token": "t",
        "SubscribeURL": SUBSCRIBE, "Timestamp": "2026-03-02T12:00:00.000Z",
    }  # fmt: skip
    names = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
    asked: list[str] = []
    desk = Desk(NOON, noted(asked))
    good = request("ses", json.dumps(signed(said, names)).encode(), {}, {"ses_topic": TOPIC})
    with pytest.raises(BadSignature):
        providers.verify(replace(good, body=good.body.replace(b'"confirm"', b'"changed"')), desk)
    assert SUBSCRIBE not in asked
    providers.verify(good, desk)
    assert asked[-1] == SUBSCRIBE
    assert isinstance(parse(stored(good))[0], Unreadable)


def test_a_mail_that_lies_in_a_bucket_is_shown_and_says_what_to_change() -> None:
    body = json.dumps({"Type": "Notification", "Message": json.dumps({"receipt": {"action": {"type": "S3"}}})}).encode()
    (item,) = parse(stored(request("ses", body, {}, {})))
    assert isinstance(item, Unreadable)
    assert "bucket" in item.reason


def test_a_secret_lies_in_a_file_and_a_missing_file_is_our_fault(tmp_path: Path) -> None:
    case, kept = mailgun(), tmp_path / "key"
    by_file = replace(case.request, inbox=replace(case.request.inbox, config={"mailgun_key_file": str(kept)}))
    with pytest.raises(BadSignature) as caught:
        providers.verify(by_file, case.desk)
    assert caught.value.status == 503
    kept.write_text("signing-key\n")
    providers.verify(by_file, case.desk)


def test_a_form_gives_every_byte_of_a_field() -> None:
    body = bytes(range(256)) * 20
    assert fields(f"multipart/form-data; boundary={BORDER}", multipart({"a": body, "b": b""})) == {"a": body, "b": b""}
    assert fields("application/x-www-form-urlencoded", urlencode({"a": body}).encode()) == {"a": body}


KINDS = [
    "",
    "application/json",
    f"multipart/form-data; boundary={BORDER}",
    "multipart/form-data",
    "text/plain; boundary=\xff",
]
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@quick
@given(
    rest=st.sampled_from(["mailgun/mime", "sendgrid", "postmark", "ses", "kit", "forms", "", "../base", "x" * 300]),
    body=st.one_of(st.binary(max_size=400), st.sampled_from([case.request.body for case in CASES])),
    cut=st.integers(0, 400),
    kind=st.sampled_from(KINDS),
)
def test_a_stranger_is_refused_and_any_request_has_a_key(rest: str, body: bytes, cut: int, kind: str) -> None:
    config = {
        **CASES[0].request.inbox.config,
        **CASES[2].request.inbox.config,
        **CASES[3].request.inbox.config,
        "ses_topic": TOPIC,
    }
    asked = request(rest, body[: len(body) - cut], {"content-type": kind, "authorization": "Basic ///"}, config)
    channel = CHANNEL.from_env({"SMTP_RELAY": "127.0.0.1:1"}, TOOLS)
    assert channel is not None
    if not (cut == 0 and rest.partition("/")[0] in ("mailgun", "ses")):
        with pytest.raises(BadSignature):
            channel.verify(asked)
    assert channel.key(asked) == channel.key(asked) != ""
    for item in channel.parse(stored(asked)):
        assert item is not None
