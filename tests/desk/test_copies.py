"""Copies: one mail to several people, each with an outcome of their own."""

from typing import Any

import pytest

from channels.base import (
    Address,
    Capabilities,
    ConsentChange,
    DeliveryState,
    ErrorClass,
    Proof,
    Receipt,
    SendError,
    Sent,
    TryLater,
    Undeliverable,
    Unsure,
)
from contactcenter.desk import consents, deliveries
from contactcenter.errors import Conflict, Refused
from contactcenter.models import Message, Ticket
from tests.desk.outgoing import answer, deliver, facts, lines, report, row_of
from tests.desk.provider import MailProvider, stand_in, time_passes
from tests.desk_rig import Rig

ANN, BEA, CAL = "ann@lake.example", "bea@lake.example", "cal@lake.example"
GONE = SendError(ErrorClass.BAD_ADDRESS, "550 5.1.1", "No such user")
GREY = SendError(ErrorClass.UNREACHABLE, "450 4.2.0", "Come again")


class CopyProvider(MailProvider):
    capabilities = Capabilities(endpoint_kind="email", max_text=100_000, pace="later", subjects=True, copies=True)


async def mailed(rig: Rig, *sends: Any) -> tuple[Ticket, CopyProvider]:
    provider = CopyProvider(sends=list(sends) or [Sent("<1@x>")])
    stand_in(rig, provider)
    ticket = await rig.write("mail", ANN, "My bins", subject="Bins")
    assert ticket is not None
    await rig.run("UPDATE delivery SET state = 'sent'")
    return ticket, provider


async def states(rig: Rig, message: Any) -> dict[str, str]:
    rows = await rig.rows(
        "SELECT e.canonical, d.state FROM delivery d JOIN endpoint e ON e.id = d.endpoint_id WHERE d.message_id = :m",
        m=message,
    )
    return {canonical: state for canonical, state in rows}


async def test_one_attempt_carries_the_mail_to_everybody(rig: Rig) -> None:
    ticket, provider = await mailed(rig)
    message = await answer(rig, "ben", ticket.reference, cc=(BEA,), bcc=(CAL,))
    lead = await row_of(rig, message)
    assert rig.rung[-1] == lead.id
    assert not await deliver(rig, (await row_of(rig, message, "cc")).id), "a copy is never sent by itself"
    await deliver(rig, lead.id)
    wire = provider.wires[-1]
    assert (wire.to, wire.cc, set(wire.recipients), len(provider.wires)) == (ANN, (BEA,), {ANN, BEA, CAL}, 1)
    assert await states(rig, message) == {ANN: "sent", BEA: "sent", CAL: "sent"}


async def test_who_was_written_to_is_kept_with_the_message(rig: Rig) -> None:
    ticket, _ = await mailed(rig)
    message = await answer(rig, "ben", ticket.reference, cc=(BEA,), bcc=(CAL,), subject="About your bins")
    kept = next(m for m in await rig.messages(ticket.reference) if m.id == message)
    named = {role: [one["address"] for one in people] for role, people in kept.recipients.items()}
    assert named == {"to": [ANN], "cc": [BEA], "bcc": [CAL]}
    assert kept.subject == "About your bins"
    roles = await rig.rows(
        "SELECT e.canonical, p.role FROM participant p JOIN endpoint e ON e.id = p.endpoint_id WHERE role = 'cc'"
    )
    assert roles == [(BEA, "cc")], "a hidden copy takes no part"


async def test_without_being_named_nobody_gets_a_copy(rig: Rig) -> None:
    ticket, provider = await mailed(rig)
    await answer(rig, "ben", ticket.reference, cc=(BEA,))
    message = await answer(rig, "ben", ticket.reference, "And another thing")
    assert await states(rig, message) == {ANN: "queued"}
    await deliver(rig, (await row_of(rig, message)).id - 2)
    await deliver(rig, (await row_of(rig, message)).id)
    assert (provider.wires[-1].cc, provider.wires[-1].recipients) == ((), ())


async def test_a_refused_copy_fails_alone_and_an_agent_is_told(rig: Rig) -> None:
    ticket, _ = await mailed(rig, Sent("<1@x>", refused={BEA: GONE}))
    message = await answer(rig, "ben", ticket.reference, cc=(BEA,), bcc=(CAL,))
    await deliver(rig, (await row_of(rig, message)).id)
    assert await states(rig, message) == {ANN: "sent", BEA: "failed", CAL: "sent"}
    assert "delivery_failed" in await lines(rig, ticket.reference)
    assert (await rig.ticket(ticket.reference)).status == "waiting_citizen", "the person themselves got it"
    assert await rig.value("SELECT bad_events FROM endpoint WHERE canonical = :a", a=BEA) == 1
    assert await rig.value("SELECT bad_events FROM endpoint WHERE canonical = :a", a=ANN) == 0


