"""Two machines that answer each other stop; nothing that came in is lost by it."""

from typing import Any

import pytest

from channels.base import Address, ErrorClass, Hints, Inbound, Item, Outbound, Raw, Receipt, SendError
from channels.base import DeliveryState as State
from contactcenter.desk import book
from contactcenter.desk.references import reply_token
from contactcenter.models import Inbox, Message
from tests.desk.test_threading import ANN, matter, our_id, token
from tests.desk_rig import LAKEVIEW, Rig, move_in

HELP = Address("email", "help@riverdale.example", "help@riverdale.example")
DAEMON = "mailer-daemon@relay.example"


async def acknowledged(rig: Rig, sender: str = ANN, words: str = "My bins", **more: Any) -> bool:
    ticket = await rig.write("mail", sender, words, **more)
    assert ticket is not None, "stored in any case"
    return bool(await rig.value("SELECT count(*) FROM delivery WHERE ticket_id = :id", id=ticket.id))


async def test_a_citizen_who_writes_to_us_by_name_is_acknowledged(rig: Rig) -> None:
    assert await acknowledged(rig)
    assert await acknowledged(rig, "bob@pond.example", to=(), cc=(HELP,))


@pytest.mark.parametrize("signs", [
    {"automation": "auto_reply"}, {"automation": "bulk"}, {"automation": "unknown"}, {"automation": "notification"},
    {"signals": ("x-auto-response-suppress",)}, {"hints": Hints(answered=True)},
])  # fmt: skip
async def test_any_sign_of_a_machine_silences_us(rig: Rig, signs: dict[str, Any]) -> None:
    assert not await acknowledged(rig, **signs)


async def test_we_never_acknowledge_ourselves(rig: Rig) -> None:
    assert not await acknowledged(rig, "permits@riverdale.example")
    assert not await acknowledged(rig, "Help+r.1.2.abcdefghij@riverdale.example".lower())
    assert not await acknowledged(rig, reply_to=HELP)


async def test_hidden_copies_and_lists_are_not_acknowledged(rig: Rig) -> None:
    somebody = Address("email", "list@city.example", "list@city.example")
    assert not await acknowledged(rig, to=(somebody,))
    assert not await acknowledged(rig, to=())


async def test_mail_passed_on_from_an_alias_was_written_to_us(rig: Rig) -> None:
    await rig.run("UPDATE inbox SET config = '{\"aliases\": \"Contact@city.example\"}' WHERE slug = 'mail'")
    alias = Address("email", "contact@city.example", "contact@city.example")
    assert await acknowledged(rig, to=(alias,))


async def test_twice_a_day_is_enough_for_one_address(rig: Rig) -> None:
    assert [await acknowledged(rig, words=f"Matter {number}") for number in range(4)] == [True, True, False, False]


async def test_twenty_an_hour_are_enough_for_one_domain(rig: Rig) -> None:
    got = [await acknowledged(rig, f"robot{number}@flood.example") for number in range(23)]
    assert got == [True] * 20 + [False] * 3
    assert await acknowledged(rig, "ann@calm.example"), "other domains are not punished"
    rig.clock.pass_by(minutes=61)
    assert await acknowledged(rig, "robot99@flood.example")
    assert await rig.value("SELECT count(*) FROM ticket") == 25, "and everything was kept"


async def test_an_agency_may_allow_a_domain_more(rig: Rig) -> None:
    await rig.run("UPDATE inbox SET config = '{\"acks_a_domain\": \"1\"}' WHERE slug = 'mail'")
    assert [await acknowledged(rig, f"p{number}@flood.example") for number in range(2)] == [True, False]


async def test_an_acknowledgement_never_carries_the_senders_words(rig: Rig) -> None:
    ticket = await rig.write("mail", ANN, "Buy cheap pills", subject="Cheap pills", name="Cheap Pills")
    assert ticket is not None
    (ours,) = [one for one in await rig.messages(ticket.reference) if one.direction == "out"]
    assert "pills" not in f"{ours.subject} {ours.body_text}".lower()


