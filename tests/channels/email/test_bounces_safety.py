"""No mail can break, stall or deceive the reader of reports."""

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channels.base import DeliveryState
from channels.email.bounces import reports
from channels.email.headers import Head
from channels.email.structure import tree
from tests.channels.email.bounces.formats import FORMS
from tests.channels.email.bounces.making import HOST, OWN, US, group, ours, report, words
from tests.channels.email.bounces.oddities import SAMPLES
from tests.channels.email.test_bounces import read

ANN = "ann@lake.example.org"
ALL = [sample.raw for sample in SAMPLES] + [form(ANN, "550 5.1.1 unknown") for form in FORMS.values()]


def feedback(kind: str, more: str = f"Original-Rcpt-To: <{ANN}>\n") -> bytes:
    return (
        f"From: feedback@carrier.test\nTo: {US}\nSubject: complaint\nMIME-Version: 1.0\n"
        "Content-Type: multipart/report; report-type=feedback-report; boundary=cut\n\n"
        "--cut\nContent-Type: text/plain\n\nThis is a report.\n"
        f"--cut\nContent-Type: message/feedback-report\n\nFeedback-Type: {kind}\nUser-Agent: x/1\nVersion: 1\n{more}\n"
        f"--cut\nContent-Type: message/rfc822\n\n{ours(ANN)}\n--cut--\n"
    ).encode()


@pytest.mark.parametrize("kind", ["abuse", "fraud", "other", "opt-out"])
def test_a_complaint_names_our_mail_and_who_complained(kind: str) -> None:
    (got,) = read(feedback(kind))
    assert (got.complaint, got.recipient, got.own_id, got.state) == (True, ANN, OWN, DeliveryState.SENT)


def test_a_complaint_without_a_name_is_about_whom_we_wrote_to() -> None:
    (got,) = read(feedback("abuse", ""))
    assert (got.complaint, got.recipient) == (True, ANN)


@pytest.mark.parametrize("kind", ["not-spam", "auth-failure"])
def test_praise_and_checks_of_signatures_are_no_complaints(kind: str) -> None:
    assert read(feedback(kind)) == []


RECEIPT = (
    f"From: ann@lake.example.org\nTo: {US}\nSubject: Read: Bins\nMIME-Version: 1.0\n"
    "Content-Type: multipart/report; report-type=disposition-notification; boundary=cut\n\n"
    "--cut\nContent-Type: text/plain\n\nYour message was displayed.\n"
    f"--cut\nContent-Type: message/disposition-notification\n\nFinal-Recipient: rfc822;{ANN}\n"
    "Disposition: manual-action/MDN-sent-manually; displayed\n\n--cut--\n"
).encode()
FORWARDED = words(
    f"Why did this come back?\n\n> Your message could not be delivered to {ANN}: 550 5.1.1 unknown",
    "Fwd: Undeliverable: Re: Bins",
    "ann@lake.example.org",
)


@pytest.mark.parametrize(
    "raw",
    [
        RECEIPT,
        FORWARDED,
        words("I am out of the office until Monday.", "Out of office: Re: Bins", ANN, "Auto-Submitted: auto-replied\n"),
        words("I am away. Write to ben@hill.example.org", "Automatic reply: Bins", f"postmaster@{HOST}"),
        words("My parcel could not be delivered to ann@lake.example.org, user unknown they say", "My parcel", ANN),
        words("My mail to you was rejected: 550 5.1.1 unknown user mayor@riverton.example", "Mail to the mayor", ANN),
        words("Please empty my bin", "Bins", ANN),
    ],
)
def test_other_mail_reports_nothing(raw: bytes) -> None:
    assert read(raw) == []


def test_a_report_never_names_ourselves_or_the_server() -> None:
    assert not {one.recipient for one in read(report(group(US), US))} & {US}
    writer = f"mailer-daemon@{HOST}"
    assert writer not in {one.recipient for one in read(report(group(writer.upper()), ANN))}
    text = words(f"Your message from {US} could not be delivered. Contact postmaster@{HOST}.", "Undeliverable mail")
    assert read(text) == []


def test_a_token_on_the_envelope_is_enough_to_tell_that_something_failed() -> None:
    whole = tree(words("Your message could not be delivered.", "Undelivered Mail Returned to Sender"))
    (got,) = reports(whole.root, Head(whole.root), None, ["help+r.4f2.k3jq7xv2mzp5aaaa@riverton.example"])
    assert (got.recipient, got.own_id, got.state) == ("", "", DeliveryState.UNDELIVERED)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(ALL), st.data())
def test_a_spoilt_report_never_raises(raw: bytes, data: st.DataObject) -> None:
    spoilt = bytearray(raw)
    for _ in range(data.draw(st.integers(1, 12))):
        at = data.draw(st.integers(0, len(spoilt) - 1))
        length = data.draw(st.integers(0, 40))
        spoilt[at : at + length] = data.draw(st.binary(max_size=40))
        spoilt = spoilt or bytearray(b"x")
    for one in read(bytes(spoilt)):
        assert one.error is None or (len(one.error.text) <= 300 and "\n" not in one.error.text)
        assert one.recipient != US


HOSTILE = [
    "a@",
    "a@b.c ",
    "<",
    "(",
    "user ",
    "5.1.1.",
    "550 ",
    "a.",
    "To: ",
    "message ",
    "-",
    "\n<a@b.example.org>:",
    "\n550 x@y.example.org",
    "=",
    "の",
    "delivery ",
    "\n>",
    "user unknown ",
    "mail was ",
    "Final-Recipient: rfc822;a@b.example\n",
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_megabyte_of_anything_is_read_within_a_second(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    for raw in (
        words(text, "Undelivered Mail Returned to Sender"),
        report(text, ANN),
        words("x", text[:2000].replace("\n", " ")),
    ):
        whole = tree(raw)
        head = Head(whole.root)
        start = time.process_time()
        reports(whole.root, head)
        assert time.process_time() - start < 1
