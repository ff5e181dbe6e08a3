"""What is on its way: sent once, in order, never doubled by a crash, and always with a visible end."""

from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channels.base import (
    DELIVERY_RANK,
    ConsentChange,
    DeliveryState,
    ErrorClass,
    Receipt,
    SendError,
    Sent,
    TryLater,
    Undeliverable,
    Unsure,
)
from contactcenter.desk import attempts, consents, deliveries, outbox, pacing
from contactcenter.desk.attempts import Claimed
from contactcenter.jobs import sender
from contactcenter.models import Delivery
from tests.desk.provider import MailProvider, Provider, stand_in, time_passes
from tests.desk.test_consents import ADDRESS, PHONE
from tests.desk_rig import Rig

NO = SendError(ErrorClass.UNREACHABLE, "30003", "Unreachable destination handset")
FILTERED = SendError(ErrorClass.BLOCKED, "30007", "Message filtered")
_numbers = count(2000)


async def acknowledged(rig: Rig, phone: str = PHONE) -> int:
    """A citizen texts; gives the delivery of the acknowledgement."""
    await rig.text(phone, "The street light is out")
    delivery: int = await rig.value("SELECT max(id) FROM delivery")
    return delivery


async def claim(rig: Rig, delivery_id: int) -> Claimed | None:
    async with rig.house.database.transaction() as tx:
        return await deliveries.claim(tx, rig.house.kit, delivery_id)


async def deliver(rig: Rig, delivery_id: int) -> bool:
    did = await sender.deliver(rig.house.database, rig.house.kit, delivery_id)
    await rig.house.database.settled()
    return did


async def row(rig: Rig, delivery_id: int) -> Delivery:
    async with rig.house.database.transaction() as tx:
        return await tx.get_one(Delivery, delivery_id)


async def everything(rig: Rig) -> list[tuple[object, ...]]:
    """All that is written of deliveries and attempts."""
    sent = await rig.rows("SELECT * FROM delivery ORDER BY id")
    return [tuple(one) for one in [*sent, *await rig.rows("SELECT * FROM delivery_attempt ORDER BY id")]]


# --- receipts -----------------------------------------------------------------------------------------------------------


LIFE = (DeliveryState.QUEUED, DeliveryState.SENDING, DeliveryState.SENT)
ENDS: tuple[tuple[DeliveryState, ...], ...] = (
    (),
    (DeliveryState.DELIVERED,),
    (DeliveryState.DELIVERED, DeliveryState.READ),
    (DeliveryState.UNDELIVERED,),
    (DeliveryState.FAILED,),
)


@st.composite
def stories(draw: st.DrawFn) -> tuple[tuple[DeliveryState, ...], list[tuple[DeliveryState, bool] | None]]:
    """The callbacks of one text in any order and number, and (None) the moment at which we write the send down."""
    end = draw(st.sampled_from(ENDS))
    once = st.tuples(st.sampled_from((*LIFE, *end)), st.booleans())
    told: list[tuple[DeliveryState, bool] | None] = [
        *draw(st.lists(once, max_size=5)),
        *((one, draw(st.booleans())) for one in end),
    ]
    return end, draw(st.permutations([*told, None]))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=stories())
async def test_any_order_and_repetition_of_receipts_ends_alike(
    rig: Rig, story: tuple[tuple[DeliveryState, ...], list[tuple[DeliveryState, bool] | None]]
) -> None:
    end, steps = story
    number = next(_numbers)
    delivery = await acknowledged(rig, f"+1202555{number}")
    claimed = await claim(rig, delivery)
    assert claimed is not None
    for step in steps:
        async with rig.house.database.transaction() as tx:
            if step is None:
                await attempts.record_sent(tx, claimed, f"SM{number}", DeliveryState.SENT)
                continue
            state, knows_ours = step
            error = NO if state in (DeliveryState.UNDELIVERED, DeliveryState.FAILED) else None
            receipt = Receipt(f"SM{number}", state, claimed.message_id if knows_ours else None, error)
            await deliveries.advance(tx, "sms", receipt)
    after = await row(rig, delivery)
    last = max((DeliveryState.SENT, *end), key=lambda state: DELIVERY_RANK[state])
    assert (after.state, after.provider_id) == (last.value, f"SM{number}")
    assert after.error_code == (NO.code if last in (DeliveryState.UNDELIVERED, DeliveryState.FAILED) else None)
    assert await rig.value("SELECT count(*) FROM parked_receipt") == 0
    assert not await deliver(rig, delivery)


