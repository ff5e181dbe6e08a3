"""What the provider's list shows and we never got comes in by the same door, once, and the gap is told."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from channels.base import Address, Arrival, DeliveryState, ErrorClass, Inbound, Inbox, Raw, Receipt, SendError, TryLater
from contactcenter.desk import reconciling
from tests.desk.provider import Provider, stand_in
from tests.desk_rig import Rig

PHONE = "+12025550117"
TEXT = "(SELECT id FROM inbox WHERE slug = 'text')"


class Ledger(Provider):
    """A provider with a list of what it received, and an opinion on what we sent."""

    can_list = True

    def __init__(self, listed: Sequence[tuple[str, str]] = (), became: dict[str, Any] | None = None) -> None:
        super().__init__()
        self.listed, self.became = list(listed), became or {}
        self.since: list[tuple[str, datetime]] = []
        self.away = False
        self.age = timedelta(minutes=30)
        self.now: Any = None

    async def history(self, inbox: Inbox, since: datetime) -> list[Arrival]:
        self.since.append((inbox.slug, since))
        if self.away:
            raise TryLater(SendError(ErrorClass.UNKNOWN, text="the provider is away"))
        return [Arrival(inbox.address, key, {"rest": "messages"}, words.encode()) for key, words in self.listed]

    def parse(self, raw: Raw) -> list[Any]:
        sender = Address("phone", PHONE, PHONE)
        sent_at = self.now() - self.age
        return [Inbound(sender=sender, text=raw.body.decode(), external_id=raw.source_key, sent_at_claimed=sent_at)]

    async def outcome(self, inbox: Inbox, provider_id: str) -> Receipt | None:
        self.asked.append(provider_id)
        found = self.became.get(provider_id)
        if isinstance(found, Exception):
            raise found
        return found


def ledger(rig: Rig, *listed: tuple[str, str], **more: Any) -> Ledger:
    made = Ledger(listed, **more)
    made.now = rig.clock
    stand_in(rig, made)
    return made


async def run(rig: Rig) -> list[reconciling.Gap]:
    return await reconciling.run(rig.house.database, rig.house.kit)


async def due(rig: Rig) -> None:
    await rig.run("UPDATE inbox_health SET next_list_at = clock_timestamp()")


async def test_a_text_whose_webhook_was_lost_becomes_a_ticket_and_the_gap_is_told(rig: Rig) -> None:
    book = ledger(rig, ("AC1:SM1", "The light is out"))
    (gap,) = await run(rig)
    assert gap.keys == ("AC1:SM1",)
    assert await rig.value("SELECT body_text FROM message WHERE direction = 'in'") == "The light is out"
    row = f"SELECT gaps, listed_until = :now FROM inbox_health WHERE inbox_id = {TEXT}"
    assert await rig.rows(row, now=book.now()) == [(1, True)]
    told = "SELECT data->>'number', data->'ids'->>0 FROM event WHERE type = 'inbound.gap'"
    assert await rig.rows(told) == [("1", "AC1:SM1")]


async def test_what_we_have_is_no_gap_and_comes_in_once(rig: Rig) -> None:
    ledger(rig, ("AC1:SM1", "The light is out"))
    await run(rig)
    await due(rig)
    assert await run(rig) == []
    assert await rig.value("SELECT count(*) FROM message WHERE direction = 'in'") == 1
    assert await rig.value(f"SELECT gaps FROM inbox_health WHERE inbox_id = {TEXT}") == 1


async def test_the_webhook_that_comes_after_all_is_the_repeat(rig: Rig) -> None:
    book = ledger(rig, ("AC1:SM1", "The light is out"))
    await run(rig)
    box = await rig.inbox("text")
    raw = Raw("sms:text", "AC1:SM1", None, {}, rig.clock(), b"The light is out")  # type: ignore[arg-type]  # parse asks for none
    assert await rig.receive(box, book.parse(raw), "AC1:SM1") == []


async def test_a_message_that_may_still_be_on_its_way_is_left_to_its_webhook(rig: Rig) -> None:
    book = ledger(rig, ("AC1:SM1", "The light is out"))
    book.age = timedelta(seconds=20)
    assert await run(rig) == []
    book.age = timedelta(minutes=6)
    await due(rig)
    assert len(await run(rig)) == 1


async def test_the_list_reaches_an_hour_behind_the_last_one_however_long_ago_that_was(rig: Rig) -> None:
    book = ledger(rig)
    first = rig.clock()
    await run(rig)
    rig.clock.pass_by(days=2)
    await due(rig)
    await run(rig)
    assert book.since == [("text", first - timedelta(hours=1)), ("text", first - timedelta(hours=1))]


async def test_several_processes_never_list_an_inbox_twice(rig: Rig) -> None:
    book = ledger(rig, ("AC1:SM1", "The light is out"))
    await asyncio.gather(*[run(rig) for _ in range(4)])
    assert len(book.since) == 1
    assert await rig.value("SELECT count(*) FROM ticket") == 1


async def test_a_provider_that_cannot_be_asked_is_a_problem_that_ends_by_itself(rig: Rig) -> None:
    book = ledger(rig, ("AC1:SM1", "The light is out"))
    book.away = True
    assert await run(rig) == []
    assert "the provider is away" in await rig.value(f"SELECT problem FROM inbox_health WHERE inbox_id = {TEXT}")
    book.away = False
    await due(rig)
    assert len(await run(rig)) == 1
    row = f"SELECT problem, problem_since, ok_at IS NOT NULL FROM inbox_health WHERE inbox_id = {TEXT}"
    assert await rig.rows(row) == [("", None, True)]


async def test_a_send_that_nobody_confirmed_is_asked_about_once_a_day(rig: Rig) -> None:
    error = SendError(ErrorClass.UNREACHABLE, "30003", "unreachable")
    book = ledger(rig, became={"SM9": Receipt("SM9", DeliveryState.UNDELIVERED, error=error)})
    await rig.text(PHONE, "The light is out")
    await rig.run(
        "UPDATE delivery SET state = 'sent', provider_id = 'SM9', updated_at = clock_timestamp() - interval '2 hours'"
    )
    await run(rig)
    assert await rig.value("SELECT state FROM delivery") == "undelivered"
    await run(rig)
    assert book.asked == ["SM9"]


async def test_a_fresh_send_and_an_old_one_are_not_asked_about(rig: Rig) -> None:
    book = ledger(rig)
    await rig.text(PHONE, "The light is out")
    for age in ("10 minutes", "9 days"):
        await rig.run(
            f"UPDATE delivery SET state = 'sent', provider_id = 'SM9', updated_at = clock_timestamp() - interval '{age}'"
        )
        await rig.run("UPDATE inbox_health SET asked_at = NULL")
        await run(rig)
    assert book.asked == []


async def test_one_answer_that_cannot_be_read_does_not_keep_the_others_from_being_asked(rig: Rig) -> None:
    book = ledger(rig, became={"SM9": ValueError("odd"), "SM8": Receipt("SM8", DeliveryState.DELIVERED)})
    for number, phone in ((9, PHONE), (8, "+12025550118")):
        ticket = await rig.text(phone, "The light is out")
        assert ticket is not None
        await rig.run(
            "UPDATE delivery SET state = 'sent', provider_id = :ref, updated_at = clock_timestamp() - make_interval(hours => :n) "
            "WHERE ticket_id = :ticket", ref=f"SM{number}", n=11 - number, ticket=ticket.id,
        )  # fmt: skip
    await run(rig)
    assert book.asked == ["SM9", "SM8"]
    assert await rig.rows("SELECT provider_id, state FROM delivery ORDER BY provider_id") == [
        ("SM8", "delivered"), ("SM9", "sent"),
    ]  # fmt: skip
