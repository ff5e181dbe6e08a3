"""Has what came with messages looked at for viruses, where a scanner is set. Until then nobody can open it."""

import asyncio
import contextlib

import structlog
from sqlalchemy import text

from contactcenter import events
from contactcenter.db import Database
from contactcenter.desk import lines
from contactcenter.desk.kit import Kit
from contactcenter.errors import StoreAway
from contactcenter.models import Message, Ticket
from contactcenter.scanning import NoVerdict, Scanner

log = structlog.get_logger()
AT_ONCE, PAUSE_S, RETRY_S = 10, 1.0, 30

_TAKE = text(
    """
    UPDATE attachment SET due_at = clock_timestamp() + make_interval(secs => :retry) WHERE id IN (
      SELECT id FROM attachment WHERE scan = 'pending' AND state = 'stored' AND due_at <= clock_timestamp()
      ORDER BY due_at LIMIT :most FOR UPDATE SKIP LOCKED)
    RETURNING id, message_id, sha256, name
    """
)


async def keep_scanning(database: Database, kit: Kit, scanner: Scanner) -> None:
    """Until cancelled."""
    while True:
        with contextlib.suppress(StoreAway):
            while await scan_due(database, kit, scanner):
                continue
        await asyncio.sleep(PAUSE_S)


async def scan_due(database: Database, kit: Kit, scanner: Scanner) -> int:
    """Look at the files that wait; a file without a verdict comes again in half a minute. Gives how many had one."""
    async with database.transaction() as tx:
        waiting = (await tx.execute(_TAKE, {"retry": RETRY_S, "most": AT_ONCE})).all()
    judged = 0
    for file in waiting:
        try:
            verdict, name = await scanner.scan(await kit.files.get(file.sha256))
        except (NoVerdict, FileNotFoundError) as error:
            log.warning("not_scanned", attachment=file.id, why=str(error))
            continue
        await _record(database, file.id, file.message_id, verdict, name)
        judged += 1
    return judged


async def _record(database: Database, attachment_id: int, message_id: object, verdict: str, found: str) -> None:
    async with database.transaction() as tx:
        message = await tx.get_one(Message, message_id)
        ticket = await tx.get_one(Ticket, message.ticket_id, with_for_update=True)
        changed = await tx.scalar(
            text(
                "UPDATE attachment SET scan = :scan, error = :found WHERE id = :id AND scan = 'pending' RETURNING true"
            ),
            {"id": attachment_id, "scan": verdict, "found": found or None},
        )
        if not changed:
            return
        await tx.execute(text("UPDATE message SET version = version + 1 WHERE id = :id"), {"id": message_id})
        facts = {"message": message_id, "attachment": attachment_id, "after": verdict}
        await events.record(
            tx, "attachment.scanned", ticket.id, events.DESK, **facts, **({"why": found} if found else {})
        )
        if verdict == "infected":
            await lines.add(tx, ticket, "file_infected", visibility="internal", text=found)
