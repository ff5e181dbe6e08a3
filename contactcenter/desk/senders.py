"""From which address of ours we write: the one that the person knows."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from contactcenter.desk.book import Book, open_book
from contactcenter.errors import Conflict
from contactcenter.models import Endpoint, Inbox, Ticket


async def of(tx: AsyncSession, endpoint: Endpoint, ticket: Ticket, channel: str | None = None) -> Inbox:
    """The inbox whose address the answer bears. ``channel``: by which it goes, where that is decided.

    On the ticket's own address the one they wrote to; elsewhere the one that this address knows, else the one it wrote to last,
    else the agency's own, of the ticket's queue first. Raises Conflict ``no-sender`` where the agency has none.
    """
    book = await open_book(tx)
    if endpoint.id == ticket.endpoint_id and channel in (None, ticket.channel):
        return book.inboxes[ticket.inbox_id]
    known = book.inboxes.get(endpoint.inbox_id or 0) or book.inboxes.get(await _last_used(tx, endpoint.id) or 0)
    if known is not None and known.agency_id == ticket.agency_id and channel in (None, known.channel):
        return known
    own = _of_agency(book, ticket, channel or ticket.channel)
    if own is None:
        raise Conflict("The agency has no address from which this could be sent.", slug="no-sender")
    return own


async def _last_used(tx: AsyncSession, endpoint_id: int) -> int | None:
    found: int | None = await tx.scalar(
        text("SELECT inbox_id FROM ticket WHERE endpoint_id = :endpoint ORDER BY id DESC LIMIT 1"),
        {"endpoint": endpoint_id},
    )
    return found


def _of_agency(book: Book, ticket: Ticket, channel: str) -> Inbox | None:
    fitting = [box for box in book.inboxes.values() if box.agency_id == ticket.agency_id and box.channel == channel]
    return min(fitting, key=lambda box: (box.queue_id != ticket.queue_id, box.id), default=None)


async def remember(tx: AsyncSession, endpoint_id: int, inbox_id: int) -> None:
    """This address knows that inbox of ours from now on, unless it knew another before."""
    await tx.execute(
        text("UPDATE endpoint SET inbox_id = :inbox WHERE id = :endpoint AND inbox_id IS NULL"),
        {"inbox": inbox_id, "endpoint": endpoint_id},
    )
