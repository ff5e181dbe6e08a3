"""Mail keeps the promises of every channel."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from channels.base import Channel, ErrorClass, Inbound, Proof, TryLater, Undeliverable, Unreadable, Unsure
from channels.email import CHANNEL
from channels.email.domains import Domains
from tests.channels.contract import TOOLS, ChannelContract, Expected, ProviderSays
from tests.channels.email.mails import TOKEN, answer, mail, multipart, raw
from tests.channels.email.relay import FakeRelay

ALTERNATIVE, ALTERNATIVE_BODY = multipart(
    "alternative",
    "Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nGr=FC=DFe",
    "Content-Type: text/html; charset=utf-8\r\n\r\n<p>Grüße</p><img src='https://spy.example/x.gif'>",
)
FIRST: Expected = [
    (
        Inbound,
        {
            "sender.canonical": "ann@lake.example",
            "sender.name": "Ann Lake",
            "sender.proof": Proof.CLAIMED,
            "subject": "Bins",
            "text": "My bins were not emptied.",
            "external_id": "<1@lake.example>",
            "sent_at_claimed": datetime(2026, 3, 2, 9, 15, tzinfo=UTC),
            "automation": "none",
            "files": (),
            "truncated": False,
        },
    )
]
REPLY: Expected = [
    (
        Inbound,
        {
            "text_visible": "Thank you!",
            "hints.reply_token": TOKEN,
            "hints.references": ("<c.2@riverton.example>", "<1@lake.example>"),
            "subject": "Re: Bins",
        },
    )
]
BOUNCE: Expected = [(Inbound, {"automation": "bounce", "sender.canonical": "mailer-daemon@lake.example"})]
NO_SENDER: Expected = [(Unreadable, {"reason": "no sender"})]


class TestMail(ChannelContract):
    channel_class = CHANNEL
    outbound = answer(own_id="")
    recordings = (
        (raw(mail("My bins were not emptied.", date="Mon, 2 Mar 2026 10:15:00 +0100")), FIRST),
        (
            raw(
                mail(
                    "Thank you!\r\n\r\nOn Mon, Mar 2, 2026 at 1:30 PM Maria via Riverton wrote:\r\n> Dear Ann\r\n",
                    to=f"Riverton <help+{TOKEN}@riverton.example>",
                    subject="Re: Bins",
                    in_reply_to="<c.2@riverton.example>",
                    references="<1@lake.example>\r\n <c.2@riverton.example>",
                )
            ),
            REPLY,
        ),
        (
            raw(mail(ALTERNATIVE_BODY, content_type=ALTERNATIVE)),
            [(Inbound, {"text": "Grüße", "html": '<p>Grüße</p><img data-remote="https://spy.example/x.gif">'})],
        ),
        (
            raw(
                mail(
                    multipart("report", "\r\nno such user")[1],
                    content_type=multipart("report; report-type=delivery-status")[0],
                    **{"from": "MAILER-DAEMON@lake.example"},
                ),
                {"from": "", "to": ["help@riverton.example"]},
            ),
            BOUNCE,
        ),
        (raw(b"\xff\x00 nothing", {"from": "", "to": []}), NO_SENDER),
    )
    refusals = (
        (("RCPT", "421 4.3.2 closing"), TryLater, ErrorClass.THROTTLED),
        (("RCPT", "450 4.2.0 greylisted"), TryLater, ErrorClass.UNREACHABLE),
        (("RCPT", "451 4.7.1 slow down"), TryLater, ErrorClass.THROTTLED),
        (("RCPT", "550 5.1.1 no such user"), Undeliverable, ErrorClass.BAD_ADDRESS),
        (("RCPT", "550 5.1.8 your domain does not exist"), Undeliverable, ErrorClass.SENDER),
        (("RCPT", "552 5.2.2 mailbox full"), Undeliverable, ErrorClass.UNREACHABLE),
        (("RCPT", "550 5.7.1 not allowed"), Undeliverable, ErrorClass.SENDER),
        (("RCPT", "550 go away"), Undeliverable, ErrorClass.UNKNOWN),
        (("DATA", "451 4.3.0 disk full"), TryLater, ErrorClass.UNREACHABLE),
        (("DATA", "552 too big"), Undeliverable, ErrorClass.CONTENT),
        (("DATA", "554 5.6.0 cannot read this"), Undeliverable, ErrorClass.CONTENT),
        (("DATA", "530 authenticate first"), Undeliverable, ErrorClass.SENDER),
        (("CUT AT CONNECT", None), TryLater, ErrorClass.UNREACHABLE),
        (("CUT AT RCPT", None), TryLater, ErrorClass.UNREACHABLE),
        (("CUT BEFORE DOT", None), Unsure, None),
        (("CUT AFTER DOT", None), Unsure, None),
    )

    @pytest.fixture
    async def channel(self, relay: FakeRelay) -> AsyncIterator[Channel]:
        made = CHANNEL.from_env({"SMTP_RELAY": f"127.0.0.1:{relay.port}", "SMTP_SECURITY": "none"}, TOOLS)
        assert made is not None
        yield made
        await made.close()

    @pytest.fixture
    def provider_says(self, relay: FakeRelay, channel: Channel) -> ProviderSays:
        async def says(what: tuple[str, str | None]) -> None:
            assert isinstance(channel, CHANNEL) and channel._relay is not None
            channel._relay._domains = Domains()  # after the rest that a domain asked for
            relay.answer(*what)

        return says


@pytest.mark.parametrize(
    "settings",
    [
        {"SMTP_RELAY": "relay"},
        {"SMTP_RELAY": "relay:25", "SMTP_SECURITY": "perhaps"},
        {"MAIL_LISTEN": "lmtp:24"},
        {"SMTP_RELAY": "relay:25", "MAIL_DOMAIN": "not a domain"},
    ],
)
def test_a_setting_without_sense_is_named_at_the_start(settings: dict[str, str]) -> None:
    with pytest.raises(ValueError):
        CHANNEL.from_env(settings, TOOLS)