async def test_a_receipt_for_a_send_we_have_not_written_down_waits_for_it(rig: Rig) -> None:
    delivery = await acknowledged(rig)
    claimed = await claim(rig, delivery)
    assert claimed is not None
    async with rig.house.database.transaction() as tx:
        await deliveries.advance(tx, "sms", Receipt("SM9", DeliveryState.DELIVERED))
    assert (await row(rig, delivery)).state == "sending"
    assert await rig.value("SELECT count(*) FROM parked_receipt") == 1
    async with rig.house.database.transaction() as tx:
        await attempts.record_sent(tx, claimed, "SM9", DeliveryState.SENT)
    assert (await row(rig, delivery)).state == "delivered"
    assert await rig.value("SELECT count(*) FROM parked_receipt") == 0


async def test_a_failed_delivery_comes_back_to_a_persons_eyes_with_the_providers_words(rig: Rig) -> None:
    delivery = await acknowledged(rig)
    stand_in(rig, Provider(sends=[Undeliverable(FILTERED)]))
    await deliver(rig, delivery)
    after = await row(rig, delivery)
    assert (after.state, after.error_kind, after.error_code, after.error_text) == (
        "failed",
        "blocked",
        FILTERED.code,
        FILTERED.text,
    )
    event = await rig.rows("SELECT data->>'after', data->>'why' FROM event WHERE type = 'delivery.changed'")
    assert event == [("failed", FILTERED.text)]


# --- claims and leases --------------------------------------------------------------------------------------------------


async def test_a_late_zombie_with_an_old_lease_changes_nothing(rig: Rig) -> None:
    delivery = await acknowledged(rig)
    zombie = await claim(rig, delivery)
    await time_passes(rig, 16)
    fresh = await claim(rig, delivery)
    assert zombie is not None and fresh is not None and fresh.before == "sending"
    before = await everything(rig)
    for speak in (
        lambda tx: attempts.record_failed(tx, zombie, NO),
        lambda tx: attempts.put_back(tx, zombie, NO, 0),
        lambda tx: attempts.leave_unknown(tx, zombie, "?", 0),
        lambda tx: attempts.record_sent(tx, zombie, "SM-zombie", DeliveryState.SENT),
        lambda tx: attempts.try_again_known_absent(tx, zombie),
    ):
        async with rig.house.database.transaction() as tx:
            await speak(tx)
        assert await everything(rig) == before
    async with rig.house.database.transaction() as tx:
        await attempts.record_sent(tx, fresh, "SM1", DeliveryState.SENT)
    assert (await row(rig, delivery)).provider_id == "SM1"


async def test_what_a_callback_confirmed_is_never_put_back(rig: Rig) -> None:
    delivery = await acknowledged(rig)
    claimed = await claim(rig, delivery)
    assert claimed is not None
    async with rig.house.database.transaction() as tx:
        await deliveries.advance(tx, "sms", Receipt("SM1", DeliveryState.DELIVERED, claimed.message_id))
    async with rig.house.database.transaction() as tx:
        await attempts.put_back(tx, claimed, NO, 0)
    assert (await row(rig, delivery)).state == "delivered"


async def test_only_the_lowest_unfinished_on_an_address_may_be_claimed(rig: Rig) -> None:
    first = await acknowledged(rig)
    ticket = await rig.value("SELECT reference FROM ticket")
    await rig.reply("ben", ticket, "We will repair it on Friday.")
    second = first + 1
    other = await acknowledged(rig, "+12025550118")
    assert await claim(rig, second) is None
    assert await claim(rig, other) is not None
    held = await claim(rig, first)
    assert held is not None and await claim(rig, second) is None
    async with rig.house.database.transaction() as tx:
        await attempts.leave_unknown(tx, held, "?", 20)
    assert await claim(rig, second) is None
    await time_passes(rig, 21)
    again = await claim(rig, first)
    assert again is not None
    async with rig.house.database.transaction() as tx:
        await attempts.record_sent(tx, again, "SM1", DeliveryState.DELIVERED)
    assert await claim(rig, second) is not None


