"""One matter over the wire, from the signed webhook to the closure that the citizen contests; and one live conversation."""

from uuid import uuid4

import pytest

from channels.base import DeliveryState, Receipt, Sent
from contactcenter.desk import deliveries, visitors
from contactcenter.jobs import sender
from tests.api.conftest import Open, browse  # noqa: F401 - a fixture used by name
from tests.api.test_webhooks import a_text, post
from tests.desk.provider import Provider, stand_in
from tests.desk_rig import Rig


async def send_what_waits(rig: Rig) -> None:
    """All of it, with a minute between two texts: a sender may send only so fast."""
    for delivery in await rig.rows("SELECT id FROM delivery WHERE state = 'queued' ORDER BY id"):
        await rig.run("UPDATE sender_pace SET filled_at = filled_at - interval '1 minute'")
        await rig.run(
            "UPDATE delivery SET updated_at = updated_at - interval '1 minute', handed_at = handed_at - interval '1 minute'"
        )
        await sender.deliver(rig.house.database, rig.house.kit, delivery.id)
    await rig.house.database.settled()


async def test_a_text_is_routed_answered_sent_closed_and_contested(browse: Open, rig: Rig) -> None:  # noqa: F811 - a fixture
    await rig.on_duty("ben")
    await post(await browse(), a_text("The street light is out on Elm street"))
    assert await rig.route() == 1
    agent = await browse("ben")
    (row,) = (await agent.get("/api/tickets?view=mine")).json()["tickets"]
    page = (await agent.get(f"/api/tickets/{row['ref']}")).json()
    assert page["because"] and page["compose"]["can_reply"]
    wanted = {
        "client_msg_id": str(uuid4()), "kind": "reply", "text": "We repair it on Friday.",
        "expected_last_seq": page["ticket"]["last_seq"],
    }  # fmt: skip
    written = await agent.post(f"/api/tickets/{row['ref']}/messages", json=wanted)
    assert written.status_code == 201 and written.json()["delivery"]["state"] == "queued"
    provider = stand_in(rig, Provider(sends=[Sent("SM1"), Sent("SM2"), Sent("SM3")]))
    await send_what_waits(rig)
    assert [wire.text for wire in provider.wires][1] == "We repair it on Friday."
    async with rig.house.database.transaction() as tx:
        await deliveries.advance(tx, "sms", Receipt("SM2", DeliveryState.DELIVERED))
    shown = (await agent.get(f"/api/tickets/{row['ref']}/messages")).json()["messages"]
    assert next(one for one in shown if one["text"] == wanted["text"])["delivery"]["state"] == "delivered"
    closed = await agent.post(
        f"/api/tickets/{row['ref']}/closure", json={"reason": "done", "sentence": "It is repaired."}
    )
    assert (closed.status_code, closed.json()["status"]) == (200, "closed")
    await send_what_waits(rig)
    assert provider.wires[-1].text.startswith("It is repaired.") and row["ref"] in provider.wires[-1].text
    again = await rig.text("+12025550117", "No, it is dark")
    assert again is not None and again.reference == row["ref"]
    assert await rig.route() == 1
    history = (await agent.get(f"/api/tickets/{row['ref']}/history")).json()["events"]
    told = [event["type"] for event in history]
    for first, then in [("ticket.created", "ticket.assigned"), ("ticket.assigned", "message.written"),
                        ("ticket.closed", "ticket.reopened")]:  # fmt: skip
        assert told.index(first) < len(told) - 1 - told[::-1].index(then)
    assert await rig.breaches() == {}


@pytest.mark.parametrize("language", ["en", "es"])
async def test_a_visitor_talks_to_an_agent_and_never_sees_what_is_internal(rig: Rig, language: str) -> None:
    await rig.on_duty("ana")
    words = "Is the office open today?" if language == "en" else "Hola, ¿está abierta la oficina hoy?"
    ticket = await rig.write("city", "v-1", words)
    assert ticket is not None and ticket.language == language
    async with rig.house.database.transaction() as tx:
        assert await visitors.position(tx, ticket) == 1
    await rig.route()
    await rig.accept("ana", (await rig.offer_on(ticket.reference)).id)
    await rig.reply("ana", ticket.reference, "He sounds upset", kind="note")
    await rig.reply("ana", ticket.reference, "Until five.")
    await rig.close("ana", ticket.reference, sentence="The office is open until five.")
    async with rig.house.database.transaction() as tx:
        seen = await visitors.public_messages(tx, ticket.id, 0)
    said = [message.body_text for message in seen if message.kind == "message"]
    assert said[0] == words and said[-1] == "Until five." and "He sounds upset" not in said
    assert [message.line["key"] for message in seen if message.line and message.kind == "line"] == [
        "assigned",
        "closed",
    ]
    ana = await rig.staff("ana")
    assert (ana.primary_units, ana.state) == (0, "ready")
    assert await rig.breaches() == {}
