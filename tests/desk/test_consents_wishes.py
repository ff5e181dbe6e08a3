"""Who may be written to, by what, and when; and how a wish that may mean no is settled."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from channels.base import Inbound, Proof
from contactcenter.desk import consents
from contactcenter.errors import Conflict, Forbidden, NotFound
from contactcenter.models import Endpoint, Ticket
from tests.desk_rig import Rig, move_in
from tests.texting import Texter


async def texted(rig: Rig) -> tuple[Texter, Ticket]:
    phone = Texter(rig)
    await phone.say("The street light is out on my street")
    return phone, (await phone.tickets())[0]


async def why(rig: Rig, ticket: Ticket, now: datetime | None = None, **more: Any) -> str | None:
    async with rig.house.database.transaction() as tx:
        endpoint = await tx.get_one(Endpoint, ticket.endpoint_id)
        return await consents.why_not(tx, endpoint, kit=rig.house.kit, now=now, **more)


async def decide(rig: Rig, who: str, endpoint_id: int, state: str) -> Endpoint:
    return await rig.act(who, lambda tx, staff, scope: consents.decide(tx, scope, staff, endpoint_id, state))  # type: ignore[arg-type]  # the test's word


def lines_on(messages: list[Any]) -> list[str]:
    return [m.line["key"] for m in messages if m.kind == "line" and m.line]


# --- what stops what ------------------------------------------------------------------------------------------------------

DAY = datetime(2026, 11, 24, 17, 0, tzinfo=UTC)


async def test_a_person_may_be_answered_by_day_and_night(rig: Rig) -> None:
    _phone, ticket = await texted(rig)
    for hour in range(24):
        assert await why(rig, ticket, DAY.replace(hour=hour)) is None
        assert await why(rig, ticket, DAY.replace(hour=hour), automatic=True) is None


@pytest.mark.parametrize(("number", "at", "quiet"), [
    ("+12125550117", "13:59", True), ("+12125550117", "14:00", False),  # New York, 9 in the morning
    ("+12125550117", "00:59", False), ("+12125550117", "01:00", True),  # 8 in the evening
    ("+13105550117", "16:59", True), ("+13105550117", "17:00", False),  # Los Angeles
    ("+13105550117", "03:59", False), ("+13105550117", "04:00", True),
    ("+442071838750", "17:00", False), ("+442071838750", "20:30", True),  # London
])  # fmt: skip
async def test_what_nobody_waits_for_keeps_the_quiet_hours_of_the_number(
    rig: Rig, number: str, at: str, quiet: bool
) -> None:
    phone = Texter(rig, number)
    await phone.say("The street light is out on my street")
    (ticket,) = await phone.tickets()
    hour, minute = map(int, at.split(":"))
    now = DAY.replace(hour=hour, minute=minute)
    assert await why(rig, ticket, now, proactive=True) == ("quiet" if quiet else None)


def test_where_a_number_may_be_in_several_zones_all_of_them_must_be_awake() -> None:
    both = ("America/New_York", "America/Los_Angeles")
    at = [hour for hour in range(24) if not consents.quiet(both, DAY.replace(hour=hour))]
    assert at == [0, 17, 18, 19, 20, 21, 22, 23], "9 in Los Angeles to 8 in New York"


async def test_an_address_that_tells_no_zone_is_in_the_agencys(rig: Rig) -> None:
    ticket = await rig.write("mail", "dana@example.org", "Hello")
    assert ticket is not None
    assert await why(rig, ticket, DAY.replace(hour=13, minute=30), proactive=True) == "quiet"
    assert await why(rig, ticket, DAY.replace(hour=14, minute=30), proactive=True) is None


@pytest.mark.parametrize(
    ("events", "asked", "unasked"), [(1, None, None), (2, None, "bad_address"), (3, None, "bad_address")]
)
async def test_an_address_that_failed_twice_gets_only_what_a_person_writes(
    rig: Rig, events: int, asked: str | None, unasked: str | None
) -> None:
    _phone, ticket = await texted(rig)
    await rig.run("UPDATE endpoint SET bad_events = :n, bad_since = clock_timestamp()", n=events)
    assert await why(rig, ticket, DAY) == asked
    assert await why(rig, ticket, DAY, automatic=True) == unasked
    assert await why(rig, ticket, DAY, proactive=True) == unasked


async def test_who_complained_gets_only_what_a_person_writes(rig: Rig) -> None:
    _phone, ticket = await texted(rig)
    await rig.run("UPDATE endpoint SET complained_at = clock_timestamp()")
    answers = [await why(rig, ticket, DAY, **more) for more in ({}, {"automatic": True}, {"proactive": True})]
    assert answers == [None, "complained", "complained"]


async def test_a_no_to_notices_leaves_the_service_alone(rig: Rig) -> None:
    _phone, ticket = await texted(rig)
    await rig.run(
        "INSERT INTO consent (endpoint_id, purpose, state) VALUES (:e, 'notice', 'revoked')", e=ticket.endpoint_id
    )
    answers = [await why(rig, ticket, DAY, **more) for more in ({}, {"automatic": True}, {"proactive": True})]
    assert answers == [None, None, "opted_out"]


async def test_a_channel_that_lets_us_answer_for_a_day_closes_after_it(rig: Rig) -> None:
    _phone, ticket = await texted(rig)
    channel = rig.house.kit.channels["sms"]
    channel.capabilities = replace(channel.capabilities, reply_window=timedelta(hours=24))  # type: ignore[misc]  # this one channel's
    try:
        heard = await rig.value("SELECT max(created_at) FROM message WHERE direction = 'in'")
        assert await why(rig, ticket, heard + timedelta(hours=24)) is None
        assert await why(rig, ticket, heard + timedelta(hours=24, seconds=1)) == "window"
        assert await why(rig, ticket, heard + timedelta(days=3), automatic=True) == "window"
    finally:
        del channel.capabilities


# --- stop -----------------------------------------------------------------------------------------------------------------


async def test_an_answer_held_for_undo_does_not_leave_after_stop(rig: Rig) -> None:
    phone, ticket = await texted(rig)
    await rig.run("UPDATE queue SET undo_s = 30")
    await rig.run("UPDATE agency SET channels = jsonb_set(channels, '{sms,live}', 'false')")
    await rig.reply("ben", ticket.reference, "We will repair it on Friday.")
    assert await rig.value("SELECT count(*) FROM delivery WHERE state = 'held'") == 1
    await phone.wish("STOP", "revoked")
    assert await rig.rows("SELECT DISTINCT state FROM delivery") == [("canceled",)]


async def test_one_no_ends_one_purpose_unless_the_agency_wants_all(rig: Rig) -> None:
    rig.clock.at = datetime(2026, 12, 1, 17, tzinfo=UTC)
    phone, _ticket = await texted(rig)
    await phone.wish("STOP", "revoked")
    assert await rig.rows("SELECT purpose FROM consent WHERE state = 'revoked'") == [("service",)]
    await rig.run("UPDATE agency SET channels = channels || '{\"revoke_all\": true}'")
    other = Texter(rig, "+12025550188")
    await other.wish("STOP", "revoked")
    ended = await rig.rows(
        "SELECT purpose FROM consent c JOIN endpoint e ON e.id = c.endpoint_id "
        "WHERE e.canonical = :n AND state = 'revoked' ORDER BY purpose",
        n=other.number,
    )  # fmt: skip
    assert ended == [("marketing",), ("notice",), ("service",)]


@pytest.mark.parametrize(("day", "count"), [("2027-01-30", 1), ("2027-01-31", 3)])
async def test_from_the_day_of_the_law_one_no_ends_all(rig: Rig, day: str, count: int) -> None:
    rig.clock.at = datetime.fromisoformat(f"{day}T17:00:00+00:00")
    await Texter(rig).wish("STOP", "revoked")
    assert await rig.value("SELECT count(*) FROM consent WHERE state = 'revoked'") == count


async def test_the_wish_is_kept_with_what_the_person_had_been_shown(rig: Rig) -> None:
    phone, _ticket = await texted(rig)
    await rig.run("UPDATE delivery SET state = 'delivered'")
    await phone.wish("STOP", "revoked")
    data = await rig.value("SELECT data FROM event WHERE type = 'consent.changed'")
    assert (data["why"], data["after"], data["purposes"]) == ("STOP", "revoked", ["service"])
    assert data["shown"].endswith("Reply STOP to get no more texts.")


async def test_nothing_a_person_writes_later_takes_their_no_back(rig: Rig) -> None:
    phone, ticket = await texted(rig)
    await phone.wish("STOP", "revoked")
    await phone.say("Is there any news?")
    await phone.wish("please do not text me", "doubted")
    assert await why(rig, ticket) == "opted_out"
    assert await rig.value("SELECT state FROM consent") == "revoked"


async def test_the_desk_says_nothing_to_stop_nor_to_start(rig: Rig) -> None:
    phone, _ticket = await texted(rig)
    before = await rig.value("SELECT count(*) FROM message WHERE direction = 'out'")
    await phone.wish("STOP", "revoked")
    await phone.wish("START", "given")
    assert await rig.value("SELECT count(*) FROM message WHERE direction = 'out'") == before


# --- another way ----------------------------------------------------------------------------------------------------------


async def with_mail(rig: Rig, ticket: Ticket, address: str, proof: Proof, level: str = "suspected") -> int:
    found: int = await rig.value(
        "INSERT INTO endpoint (agency_id, kind, raw, canonical, contact_id, proof, level) "
        "VALUES (:agency, 'email', :address, :address, :contact, :proof, :level) RETURNING id",
        agency=ticket.agency_id, address=address, contact=ticket.contact_id, proof=proof.value, level=level,
    )  # fmt: skip
    return found


async def test_after_stop_the_agent_is_told_of_another_way_and_nothing_goes_there_by_itself(rig: Rig) -> None:
    phone, ticket = await texted(rig)
    mail = await with_mail(rig, ticket, "dana@example.org", Proof.DMARC_ALIGNED)
    await phone.wish("STOP", "revoked")
    (line,) = [m.line for m in await rig.messages(ticket.reference) if m.line and m.line["key"] == "allowed_elsewhere"]
    assert line["params"] == {"endpoint": mail, "channel": "email", "shown": "dana@example.org"}
    assert await rig.value("SELECT count(*) FROM delivery WHERE endpoint_id = :id", id=mail) == 0


@pytest.mark.parametrize(("proof", "level", "offered"), [
    (Proof.NONE, "suspected", False), (Proof.CLAIMED, "suspected", False), (Proof.CLAIMED, "confirmed", True),
    (Proof.PROVIDER_ATTESTED, "suspected", True), (Proof.VERIFIED_LINK, "suspected", True),
])  # fmt: skip
async def test_an_address_that_somebody_only_typed_in_is_not_offered(
    rig: Rig, proof: Proof, level: str, offered: bool
) -> None:
    phone, ticket = await texted(rig)
    await with_mail(rig, ticket, "dana@example.org", proof, level)
    await phone.wish("STOP", "revoked")
    assert ("allowed_elsewhere" in lines_on(await rig.messages(ticket.reference))) is offered


async def test_the_address_that_was_allowed_in_so_many_words_comes_first(rig: Rig) -> None:
    _phone, ticket = await texted(rig)
    given = await with_mail(rig, ticket, "a@example.org", Proof.DMARC_ALIGNED)
    newer = await with_mail(rig, ticket, "b@example.org", Proof.DMARC_ALIGNED)
    stopped = await with_mail(rig, ticket, "c@example.org", Proof.DMARC_ALIGNED)
    for endpoint, state in ((given, "given"), (stopped, "revoked")):
        await rig.run(
            "INSERT INTO consent (endpoint_id, purpose, state) VALUES (:e, 'service', :s)", e=endpoint, s=state
        )
    async with rig.house.database.transaction() as tx:
        found = await consents.allowed_elsewhere(tx, rig.house.kit, ticket.contact_id, ticket.endpoint_id)
    assert [one.id for one in found] == [given, newer]


# --- doubt ----------------------------------------------------------------------------------------------------------------


async def test_words_that_may_mean_no_pause_the_desk_but_not_the_agent(rig: Rig) -> None:
    phone, ticket = await texted(rig)
    await phone.wish("please stop texting me", "doubted")
    assert (await why(rig, ticket), await why(rig, ticket, automatic=True)) == (None, "opted_out")
    shown = [m.line for m in await rig.messages(ticket.reference) if m.line and m.line["key"] == "consent_doubted"]
    assert [line["params"]["text"] for line in shown] == ["please stop texting me"]


@pytest.mark.parametrize(("state", "after"), [("given", None), ("revoked", "opted_out")])
async def test_an_agent_settles_the_doubt(rig: Rig, state: str, after: str | None) -> None:
    phone, ticket = await texted(rig)
    await phone.wish("please stop texting me", "doubted")
    await decide(rig, "ben", ticket.endpoint_id, state)
    assert await why(rig, ticket, automatic=True) == after
    told = await rig.rows(
        "SELECT actor_kind, data->>'before', data->>'after' FROM event WHERE type = 'consent.changed' ORDER BY id"
    )
    assert told[-1] == ("staff", "doubted", state)
    assert "consent_decided" in lines_on(await rig.messages(ticket.reference))


async def test_an_agents_no_cancels_what_waits(rig: Rig) -> None:
    _phone, ticket = await texted(rig)
    await decide(rig, "ben", ticket.endpoint_id, "revoked")
    assert await rig.rows("SELECT DISTINCT state FROM delivery") == [("canceled",)]


async def test_no_agent_takes_a_persons_stop_back(rig: Rig) -> None:
    phone, ticket = await texted(rig)
    await phone.wish("STOP", "revoked")
    with pytest.raises(Conflict) as refused:
        await decide(rig, "sam", ticket.endpoint_id, "given")
    assert refused.value.slug == "revoked" and await why(rig, ticket) == "opted_out"


async def test_only_who_sees_a_ticket_of_the_person_decides(rig: Rig) -> None:
    _phone, ticket = await texted(rig)
    await move_in(rig)
    for stranger in ("lu", "kim", "lee"):
        with pytest.raises(NotFound):
            await decide(rig, stranger, ticket.endpoint_id, "revoked")
    with pytest.raises(Forbidden):
        await decide(rig, "root", ticket.endpoint_id, "revoked")


async def test_a_doubted_wish_without_a_matter_is_heard_by_an_agent_and_not_acknowledged(rig: Rig) -> None:
    phone = Texter(rig)
    async with rig.house.database.transaction() as tx:
        from channels.base import ConsentChange

        await consents.change(
            tx, rig.agency_id, ConsentChange(phone.address(), "doubted", "stop texting me"), kit=rig.house.kit
        )
    await rig.receive(await rig.inbox("text"), [Inbound(phone.address(), "stop texting me", "SMx")])
    (ticket,) = await phone.tickets()
    assert ticket.status == "queued" and lines_on(await rig.messages(ticket.reference)) == ["consent_doubted"]
    assert await rig.value("SELECT count(*) FROM delivery") == 0
