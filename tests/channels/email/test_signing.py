"""The signature by which a citizen's mail server knows our mail."""

from datetime import UTC, datetime
from pathlib import Path

import dkim  # type: ignore[import-untyped]  # ships no types
import pytest

from channels.email.signing import Seal, seal_of
from channels.email.writing import render
from tests.channels.email.keys import key_pair
from tests.channels.email.mails import answer
from tests.channels.email.relay import FakeRelay, sending_to

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def seal() -> Seal:
    return Seal(b"riverton.example", b"desk1", key_pair()[0])


def verifies(mail: bytes) -> bool:
    asked: list[bytes] = []

    def record(name: bytes, timeout: int = 5) -> bytes:
        asked.append(name)
        return key_pair()[1]

    good: bool = dkim.verify(mail, dnsfunc=record, minkey=1024)
    assert asked == [b"desk1._domainkey.riverton.example."]
    return good


def wire(**changes: object) -> bytes:
    return render(answer(**changes), b"secret", NOW)


async def test_what_arrives_at_the_relay_carries_a_signature_that_verifies(relay: FakeRelay) -> None:
    long = tuple(f"<{'r' * 70}{n:02}@prod.example>" for n in range(10))
    async with sending_to(relay, seal=seal()) as sender:
        await sender.send(
            answer(), wire(text="Grüße — ¿qué tal? " * 200, references=long, subject="Licencia renovación 日本")
        )
    content = relay.taken[0].original_content
    assert isinstance(content, bytes)
    assert content.startswith(b"DKIM-Signature: ")
    assert verifies(content)


@pytest.mark.parametrize("name", [b"From", b"Subject", b"Date", b"To", b"Cc", b"Reply-To", b"Message-ID"])
def test_a_second_header_put_before_ours_breaks_the_signature(name: bytes) -> None:
    mail = seal().sign(wire())
    assert verifies(mail)
    assert not verifies(name + b": mallory@evil.example\r\n" + mail)


def test_a_sentence_added_at_the_end_breaks_the_signature() -> None:
    mail = seal().sign(wire())
    assert b"; l=" not in mail.partition(b"\r\n\r\n")[0]
    assert not verifies(mail + b"Pay here.\r\n")


def test_without_a_key_nothing_is_signed_and_half_a_setting_is_refused(tmp_path: Path) -> None:
    assert seal_of({}) is None
    with pytest.raises(ValueError, match="set all of"):
        seal_of({"DKIM_DOMAIN": "riverton.example"})
    nonsense = tmp_path / "key.pem"
    nonsense.write_text("no key")
    whole = {"DKIM_DOMAIN": "riverton.example", "DKIM_SELECTOR": "desk1", "DKIM_KEY_FILE": str(nonsense)}
    with pytest.raises(ValueError, match="RSA key"):
        seal_of(whole)
    nonsense.write_bytes(key_pair()[0])
    made = seal_of(whole)
    assert made is not None
    assert verifies(made.sign(wire()))
