"""A citizen texts, the router finds an agent, the agent answers, the matter is closed and contested."""

from contactcenter.desk import closures, deliveries, offers
from tests.desk_rig import Rig

PHONE = "+12025550117"


async def test_a_text_becomes_a_ticket_and_is_acknowledged_with_reference_and_date(rig: Rig) -> None:
    ticket = await rig.text(PHONE, "The street light is out")
    assert ticket is not None and ticket.reference.startswith("RD-") and ticket.status == "queued"
    said = await rig.messages(ticket.reference)
    assert [m.direction for m in said] == ["in", "out"]
    assert ticket.reference in said[1].body_text and "A person will reply by" in said[1].body_text
    assert "STOP" in said[1].body_text, "the first text says how to stop"
    assert len(rig.rung) == 1


async def test_the_same_text_twice_is_one_message(rig: Rig) -> None:
    await rig.text(PHONE, "hello", external_id="SM1")
    assert await rig.text(PHONE, "hello", external_id="SM1") is None
    assert await rig.value("SELECT count(*) FROM message WHERE direction = 'in'") == 1


async def test_a_second_text_joins_the_open_matter(rig: Rig) -> None:
    first = await rig.text(PHONE, "The street light is out")
    second = await rig.text(PHONE, "It is at Elm and 4th")
    assert first is not None and second is not None and first.reference == second.reference


async def test_the_router_gives_a_text_directly_and_says_why(rig: Rig) -> None:
    await rig.on_duty("ana", "ben")
    ticket = await rig.text(PHONE, "The street light is out, please help")
    assert ticket is not None
    assert await rig.route() == 1
    after = await rig.ticket(ticket.reference)
    assert after.status == "assigned" and after.owner_id is not None
    because = await rig.value("SELECT because FROM assignment WHERE ticket_id = :id", id=after.id)
    assert because["qualified"] == 2


async def test_spanish_goes_to_whom_speaks_it(rig: Rig) -> None:
    await rig.on_duty("ana", "ben")
    ticket = await rig.text(PHONE, "Hola, no llegó la basura en mi calle, ¿me puede ayudar?")
    assert ticket is not None and ticket.language == "es"
    await rig.route()
    assert (await rig.ticket(ticket.reference)).owner_id == (await rig.staff("ana")).id


async def test_an_answer_leaves_once_and_frees_the_agent(rig: Rig) -> None:
    await rig.on_duty("ben")
    ticket = await rig.text(PHONE, "The street light is out")
    assert ticket is not None
    await rig.route()
    await rig.reply("ben", ticket.reference, "We will repair it on Friday.")
    assert (await rig.ticket(ticket.reference)).status == "waiting_citizen"
    assert (await rig.staff("ben")).primary_units == 0
    assert await rig.value("SELECT count(*) FROM delivery WHERE state = 'queued'") == 2


async def test_a_closed_matter_comes_back_when_the_citizen_contests_it(rig: Rig) -> None:
    await rig.on_duty("ben")
    ticket = await rig.text(PHONE, "The street light is out")
    assert ticket is not None
    await rig.route()
    async with rig.house.database.transaction() as tx:
        staff = await rig.staff("ben")
        await closures.close(
            tx, rig.house.kit, await rig.scope("ben"), staff, ticket.reference, "done", "The light was repaired."
        )
    closed = await rig.ticket(ticket.reference)
    assert closed.status == "closed" and closed.owner_id is None
    assert "The light was repaired." in (await rig.messages(ticket.reference))[-1].body_text
    again = await rig.text(PHONE, "It is dark again")
    assert again is not None and again.reference == ticket.reference
    assert (await rig.ticket(ticket.reference)).status == "queued"


async def test_a_live_conversation_is_offered_and_accepted_once(rig: Rig) -> None:
    await rig.on_duty("ana")
    ticket = await rig.write("city", "v-1", "Is the office open today?")
    assert ticket is not None
    await rig.route()
    offer = await rig.offer_on(ticket.reference)
    staff = await rig.staff("ana")
    for _ in range(2):
        async with rig.house.database.transaction() as tx:
            await offers.accept(tx, staff, offer.id)
    assert (await rig.ticket(ticket.reference)).status == "assigned"
    assert await rig.value("SELECT count(*) FROM assignment") == 1


async def test_nothing_is_sent_twice_when_two_workers_claim_the_same_delivery(rig: Rig) -> None:
    await rig.text(PHONE, "hello")
    (delivery_id,) = rig.rung
    async with rig.house.database.transaction() as tx:
        assert await deliveries.claim(tx, rig.house.kit, delivery_id) is not None
    async with rig.house.database.transaction() as tx:
        assert await deliveries.claim(tx, rig.house.kit, delivery_id) is None
