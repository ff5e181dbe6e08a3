"""The mail world: an SMTP sink that takes mail for anybody, and the way from a mailbox to the desk."""

import asyncio
import logging
from typing import Any

import aiosmtplib
from aiosmtpd.smtp import SMTP, Envelope, Session

from contactcenter.sandbox import letters
from contactcenter.sandbox.world import World

log = logging.getLogger(__name__)

MAX_MAIL = 40 * 1024 * 1024


class Sink:
    """Takes what the desk sends to anybody. aiosmtpd gives the methods their names."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        raw = envelope.original_content or b""
        sender = (envelope.mail_from or "").strip("<>")  # the empty sender comes with its brackets
        for address in envelope.rcpt_tos:
            letters.receive(self._world, address, sender, raw)
        return "250 Taken by the sandbox"


async def open_sink(world: World) -> asyncio.Server:
    sink = Sink(world)

    def answer() -> SMTP:
        return SMTP(sink, hostname="sandbox.invalid", data_size_limit=MAX_MAIL, enable_SMTPUTF8=True)

    return await asyncio.get_running_loop().create_server(answer, world.config.host, world.config.smtp_port)


async def bring(world: World, number: int) -> bool:
    """Hand a written mail to the desk. True where that is settled: taken, or refused for good."""
    row = world.store.letter(number)
    status = await _hand_over(world, row)
    world.store.set_letter_status(number, status)
    world.live.tell(letters.topic(row["mailbox"]))
    return status != "waiting"


async def keep_trying(world: World, number: int) -> None:
    for wait in world.config.retries:
        await asyncio.sleep(wait)
        if await bring(world, number):
            return
    world.store.set_letter_status(number, "given up")
    world.live.tell(letters.topic(world.store.letter(number)["mailbox"]))


def resume(world: World) -> None:
    for row in world.store.letters_waiting():
        world.soon(keep_trying(world, row["id"]))


async def _hand_over(world: World, row: dict[str, Any]) -> str:
    try:
        await aiosmtplib.send(
            row["raw"],
            sender=row["envelope_from"],
            recipients=[row["recipient"]],
            hostname=world.config.desk_smtp_host,
            port=world.config.desk_smtp_port,
            start_tls=False,
            timeout=10,
        )
    except aiosmtplib.SMTPRecipientsRefused as refused:
        return _refusal(refused.recipients[0].code, refused.recipients[0].message)
    except aiosmtplib.SMTPResponseException as refused:
        return _refusal(refused.code, refused.message)
    except (aiosmtplib.SMTPException, OSError, ValueError) as lost:
        log.info("the desk did not take a mail: %s", lost)
        return "waiting"
    return "sent"


def _refusal(code: int, words: str) -> str:
    return "waiting" if 400 <= code < 500 else f"refused: {code} {words}"[:200]
