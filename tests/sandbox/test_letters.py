"""Mail between a citizen's mailbox and the desk, over real SMTP."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import aiosmtplib
import httpx
import pytest

from contactcenter.sandbox import SandboxConfig
from tests.sandbox.conftest import Desk, watching

ANA = "ana@citizens.example"
DESK = "help@riverton.example"


async def mailbox(http: httpx.AsyncClient, address: str = ANA) -> list[dict[str, Any]]:
    return list((await http.get(f"/sandbox/mailbox/{address}")).json()["letters"])


async def write(http: httpx.AsyncClient, **letter: Any) -> dict[str, Any]:
    response = await http.post(f"/sandbox/mailbox/{ANA}", json={"to": DESK} | letter)
    return dict(response.raise_for_status().json())


def from_desk(**headers: str) -> EmailMessage:
    mail = EmailMessage(policy=policy.SMTP)
    for name, value in {"From": f"Riverton <{DESK}>", "To": ANA, "Subject": "Your permit", **headers}.items():
        mail[name.replace("_", "-")] = value
    mail.set_content("Please bring the form.\n")
    return mail


async def deliver(sandbox: SandboxConfig, mail: EmailMessage, sender: str = "bounce@riverton.example") -> None:
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=sandbox.smtp_port) as relay:
        await relay.sendmail(sender, [ANA.upper()], mail.as_bytes())


async def test_a_mail_reaches_the_desk_as_it_was_written(
    sandbox: SandboxConfig, desk: Desk, http: httpx.AsyncClient
) -> None:
    subject = "Señal de tráfico caída en la calle Olmo, ¿quién la repara y cuándo?"
    text = "Hola:\n\n.la señal está en el suelo.\n" + "Gracias 🙏 " * 30
    letter = await write(http, subject=subject, text=text)
    assert letter["status"] == "sent"
    [(sender, recipients, raw)] = desk.mails
    assert (sender, recipients) == (ANA, [DESK])
    mail = message_from_bytes(raw, policy=policy.default)
    assert mail["Subject"] == subject
    assert mail["Message-ID"] == letter["message_id"]
    assert mail["Date"].datetime is not None
    assert mail.get_content().replace("\r\n", "\n") == text
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) <= 78


async def test_an_answer_of_the_desk_is_read_with_its_envelope_sender(
    sandbox: SandboxConfig, http: httpx.AsyncClient
) -> None:
    headers = {"Message-ID": "<one@riverton.example>", "Reply_To": "help+r.1.abc@riverton.example"}
    headers["Subject"] = "Señal reparada — " + "muy " * 20 + "pronto"
    await deliver(sandbox, from_desk(**headers))
    [letter] = await mailbox(http)
    assert (letter["direction"], letter["subject"], letter["text"]) == (
        "in",
        headers["Subject"],
        "Please bring the form.",
    )
    assert letter["envelope_from"] == "bounce@riverton.example"
    assert letter["reply_to"] == "help+r.1.abc@riverton.example"
    assert not letter["automatic"]


async def test_a_reply_stays_in_the_thread_and_names_what_it_answers(
    sandbox: SandboxConfig, desk: Desk, http: httpx.AsyncClient
) -> None:
    first = await write(http, subject="Permit", text="What must I bring?")
    await deliver(sandbox, from_desk(Message_ID="<one@riverton.example>", In_Reply_To=first["message_id"]))
    refs = [first["message_id"], "<one@riverton.example>"]
    reply = await write(
        http, subject="Re: Permit", text="Thank you", in_reply_to="<one@riverton.example>", references=refs[:1]
    )
    assert len({letter["thread"] for letter in await mailbox(http)}) == 1
    mail = message_from_bytes(desk.mails[1][2], policy=policy.default)
    assert mail["In-Reply-To"] == "<one@riverton.example>"
    assert mail["References"].split() == refs
    assert reply["refs"] == refs
    await write(http, subject="Something else", text="Hello")
    assert len({letter["thread"] for letter in await mailbox(http)}) == 2


async def test_html_is_never_shown_only_its_words(sandbox: SandboxConfig, http: httpx.AsyncClient) -> None:
    mail = from_desk()
    mail.set_content("<style>p{}</style><p>Bring &lt;two&gt; photos</p><script>steal()</script>", subtype="html")
    mail.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="formulario año.pdf")
    await deliver(sandbox, mail)
    [letter] = await mailbox(http)
    assert letter["text"].split("\n") == ["Bring <two> photos", "[file: formulario año.pdf]"]


async def test_an_automatic_mail_with_an_empty_envelope_sender_is_marked(
    sandbox: SandboxConfig, http: httpx.AsyncClient
) -> None:
    await deliver(sandbox, from_desk(Auto_Submitted="auto-replied"), sender="")
    [letter] = await mailbox(http)
    assert letter["automatic"]
    assert letter["envelope_from"] == ""


async def test_a_desk_that_is_away_gets_the_mail_later(
    sandbox: SandboxConfig, desk: Desk, http: httpx.AsyncClient
) -> None:
    desk.open = False
    letter = await write(http, subject="Hello", text="Anybody?")
    assert letter["status"] == "waiting"
    desk.open = True
    await desk.until(lambda: len(desk.mails) == 1)
    async with watching(http) as news:
        while (await mailbox(http))[0]["status"] != "sent":
            await news.until(f"mailbox:{ANA}")


@pytest.mark.parametrize(
    "raw", [b"", b"\r\n", b"\xff\xfe\x00", b"Subject: =?x?q?=FF?=\r\n\r\nbody", b"From: a\r\n" * 50]
)
async def test_odd_mail_is_kept_and_shown(sandbox: SandboxConfig, http: httpx.AsyncClient, raw: bytes) -> None:
    await aiosmtplib.send(raw, sender="x@y.example", recipients=[ANA], hostname="127.0.0.1", port=sandbox.smtp_port)
    assert len(await mailbox(http)) == 1


@pytest.mark.parametrize("letter", [{"subject": "a\r\nBcc: all@riverton.example"}, {"in_reply_to": "<a>\r\nX: y"}])
async def test_headers_cannot_be_smuggled_in(
    sandbox: SandboxConfig, http: httpx.AsyncClient, letter: dict[str, str]
) -> None:
    response = await http.post(f"/sandbox/mailbox/{ANA}", json={"to": DESK, "text": "Hello"} | letter)
    assert response.status_code == 422