async def test_more_than_three_automatic_mails_in_ten_minutes_break_the_loop_once(rig: Rig) -> None:
    ticket = await matter(rig)
    for number in range(6):
        hints = token(rig, ticket)
        await rig.write("mail", ANN, f"I am away ({number})", hints=hints, automation="auto_reply")
        quiet = (await rig.ticket(ticket.reference)).quiet_since is not None
        assert quiet == (number >= 3)
    told = [one for one in await rig.messages(ticket.reference) if one.line and one.line["key"] == "loop_broken"]
    assert [one.visibility for one in told] == ["internal"]
    assert await rig.value("SELECT count(*) FROM event WHERE type = 'loop.broken'") == 1
    kept = [one for one in await rig.messages(ticket.reference) if one.automation == "auto_reply"]
    assert len(kept) == 6


async def test_automatic_mail_at_its_ease_breaks_nothing(rig: Rig) -> None:
    ticket = await matter(rig)
    for number in range(5):
        await rig.write("mail", ANN, f"Away ({number})", hints=token(rig, ticket), automation="auto_reply")
        await rig.run("UPDATE message SET created_at = created_at - interval '4 minutes'")
    assert (await rig.ticket(ticket.reference)).quiet_since is None


async def test_a_ticket_that_comes_back_again_and_again_falls_silent_and_still_reopens(rig: Rig) -> None:
    ticket = await matter(rig)
    for number in range(7):
        await rig.close("sam", ticket.reference)
        await rig.write("mail", ANN, f"Thank you for your mail ({number})", hints=token(rig, ticket))
        now = await rig.ticket(ticket.reference)
        assert now.status != "closed"
        assert (now.quiet_since is not None) == (number >= 5)
    assert await rig.value("SELECT count(*) FROM event WHERE type = 'loop.broken'") == 1


# --- two desks ------------------------------------------------------------------------------------------------------------


async def carry(rig: Rig, *, deaf: bool) -> int:
    """Deliver what waits from either desk to the other, as its relay and its listener would. ``deaf``: a gateway between them
    takes every sign of automatic mail out. Gives how many mails were carried."""
    waiting = await rig.rows(
        "SELECT d.id, d.message_id, e.canonical, m.inbox_id FROM delivery d JOIN endpoint e ON e.id = d.endpoint_id "
        "JOIN message m ON m.id = d.message_id WHERE d.state = 'queued' ORDER BY d.id"
    )
    channel = rig.house.kit.channels["email"]
    for row in waiting:
        await rig.run("UPDATE delivery SET state = 'sent' WHERE id = :id", id=row.id)
        sent = await _wire(rig, row)
        if deaf:
            sent = b"\r\n".join(
                line
                for line in sent.split(b"\r\n")
                if not line.lower().startswith((b"auto-submitted", b"x-auto", b"x-loop"))
            )
        to = next(box for box in await _boxes(rig) if box.address == row.canonical)
        envelope = {"from": "" if not deaf else "help@somewhere.example", "to": [row.canonical]}
        raw = Raw(f"email:{to.slug}", f"carried-{row.id}", book.channel_inbox(to), envelope, rig.clock(), sent)
        await rig.receive(to, channel.parse(raw), f"carried-{row.id}")
    return len(waiting)


async def _wire(rig: Rig, row: Any) -> bytes:
    async with rig.house.database.transaction() as tx:
        message = await tx.get_one(Message, row.message_id)
    box = next(one for one in await _boxes(rig) if one.id == message.inbox_id)
    outbound = Outbound(
        message_id=message.id, inbox=book.channel_inbox(box), to=row.canonical,
        text=message.body_text, subject=message.subject or "", own_id=message.external_id or "",
        automatic=message.author_kind == "system", sender_name=box.name,
        reply_token=reply_token(rig.house.kit.secret, message.ticket_id, 1),
    )  # fmt: skip
    rendered = rig.house.kit.channels["email"].render(outbound)
    assert isinstance(rendered, bytes)
    return rendered


async def _boxes(rig: Rig) -> list[Inbox]:
    async with rig.house.database.transaction() as tx:
        return list((await book.open_book(tx)).inboxes.values())


