"""One answer to several people, reports of delivery, and domains that ask us to slow down."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default

import pytest

from channels.base import ErrorClass, SendError, TryLater
from channels.email.domains import Domains
from channels.email.sending import Relay
from channels.email.writing import render
from tests.channels.email.mails import answer
from tests.channels.email.relay import FakeRelay, sending_to

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ANN, BEN, EVE = "ann@lake.example", "ben@hill.example", "eve@dale.example"


def wire(**changes: object) -> bytes:
    return render(answer(**changes), b"secret", NOW)


async def test_a_hidden_copy_stands_on_the_envelope_alone(relay: FakeRelay) -> None:
    changes = {"cc": (BEN,), "recipients": (ANN, BEN, EVE)}
    async with sending_to(relay) as sender:
        await sender.send(answer(**changes), wire(**changes))
    taken = relay.taken[0]
    assert taken.rcpt_tos == [ANN, BEN, EVE]
    message = message_from_bytes(bytes(taken.original_content or b""), policy=default)
    assert (message["To"], message["Cc"], message["Bcc"]) == (ANN, BEN, None)
    assert EVE.encode() not in bytes(taken.original_content or b"")


async def test_of_three_people_each_has_an_outcome_of_their_own(relay: FakeRelay) -> None:
    relay.refusals = {BEN: "550 5.1.1 no such user", EVE: "450 4.2.1 greylisted, come again"}
    changes = {"cc": (BEN, EVE)}
    async with sending_to(relay) as sender:
        sent = await sender.send(answer(**changes), wire(**changes))
    assert relay.taken[0].rcpt_tos == [ANN]
    assert {name: error.kind for name, error in sent.refused.items()} == {BEN: ErrorClass.BAD_ADDRESS}
    assert {name: error.kind for name, error in sent.later.items()} == {EVE: ErrorClass.UNREACHABLE}


async def test_when_all_of_several_are_refused_each_still_has_a_reason(relay: FakeRelay) -> None:
    relay.refusals = {ANN: "450 4.2.1 come again", BEN: "550 5.1.1 no such user"}
    async with sending_to(relay) as sender:
        sent = await sender.send(answer(cc=(BEN,)), wire(cc=(BEN,)))
        assert (set(sent.refused), set(sent.later)) == ({BEN}, {ANN})
        assert not relay.taken
        relay.refusals = {}
        await sender.send(answer(cc=(BEN,), recipients=(ANN,)), wire(cc=(BEN,)))
    assert relay.taken[0].rcpt_tos == [ANN]


async def test_reports_are_asked_for_only_where_they_are_offered(relay: FakeRelay) -> None:
    async with sending_to(relay) as sender:
        await sender.send(answer(), wire())
    assert relay.options == []
    relay.offers_reports = True
    async with sending_to(relay) as sender:
        await sender.send(answer(), wire())
        await sender.send(answer(automatic=True), wire(automatic=True))
    async with sending_to(relay, wants_success=True) as sender:
        await sender.send(answer(), wire())
    assert relay.options == ["NOTIFY=FAILURE,DELAY", "NOTIFY=NEVER", "NOTIFY=SUCCESS,FAILURE,DELAY"]
    assert len(relay.taken) == 4


@pytest.mark.parametrize(
    ("said", "id"),
    [
        ("250 2.0.0 Ok: queued as 4F2", ""),
        ("250 2.6.0 <AM0PR01.77@eur.example> [InternalId=12] Queued mail for delivery", "<AM0PR01.77@eur.example>"),
        (f"250 2.6.0 {answer().own_id} Queued mail for delivery", ""),
    ],
)
async def test_the_id_under_which_a_relay_sends_it_on_is_kept(relay: FakeRelay, said: str, id: str) -> None:
    relay.thanks = said
    async with sending_to(relay) as sender:
        assert (await sender.send(answer(), wire())).own_id == id


def test_the_id_that_amazon_gives_is_told_by_its_answer() -> None:
    here = Relay("email-smtp.eu-west-1.amazonaws.com", 587)
    said = "250 Ok 0102018f3c2a9d55-1f0a7c36-2d51-4b8e-9a51-aa0f7b1c9d11-000000"
    assert here._replaced_id("<c.1@riverton.example>", said.removeprefix("250 ")) == (
        "<0102018f3c2a9d55-1f0a7c36-2d51-4b8e-9a51-aa0f7b1c9d11-000000@eu-west-1.amazonses.com>"
    )


async def test_a_domain_that_asks_us_to_slow_down_is_left_alone_and_others_are_served(relay: FakeRelay) -> None:
    relay.refusals = {ANN: "421 4.7.0 too many mails, slow down"}
    async with sending_to(relay) as sender:
        for _ in range(2):
            with pytest.raises(TryLater) as caught:
                await sender.send(answer(), wire())
            assert caught.value.error.kind is ErrorClass.THROTTLED
        assert caught.value.after is not None and 0 < caught.value.after <= 60
        assert relay.asked.count(ANN) == 1
        await sender.send(answer(to=BEN), wire(to=BEN))
    assert [one.rcpt_tos for one in relay.taken] == [[BEN]]


async def test_each_throttling_doubles_the_rest_of_a_domain() -> None:
    domains = Domains()
    for expected in (60, 120, 240):
        domain = domains._of("lake.example")
        domain.rests_until = 0.0
        before = domain.rest
        with pytest.raises(TryLater):
            async with domains.turn(ANN):
                raise TryLater(SendError(ErrorClass.THROTTLED, "451 4.7.1"))
        assert before == expected


def test_what_the_agent_wrote_is_there_as_text_and_as_html() -> None:
    words = "Dear <Ann>,\n\nsee https://riverton.example/forms?a=1&b=2.\n\n- form A\n- form B"
    message = message_from_bytes(wire(text=words), policy=default)
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None and html is not None
    assert plain.get_content().replace("\r\n", "\n").rstrip("\n") == words
    page = html.get_content()
    assert "Dear &lt;Ann&gt;,<br>" in page
    assert '<a href="https://riverton.example/forms?a=1&amp;b=2">' in page
