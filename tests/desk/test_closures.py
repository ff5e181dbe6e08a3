"""A matter ends with a reason and a sentence that the citizen can read and contest."""

import pytest

from contactcenter.desk import closures, reopening
from contactcenter.errors import Conflict, Forbidden, Refused
from contactcenter.models import Ticket
from tests.desk_rig import Rig

ANN, PHONE = "ann@lake.example", "+12025550117"


async def owned(rig: Rig) -> Ticket:
    await rig.on_duty("ben")
    ticket = await rig.text(PHONE, "The street light is out")
    assert ticket is not None
    await rig.route()
    return await rig.ticket(ticket.reference)


@pytest.mark.parametrize("reason", [one for one in closures.REASONS if one not in closures.SILENT])
async def test_a_closure_needs_a_sentence(rig: Rig, reason: str) -> None:
    ticket = await owned(rig)
    for nothing in ("", "  \n", "\x00"):
        with pytest.raises(Refused) as refused:
            await rig.close("ben", ticket.reference, reason, nothing)
        assert refused.value.slug == "empty"
    assert (await rig.ticket(ticket.reference)).status == "assigned"


@pytest.mark.parametrize("reason", closures.SILENT)
async def test_spam_and_duplicates_close_without_a_word(rig: Rig, reason: str) -> None:
    ticket = await owned(rig)
    before = await rig.value("SELECT count(*) FROM delivery")
    await rig.close("ben", ticket.reference, reason, "")
    assert (await rig.ticket(ticket.reference)).status == "closed"
    assert await rig.value("SELECT count(*) FROM delivery") == before


async def test_a_sentence_that_is_too_long_is_refused_with_the_limit(rig: Rig) -> None:
    ticket = await owned(rig)
    with pytest.raises(Refused) as refused:
        await rig.close("ben", ticket.reference, "done", "x" * (closures.MAX_SENTENCE + 1))
    assert refused.value.extras == {"limit": closures.MAX_SENTENCE, "count": closures.MAX_SENTENCE + 1}
    await rig.close("ben", ticket.reference, "done", "x" * closures.MAX_SENTENCE)


async def test_closing_frees_the_agent_and_leaves_nothing_open(rig: Rig) -> None:
    ticket = await owned(rig)
    await rig.close("ben", ticket.reference)
    ben, after = await rig.staff("ben"), await rig.ticket(ticket.reference)
    assert (ben.primary_units, ben.state) == (0, "ready")
    assert (after.owner_id, after.waiting_since, after.due_at, after.next_action_at) == (None, None, None, None)
    assert await rig.rows("SELECT end_how FROM assignment") == [("closed",)]
    assert await rig.breaches() == {}


async def test_closing_a_waiting_ticket_ends_its_stay_as_closed_by_staff(rig: Rig) -> None:
    ticket = await rig.text(PHONE, "The street light is out")
    assert ticket is not None
    await rig.close("sam", ticket.reference)
    assert await rig.rows("SELECT how FROM queue_stay") == [("closed_by_staff",)]


async def test_closing_while_it_is_on_offer_takes_the_offer_back(rig: Rig) -> None:
    await rig.on_duty("ana")
    ticket = await rig.write("city", "v-1", "Is the office open?")
    assert ticket is not None
    await rig.route()
    await rig.close("sam", ticket.reference)
    assert await rig.rows("SELECT result FROM offer") == [("rescinded",)]
    assert (await rig.staff("ana")).primary_units == 0
    assert await rig.breaches() == {}


async def test_only_its_agent_or_a_supervisor_closes_a_ticket(rig: Rig) -> None:
    ticket = await owned(rig)
    for other in ("ana", "root"):
        with pytest.raises(Forbidden):
            await rig.close(other, ticket.reference)
    await rig.close("sam", ticket.reference)


async def test_closing_twice_says_that_it_is_closed(rig: Rig) -> None:
    ticket = await owned(rig)
    await rig.close("ben", ticket.reference)
    with pytest.raises(Conflict) as again:
        await rig.close("sam", ticket.reference)
    assert again.value.extras["why"] == "closed"
    assert await rig.value("SELECT count(*) FROM closure") == 1


async def test_the_closing_mail_stands_in_the_citizens_thread_and_language(rig: Rig) -> None:
    ticket = await rig.write("mail", ANN, "Hola, no llegó la basura en mi calle", subject="Basura")
    assert ticket is not None
    await rig.close("sam", ticket.reference, sentence="Ya se recogió.")
    last = (await rig.messages(ticket.reference))[-1]
    assert last.body_text.startswith("Ya se recogió.") and ticket.reference in last.body_text
    assert (last.subject, last.language) == ("Basura", "es")
    assert last.external_id and last.external_id.endswith("@riverdale.example>")


async def test_reopening_puts_it_back_as_a_new_arrival_with_the_reason(rig: Rig) -> None:
    ticket = await owned(rig)
    await rig.close("ben", ticket.reference)
    rig.clock.pass_by(hours=1)
    now = rig.clock()
    await rig.act(
        "sam", lambda tx, staff, scope: reopening.reopen(tx, scope, staff, ticket.reference, "Not repaired", now)
    )
    after = await rig.ticket(ticket.reference)
    assert (after.status, after.arrived_at, after.closed_at) == ("queued", now, None)
    assert after.next_action_at is not None
    assert await rig.value("SELECT undone_at FROM closure") == now
    assert await rig.value("SELECT data->>'why' FROM event WHERE type = 'ticket.reopened'") == "Not repaired"


async def test_an_admin_cannot_reopen_and_hears_why(rig: Rig) -> None:
    ticket = await owned(rig)
    await rig.close("ben", ticket.reference)
    with pytest.raises(Forbidden):
        await rig.act(
            "root", lambda tx, staff, scope: reopening.reopen(tx, scope, staff, ticket.reference, "", rig.clock())
        )
    assert (await rig.ticket(ticket.reference)).status == "closed"


async def test_an_open_ticket_cannot_be_reopened(rig: Rig) -> None:
    ticket = await owned(rig)
    with pytest.raises(Conflict) as refused:
        await rig.act(
            "sam", lambda tx, staff, scope: reopening.reopen(tx, scope, staff, ticket.reference, "", rig.clock())
        )
    assert refused.value.slug == "not-closed"