@pytest.mark.parametrize("deaf", [False, True])
async def test_two_desks_that_answer_each_other_stop(rig: Rig, deaf: bool) -> None:
    await move_in(rig, LAKEVIEW)
    await rig.write("mail", "help@lakeview.example", "We forward you this matter", name="Lakeview")
    carried = 0
    for _round in range(20):
        more = await carry(rig, deaf=deaf)
        carried += more
        if not more:
            break
    else:
        pytest.fail(f"after 20 rounds the desks still write to each other ({carried} mails)")
    assert 1 <= carried <= 4, "each desk acknowledges at most twice a day"
    assert await rig.value("SELECT count(*) FROM message WHERE direction = 'in'") == carried + 1, "all of it was kept"


# --- reports on what we sent ----------------------------------------------------------------------------------------------


def bounce(own_id: str = "", **more: Any) -> list[Item]:
    mail = Inbound(
        sender=Address("email", DAEMON, DAEMON),
        text="550 5.1.1 no such user",
        external_id="<d1@relay.example>",
        subject="Undelivered Mail Returned to Sender",
        automation="bounce",
        signals=("report",),
        **more,
    )
    error = SendError(ErrorClass.BAD_ADDRESS, "5.1.1", "no such user")
    return [mail, Receipt(own_id, State.UNDELIVERED, error=error, own_id=own_id, recipient=ANN)]  # fmt: skip


async def test_a_bounce_is_filed_on_the_ticket_of_the_message_it_is_about(rig: Rig) -> None:
    ticket = await matter(rig)
    await rig.run("UPDATE delivery SET state = 'sent'")
    (touched,) = await rig.receive(await rig.inbox("mail"), bounce(await our_id(rig, ticket)))
    assert touched.id == ticket.id and await rig.value("SELECT count(*) FROM ticket") == 1
    filed = [one for one in await rig.messages(ticket.reference) if one.automation == "bounce"]
    assert [(one.direction, one.visibility) for one in filed] == [("in", "internal")]
    staff = "SELECT d.state FROM delivery d JOIN message m ON m.id = d.message_id WHERE m.author_kind = 'staff'"
    assert await rig.value(staff) == "undelivered"


async def test_a_bounce_without_our_id_is_led_by_the_address_it_came_back_to(rig: Rig) -> None:
    ticket = await matter(rig)
    (touched,) = await rig.receive(await rig.inbox("mail"), bounce(hints=token(rig, ticket)))
    assert touched.id == ticket.id


async def test_a_bounced_acknowledgement_is_not_acknowledged(rig: Rig) -> None:
    ticket = await rig.write("mail", ANN, "My bins")
    assert ticket is not None
    (ours,) = [one for one in await rig.messages(ticket.reference) if one.direction == "out"]
    await rig.run("UPDATE delivery SET state = 'sent'")
    await rig.receive(await rig.inbox("mail"), bounce(ours.external_id or ""))
    assert await rig.value("SELECT count(*) FROM ticket") == 1
    assert await rig.value("SELECT count(*) FROM message WHERE direction = 'out'") == 1


async def test_a_report_on_mail_that_we_never_sent_bothers_nobody_and_is_kept(rig: Rig) -> None:
    (ticket,) = await rig.receive(await rig.inbox("mail"), bounce("<c.forged@elsewhere.example>"))
    assert (ticket.status, ticket.waiting_since) == ("closed", None)
    assert await rig.value("SELECT count(*) FROM queue_stay") == 0
    assert await rig.value("SELECT data->>'reason' FROM event WHERE type = 'ticket.closed'") == "no_action_needed"
    assert await rig.breaches() == {}


async def test_a_notice_of_a_machine_is_a_ticket_on_which_nobody_waits(rig: Rig) -> None:
    ticket = await rig.write("mail", "noreply@portal.example", "A citizen filled in a form", automation="notification")
    assert ticket is not None and (ticket.status, ticket.waiting_since) == ("queued", None)


async def test_a_bounce_of_one_agency_touches_no_ticket_of_another(rig: Rig) -> None:
    ticket = await matter(rig)
    await move_in(rig, LAKEVIEW)
    (there,) = await rig.receive(await rig.inbox("lake-mail"), bounce(await our_id(rig, ticket)))
    assert there.id != ticket.id and there.agency_id != ticket.agency_id
