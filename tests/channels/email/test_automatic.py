"""Mail of programs is known for what it is, and mail of people is not taken for it."""

import pytest

from tests.channels.email.mails import mail, read

OURS = {"from": "ann@lake.example", "to": ["help@riverton.example"]}


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({"auto_submitted": "auto-replied"}, "auto_reply"),
        ({"auto_submitted": "auto-generated (cron); x=y"}, "notification"),
        ({"auto_submitted": "no"}, "none"),
        ({"precedence": "bulk"}, "bulk"),
        ({"precedence": "auto_reply"}, "auto_reply"),
        ({"precedence": "first-class"}, "none"),
        ({"x_autoreply": "yes"}, "auto_reply"),
        ({"list_unsubscribe": "<mailto:x@y.example>"}, "bulk"),
        ({"x_loop": "1"}, "unknown"),
        ({"return_path": "<>"}, "unknown"),
        ({"x_auto_response_suppress": "All"}, "none"),
        ({"content_type": "multipart/report; report-type=delivery-status; boundary=b"}, "bounce"),
        ({"content_type": "multipart/report; report-type=disposition-notification; boundary=b"}, "notification"),
        ({"from": "MAILER-DAEMON@lake.example", "subject": "Undelivered Mail Returned to Sender"}, "bounce"),
        ({"from": "no-reply@shop.example"}, "notification"),
        ({"from": "noreply+77@shop.example"}, "notification"),
        ({"from": "norepley.jones@shop.example"}, "none"),
        ({"subject": "Automatic reply: Bins"}, "auto_reply"),
        ({"subject": "Out of Office: Bins"}, "auto_reply"),
        ({"subject": "Respuesta automática: Basura"}, "auto_reply"),
        ({"subject": "Fuera de la oficina Re: Basura"}, "auto_reply"),
        ({"subject": "Read: Bins"}, "notification"),
    ],
)
def test_automatic_mail_is_flagged(headers: dict[str, str], kind: str) -> None:
    got = read(mail(**headers), OURS)
    assert got.automation == kind
    assert bool(got.signals) == (kind != "none")


@pytest.mark.parametrize(
    "subject",
    [
        "My parcel could not be delivered",
        "On vacation rental licences",
        "I am out of heating oil",
        "Ausente de clase mi hijo",
        "Re: Automatic reply: what does this mean?",
        "Office hours",
        "Reading room",
    ],
)
def test_a_citizen_is_not_taken_for_a_machine(subject: str) -> None:
    assert read(mail(subject=subject)).automation == "none"


def test_an_empty_sender_on_the_envelope_is_a_signal() -> None:
    got = read(mail(subject="Mail delivery failed"), {"from": "", "to": []})
    assert got.automation == "bounce"
    assert "null-sender" in got.signals