async def test_what_waited_behind_is_rung_for_once_the_first_has_left(rig: Rig) -> None:
    first = await acknowledged(rig)
    await rig.reply("ben", await rig.value("SELECT reference FROM ticket"), "Friday.")
    provider = stand_in(rig, Provider(sends=[Sent("SM1", DeliveryState.DELIVERED), Sent("SM2")]))
    rig.rung.clear()
    await deliver(rig, first)
    assert rig.rung == [first + 1]
    await deliver(rig, first + 1)
    assert [wire.text for wire in provider.wires][1] == "Friday."


async def test_the_sweep_finds_what_nobody_was_rung_for_and_what_a_dead_process_left(rig: Rig) -> None:
    delivery = await acknowledged(rig)

    async def swept() -> list[int]:
        async with rig.house.database.transaction() as tx:
            return await outbox.due(tx)

    async with rig.house.database.transaction() as tx:
        await pacing.release_waiting(tx)  # as when it was rung for
    assert await swept() == []
    await time_passes(rig, 3)
    assert await swept() == [delivery]
    assert await swept() == []
    await claim(rig, delivery)
    await time_passes(rig, 10)
    assert await swept() == []
    await time_passes(rig, 10)
    assert await swept() == [delivery]


# --- unknown outcomes ---------------------------------------------------------------------------------------------------


async def test_an_unknown_outcome_is_asked_about_and_sent_again_only_after_two_empty_looks(rig: Rig) -> None:
    delivery = await acknowledged(rig)
    provider = stand_in(rig, Provider(sends=[Unsure("reset"), Sent("SM2")]))
    await deliver(rig, delivery)
    assert (await row(rig, delivery)).state == "unknown"
    assert not await deliver(rig, delivery)
    await time_passes(rig, 21)
    await deliver(rig, delivery)
    assert provider.asked == ["send", "find"]
    await time_passes(rig, 31)
    await deliver(rig, delivery)
    assert provider.asked == ["send", "find", "find", "send"]
    assert (await row(rig, delivery)).provider_id == "SM2"


async def test_what_the_provider_knows_is_not_sent_again(rig: Rig) -> None:
    delivery = await acknowledged(rig)
    provider = stand_in(rig, Provider(sends=[Unsure("reset")], finds=[Sent("SM1", DeliveryState.DELIVERED)]))
    await deliver(rig, delivery)
    await time_passes(rig, 21)
    await deliver(rig, delivery)
    after = await row(rig, delivery)
    assert (provider.asked, after.state, after.provider_id) == (["send", "find"], "delivered", "SM1")


async def test_a_process_that_died_after_the_claim_is_treated_as_unknown(rig: Rig) -> None:
    delivery = await acknowledged(rig)
    await claim(rig, delivery)
    provider = stand_in(rig, Provider())
    await time_passes(rig, 16)
    await deliver(rig, delivery)
    assert provider.asked == []
    await time_passes(rig, 21)
    await deliver(rig, delivery)
    assert provider.asked == ["find"]


async def test_an_adapter_that_breaks_while_sending_leaves_an_unknown_outcome(rig: Rig) -> None:
    delivery = await acknowledged(rig)
    stand_in(rig, Provider(sends=[RuntimeError("a bug")]))
    await deliver(rig, delivery)
    assert (await row(rig, delivery)).state == "unknown"


async def test_a_silent_provider_is_waited_for_and_then_the_failure_is_shown(rig: Rig) -> None:
    delivery = await acknowledged(rig)
    provider = stand_in(rig, Provider(sends=[Unsure("reset")], finds=[TryLater(NO)]))
    await deliver(rig, delivery)
    for _ in range(3):
        await time_passes(rig, 31)
        await deliver(rig, delivery)
    assert (await row(rig, delivery)).state == "unknown"
    await time_passes(rig, 4 * 3600)
    await deliver(rig, delivery)
    after = await row(rig, delivery)
    assert (after.state, after.error_kind) == ("failed", "unknown")
    assert provider.asked.count("send") == 1