async def test_a_refused_person_is_a_failure_although_the_copies_arrived(rig: Rig) -> None:
    ticket, _ = await mailed(rig, Sent("<1@x>", refused={ANN: GONE}))
    message = await answer(rig, "ben", ticket.reference, cc=(BEA,))
    await deliver(rig, (await row_of(rig, message)).id)
    assert await states(rig, message) == {ANN: "failed", BEA: "sent"}
    assert (await rig.ticket(ticket.reference)).status in ("queued", "assigned"), "an agent is called"


async def test_a_copy_to_be_tried_again_goes_on_alone_under_the_same_id(rig: Rig) -> None:
    ticket, provider = await mailed(rig, Sent("<1@x>", later={BEA: GREY}), Sent("<1@x>"))
    message = await answer(rig, "ben", ticket.reference, cc=(BEA,), bcc=(CAL,))
    await deliver(rig, (await row_of(rig, message)).id)
    assert await states(rig, message) == {ANN: "sent", BEA: "queued", CAL: "sent"}
    alone = await row_of(rig, message, "cc")
    assert (alone.with_id, alone.error_text) == (None, "Come again")
    await time_passes(rig, 70 * 5)
    assert await deliver(rig, alone.id)
    assert await states(rig, message) == {ANN: "sent", BEA: "sent", CAL: "sent"}
    first, second = provider.wires
    assert (second.to, second.cc, second.recipients) == (ANN, (BEA,), (BEA,))
    assert first.own_id == second.own_id


async def test_the_person_may_have_to_wait_while_the_copies_are_there(rig: Rig) -> None:
    ticket, provider = await mailed(rig, Sent("<1@x>", later={ANN: GREY}), Sent("<1@x>"))
    message = await answer(rig, "ben", ticket.reference, cc=(BEA,))
    lead = await row_of(rig, message)
    await deliver(rig, lead.id)
    assert await states(rig, message) == {ANN: "queued", BEA: "sent"}
    await time_passes(rig, 400)
    await deliver(rig, lead.id)
    assert provider.wires[-1].recipients == (ANN,), "nobody gets it twice"
    assert await states(rig, message) == {ANN: "sent", BEA: "sent"}


async def test_in_doubt_all_are_in_doubt_and_all_go_once_more(rig: Rig) -> None:
    ticket, provider = await mailed(rig, Unsure("cut after the dot"), Sent("<1@x>"))
    message = await answer(rig, "ben", ticket.reference, cc=(BEA,))
    lead = await row_of(rig, message)
    await deliver(rig, lead.id)
    assert await states(rig, message) == {ANN: "unknown", BEA: "unknown"}
    await time_passes(rig, 31)
    await deliver(rig, lead.id)
    assert await states(rig, message) == {ANN: "sent", BEA: "sent"}
    assert len(provider.wires) == 2 and len({wire.own_id for wire in provider.wires}) == 1
    assert set(provider.wires[-1].recipients) == {ANN, BEA}


async def test_a_mail_that_is_refused_fails_for_all(rig: Rig) -> None:
    ticket, _ = await mailed(rig, Undeliverable(SendError(ErrorClass.CONTENT, "552", "Too large")))
    message = await answer(rig, "ben", ticket.reference, cc=(BEA,))
    await deliver(rig, (await row_of(rig, message)).id)
    assert await states(rig, message) == {ANN: "failed", BEA: "failed"}


async def test_a_mail_to_be_tried_again_takes_its_copies_along(rig: Rig) -> None:
    ticket, provider = await mailed(rig, TryLater(GREY), Sent("<1@x>"))
    message = await answer(rig, "ben", ticket.reference, cc=(BEA,))
    lead = await row_of(rig, message)
    await deliver(rig, lead.id)
    await time_passes(rig, 70)
    await deliver(rig, lead.id)
    assert set(provider.wires[-1].recipients) == {ANN, BEA}
    assert await states(rig, message) == {ANN: "sent", BEA: "sent"}


