"""What reaches the relay, byte for byte, and what the desk is told when the relay says no or nothing."""

import asyncio
import secrets
from datetime import UTC, datetime

import pytest

from channels.base import DeliveryState, ErrorClass, TryLater, Undeliverable, Unsure
from channels.email.sending import error_class, send_error
from channels.email.writing import render
from tests.channels.email.mails import TOKEN, answer
from tests.channels.email.relay import FakeRelay, sending_to

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def wire(**changes: object) -> bytes:
    return render(answer(**changes), b"secret", NOW)


async def test_an_answer_arrives_byte_for_byte(relay: FakeRelay) -> None:
    written = wire(text=".\n..two\n.lone dots\nÜber " + "x" * 3000)
    async with sending_to(relay) as sender:
        sent = await sender.send(answer(), written)
    assert relay.taken[0].original_content == written
    assert relay.taken[0].rcpt_tos == ["ann@lake.example"]
    assert (sent.provider_id, sent.state, dict(sent.refused)) == (answer().own_id, DeliveryState.SENT, {})


async def test_thirty_long_ids_keep_every_byte_on_the_wire(relay: FakeRelay) -> None:
    ids = tuple(f"<{secrets.token_hex(32)}@prod.example>" for _ in range(30))
    assert {len(one) for one in ids} == {79}
    ids = tuple(one.replace("@", "-@") for one in ids)
    async with sending_to(relay) as sender:
        for start in range(0, 30, 10):
            await sender.send(answer(), wire(references=ids[start : start + 10], own_id=ids[start]))
    for start, envelope in zip(range(0, 30, 10), relay.taken, strict=True):
        content = envelope.original_content
        assert isinstance(content, bytes)
        assert b"\r\nReferences: " + b"\r\n ".join(one.encode() for one in ids[start : start + 10]) + b"\r\n" in content
        assert b"\r\nMessage-ID: " + ids[start].encode() + b"\r\n" in content
        assert b"\n" not in content.replace(b"\r\n", b"")


async def test_a_bounce_of_a_persons_answer_leads_to_the_ticket(relay: FakeRelay) -> None:
    async with sending_to(relay) as sender:
        await sender.send(answer(), wire())
    assert relay.taken[0].mail_from == f"help+{TOKEN}@riverton.example"


async def test_automatic_mail_can_never_bounce(relay: FakeRelay) -> None:
    async with sending_to(relay) as sender:
        await sender.send(answer(automatic=True), wire(automatic=True))
    assert relay.taken[0].mail_from == "<>"


async def test_a_refused_address_does_not_spoil_the_connection(relay: FakeRelay) -> None:
    async with sending_to(relay) as sender:
        relay.answer("RCPT", "550 5.1.1 no such user")
        with pytest.raises(Undeliverable) as caught:
            await sender.send(answer(), wire())
        relay.answer("RCPT", None)
        await sender.send(answer(), wire())
    assert (caught.value.error.kind, caught.value.error.code) == (ErrorClass.BAD_ADDRESS, "550 5.1.1")
    assert caught.value.error.text == "no such user"
    assert len(relay.taken) == 1
    assert len(relay.connections) == 1


async def test_a_connection_the_relay_has_dropped_is_replaced_unnoticed(relay: FakeRelay) -> None:
    async with sending_to(relay) as sender:
        await sender.send(answer(), wire())
        relay.hang_up()
        await sender.send(answer(), wire())
    assert len(relay.taken) == 2
    assert len(relay.connections) == 2


async def test_a_relay_that_is_silent_after_the_mail_leaves_us_unsure(relay: FakeRelay) -> None:
    relay.answer("SILENT AFTER DOT", None)
    async with sending_to(relay, seconds=0.3) as sender:
        with pytest.raises(Unsure):
            await sender.send(answer(), wire())


async def test_a_relay_that_says_nothing_at_all_has_nothing(relay: FakeRelay) -> None:
    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await relay.silence.wait()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    relay.port = server.sockets[0].getsockname()[1]
    async with sending_to(relay, seconds=0.3) as sender:
        with pytest.raises(TryLater):
            await sender.send(answer(), wire())
    relay.silence.set()
    server.close()
    await server.wait_closed()


async def test_nobody_listens_and_the_mail_waits(relay: FakeRelay) -> None:
    server = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", 0)
    relay.port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    async with sending_to(relay) as sender:
        with pytest.raises(TryLater) as caught:
            await sender.send(answer(), wire())
    assert caught.value.error.kind is ErrorClass.UNREACHABLE


async def test_many_answers_at_once_share_four_connections(relay: FakeRelay) -> None:
    async with sending_to(relay) as sender:
        await asyncio.gather(*(sender.send(answer(), wire()) for _ in range(12)))
    assert len(relay.taken) == 12
    assert len(relay.connections) <= 4


async def test_an_agent_who_leaves_in_the_middle_leaves_no_half_sent_connection(relay: FakeRelay) -> None:
    relay.answer("SILENT AFTER DOT", None)
    async with sending_to(relay) as sender:
        task = asyncio.create_task(sender.send(answer(), wire()))
        while (
            not relay.connections or relay.connections[0].envelope is None or not relay.connections[0].envelope.content
        ):
            await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        relay.answer("RCPT", None)
        await sender.send(answer(), wire())
    assert len(relay.connections) == 2


async def test_an_address_that_cannot_be_one_is_refused_here(relay: FakeRelay) -> None:
    async with sending_to(relay) as sender:
        for address in ("nobody", "a@b@c", "ann@lake.example\r\nBcc: all@lake.example", "Ann <ann@lake.example>", ""):
            with pytest.raises(Undeliverable) as caught:
                await sender.send(answer(to=address), b"")
            assert caught.value.error.kind is ErrorClass.BAD_ADDRESS
    assert not relay.connections


async def test_a_recipient_refused_among_others_is_named(relay: FakeRelay) -> None:
    relay.answer("SECOND", "550 5.1.1 no such user")
    async with sending_to(relay) as sender, sender._line() as line:
        refused, _ = await line.sendmail("help@riverton.example", ["ann@lake.example", "x@lake.example"], wire())
    ((address, (code, text)),) = refused.items()
    assert address == "x@lake.example"
    assert send_error(code, text).kind is ErrorClass.BAD_ADDRESS


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        (550, "5.1.0", ErrorClass.BAD_ADDRESS),
        (550, "5.1.10", ErrorClass.BAD_ADDRESS),
        (550, "5.4.1", ErrorClass.UNKNOWN),
        (550, "5.2.1", ErrorClass.UNREACHABLE),
        (552, "5.3.4", ErrorClass.CONTENT),
        (550, "5.7.26", ErrorClass.SENDER),
        (535, "5.7.8", ErrorClass.SENDER),
        (554, "", ErrorClass.UNKNOWN),
        (452, "4.2.2", ErrorClass.UNREACHABLE),
    ],
)
def test_only_some_refusals_say_that_the_address_is_bad(code: int, status: str, kind: ErrorClass) -> None:
    assert error_class(code, status) is kind