async def test_nothing_is_sent_again_to_who_said_stop_meanwhile(rig: Rig) -> None:
    delivery = await acknowledged(rig)
    provider = stand_in(rig, Provider(sends=[Unsure("reset")]))
    await deliver(rig, delivery)
    async with rig.house.database.transaction() as tx:
        await consents.change(tx, rig.agency_id, ConsentChange(ADDRESS, "revoked", "STOP"))
    for _ in range(4):
        await time_passes(rig, 31)
        await deliver(rig, delivery)
    assert (provider.asked.count("send"), (await row(rig, delivery)).state) == (1, "canceled")


async def test_stop_between_writing_and_sending_bars_the_send(rig: Rig) -> None:
    delivery = await acknowledged(rig)
    provider = stand_in(rig, Provider())
    await rig.run("INSERT INTO consent (endpoint_id, purpose, state) SELECT id, 'service', 'revoked' FROM endpoint")
    await deliver(rig, delivery)
    assert (provider.asked, (await row(rig, delivery)).state) == ([], "canceled")


async def test_a_mail_of_unknown_outcome_goes_out_again_under_the_same_id_and_is_flagged(rig: Rig) -> None:
    provider = stand_in(rig, MailProvider(sends=[Unsure("cut after the dot"), Sent("")]))
    await rig.write("mail", "ann@lake.example", "My bins")
    delivery = await rig.value("SELECT id FROM delivery")
    await deliver(rig, delivery)
    await time_passes(rig, 31)
    await deliver(rig, delivery)
    after = await row(rig, delivery)
    assert (after.state, after.maybe_duplicate) == ("sent", True)
    assert len({wire.own_id for wire in provider.wires}) == 1 and provider.asked == ["send", "send"]


# --- refusals that pass, deadlines --------------------------------------------------------------------------------------


async def test_overdue_fails_visibly_and_is_not_sent(rig: Rig) -> None:
    delivery = await acknowledged(rig)
    provider = stand_in(rig, Provider())
    await time_passes(rig, 4 * 3600 + 1)
    await deliver(rig, delivery)
    after = await row(rig, delivery)
    assert (provider.asked, after.state, after.error_text) == ([], "failed", "Could not be sent in time.")
    assert await rig.value("SELECT count(*) FROM event WHERE type = 'delivery.changed'") == 1


@pytest.mark.parametrize(("kind", "burnt"), [(ErrorClass.THROTTLED, 0), (ErrorClass.UNREACHABLE, 1)])
async def test_a_provider_that_says_later_is_obeyed(rig: Rig, kind: ErrorClass, burnt: int) -> None:
    delivery = await acknowledged(rig)
    provider = stand_in(rig, Provider(sends=[TryLater(SendError(kind), after=60), Sent("SM1")]))
    await deliver(rig, delivery)
    after = await row(rig, delivery)
    assert (after.state, after.attempts) == ("queued", burnt)
    assert not await deliver(rig, delivery)
    await time_passes(rig, 73)  # as long as was asked for, and up to a fifth more, so that not everybody comes at once
    await deliver(rig, delivery)
    assert (provider.asked, (await row(rig, delivery)).state) == (["send", "send"], "sent")


async def test_a_refused_recipient_is_a_failure_although_the_server_took_the_mail(rig: Rig) -> None:
    await rig.write("mail", "ann@lake.example", "My bins")
    delivery = await rig.value("SELECT id FROM delivery")
    bad = SendError(ErrorClass.BAD_ADDRESS, "550", "No such user")
    stand_in(rig, MailProvider(sends=[Sent("", refused={"ann@lake.example": bad})]))
    await deliver(rig, delivery)
    after = await row(rig, delivery)
    assert (after.state, after.error_kind, after.error_text) == ("failed", "bad_address", "No such user")