async def test_a_report_about_a_copy_changes_only_the_copy(rig: Rig) -> None:
    ticket, _ = await mailed(rig)
    message = await answer(rig, "ben", ticket.reference, cc=(BEA,))
    await deliver(rig, (await row_of(rig, message)).id)
    own_id = next(m.external_id for m in await rig.messages(ticket.reference) if m.id == message) or ""
    await report(rig, "email", Receipt("", DeliveryState.UNDELIVERED, own_id=own_id, recipient=BEA, error=GONE))
    assert await states(rig, message) == {ANN: "sent", BEA: "undelivered"}
    await report(rig, "email", Receipt("", DeliveryState.DELIVERED, own_id=own_id, recipient="somebody@else.example"))
    assert await states(rig, message) == {ANN: "delivered", BEA: "undelivered"}, (
        "an unknown recipient is the person's, forwarded"
    )
    assert [one.get("copy_to") is not None for one in await facts(rig, "delivery.changed")][-2:] == [True, False]


async def test_a_copy_that_said_stop_meanwhile_gets_nothing(rig: Rig) -> None:
    ticket, provider = await mailed(rig)
    message = await answer(rig, "ben", ticket.reference, cc=(BEA, CAL))
    await rig.run(
        "INSERT INTO consent (endpoint_id, purpose, state) SELECT id, 'service', 'revoked' FROM endpoint WHERE canonical = :a",
        a=BEA,
    )
    await deliver(rig, (await row_of(rig, message)).id)
    assert set(provider.wires[-1].recipients) == {ANN, CAL}
    assert await states(rig, message) == {ANN: "sent", BEA: "canceled", CAL: "sent"}


async def test_a_person_who_says_stop_stops_the_copies_too(rig: Rig) -> None:
    ticket, provider = await mailed(rig)
    message = await answer(rig, "ben", ticket.reference, cc=(BEA,))
    async with rig.house.database.transaction() as tx:
        await consents.change(
            tx, rig.agency_id, ConsentChange(Address("email", ANN, ANN, Proof.CLAIMED), "revoked", "STOP")
        )
    assert await states(rig, message) == {ANN: "canceled", BEA: "canceled"}
    assert provider.wires == []


@pytest.mark.parametrize(
    ("more", "slug"),
    [
        ({"cc": ("not an address",)}, "bad-address"),
        ({"cc": ("help@riverdale.example",)}, "own-address"),
        ({"bcc": tuple(f"p{n}@lake.example" for n in range(21))}, "too-many-copies"),
    ],
)
async def test_copies_that_cannot_be_are_refused_before_anything_is_stored(
    rig: Rig, more: dict[str, Any], slug: str
) -> None:
    ticket, provider = await mailed(rig)
    object.__setattr__(provider, "canonical", _canonical)
    with pytest.raises(Refused) as refused:
        await answer(rig, "ben", ticket.reference, **more)
    assert refused.value.slug == slug
    assert await rig.value("SELECT count(*) FROM message WHERE author_kind = 'staff'") == 0


def _canonical(value: str) -> str:
    if "@" not in value:
        raise ValueError(value)
    return value.strip().lower()


async def test_who_asked_us_not_to_write_cannot_be_copied(rig: Rig) -> None:
    ticket, _ = await mailed(rig)
    async with rig.house.database.transaction() as tx:
        await consents.change(
            tx, rig.agency_id, ConsentChange(Address("email", BEA, BEA, Proof.CLAIMED), "revoked", "STOP")
        )
    with pytest.raises(Conflict) as barred:
        await answer(rig, "ben", ticket.reference, cc=(BEA,))
    assert (barred.value.slug, barred.value.extras["address"]) == ("cannot-reach", BEA)


async def test_a_text_goes_to_one_person_only(rig: Rig) -> None:
    ticket = await rig.text("+12025550117", "The street light is out")
    assert ticket is not None
    with pytest.raises(Refused) as refused:
        await answer(rig, "ben", ticket.reference, cc=("+12025550118",))
    assert refused.value.slug == "no-copies"


async def test_what_the_desk_itself_says_goes_to_the_person_alone(rig: Rig) -> None:
    ticket, _ = await mailed(rig)
    await rig.text("+12025550117", "The street light is out")
    bea = await rig.value(
        "INSERT INTO endpoint (agency_id, kind, raw, canonical, contact_id) SELECT agency_id, kind, :a, :a, contact_id FROM endpoint "
        "WHERE kind = 'email' RETURNING id", a=BEA,
    )  # fmt: skip
    async with rig.house.database.transaction() as tx:
        own = await tx.get_one(Message, await rig.value("SELECT id FROM message WHERE author_kind = 'system' LIMIT 1"))
        with pytest.raises(ValueError, match="automatic"):
            await deliveries.hand_over(tx, rig.house.kit, ticket, own, ticket.endpoint_id, cc=[bea])
