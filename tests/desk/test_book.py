"""The agency's book is kept for a moment; what happens to one request must not spoil it for the next."""

import pytest

from contactcenter.desk import book
from contactcenter.desk.book import channel_inbox, open_book
from contactcenter.errors import Conflict, NotFound
from tests.desk_rig import Rig, move_in


async def test_a_refused_request_does_not_spoil_the_book_for_the_next_one(rig: Rig) -> None:
    book.forget()
    with pytest.raises(Conflict):
        async with rig.house.database.transaction() as tx:
            await open_book(tx)
            raise Conflict("Something changed meanwhile.")
    async with rig.house.database.transaction() as tx:
        kept = await open_book(tx)
        assert channel_inbox(kept.inbox("sms", "text")).address == "+12025550142"
        agency = kept.agencies[rig.agency_id]
        assert agency.row.name == "City of Riverdale"
        assert agency.queue("permits").row.reply_minutes == 480
        assert agency.language_skill("es") is not None


async def test_queues_and_inboxes_of_one_agency_are_not_those_of_another(rig: Rig) -> None:
    other = await move_in(rig)
    async with rig.house.database.transaction() as tx:
        kept = await open_book(tx)
    with pytest.raises(NotFound):
        kept.agencies[rig.agency_id].queue("front")
    assert kept.inbox("sms", "lake-text").agency_id == other
    with pytest.raises(NotFound):
        kept.inbox("email", "lake-text")
