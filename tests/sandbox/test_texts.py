"""Texts between the desk's own adapter and the sandbox, over real sockets."""

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from channels.base import (
    DeliveryState,
    ErrorClass,
    Inbound,
    Outbound,
    Raw,
    Receipt,
    TryLater,
    Undeliverable,
    Unsure,
    WebhookRequest,
)
from channels.sms import Sms
from contactcenter.sandbox import SandboxConfig
from tests.channels.sms.facts import FACTS, check_error, check_message, check_page
from tests.channels.sms.recordings import ACCOUNT, INBOX, OUR_ID, OURS, TOKEN
from tests.sandbox.conftest import Desk, running, watching

ANA = "+12025550142"


def answer(desk: Desk, text: str = "We will look at it today.") -> Outbound:
    callback = f"{desk.url}/channels/sms/main/status?m={OUR_ID}"
    return Outbound(OUR_ID, INBOX, ANA, text, callback_url=callback, written_at=datetime.now(UTC))


async def send(sms: Sms, outbound: Outbound) -> Any:
    return await sms.send(outbound, sms.render(outbound))


def read(sms: Sms, request: WebhookRequest) -> list[Any]:
    envelope = {
        "rest": request.rest,
        "content_type": request.headers["content-type"],
        "query": request.url.partition("?")[2],
    }
    return list(sms.parse(Raw("sms:main", sms.key(request), INBOX, envelope, datetime.now(UTC), request.body)))


async def phone(http: httpx.AsyncClient, number: str = ANA) -> list[dict[str, Any]]:
    return list((await http.get(f"/sandbox/phone/{number}/texts")).json()["texts"])


async def fault(http: httpx.AsyncClient, kind: str, **more: Any) -> None:
    (await http.post("/sandbox/faults", json={"kind": kind, **more})).raise_for_status()


async def write(http: httpx.AsyncClient, body: str, **more: Any) -> dict[str, Any]:
    response = await http.post(f"/sandbox/phone/{ANA}/texts", json={"to": OURS, "body": body, **more})
    return dict(response.raise_for_status().json())


def raw_api(http: httpx.AsyncClient, **kwargs: Any) -> Any:
    return http.request(url=f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json", auth=(ACCOUNT, TOKEN), **kwargs)


@pytest.mark.usefixtures("sandbox")
class TestFromTheDesk:
    async def test_an_answer_reaches_the_phone_and_each_step_is_reported(
        self, sms: Sms, desk: Desk, http: httpx.AsyncClient
    ) -> None:
        sent = await send(sms, answer(desk))
        assert sent.state is DeliveryState.QUEUED
        await desk.until(lambda: len(desk.requests) == 2)
        receipts = []
        for request in desk.requests:
            sms.verify(request)
            receipts += read(sms, request)
        assert [receipt.state for receipt in receipts] == [DeliveryState.SENT, DeliveryState.DELIVERED]
        assert {receipt.message_id for receipt in receipts} == {OUR_ID}
        assert {receipt.provider_id for receipt in receipts} == {sent.provider_id}
        [text] = await phone(http)
        assert (text["body"], text["status"], text["mine"]) == ("We will look at it today.", "delivered", False)

    async def test_a_text_that_cannot_be_delivered_says_why(
        self, sms: Sms, desk: Desk, http: httpx.AsyncClient
    ) -> None:
        await fault(http, "undelivered", code="30005")
        await send(sms, answer(desk))
        await desk.until(lambda: "undelivered" in desk.statuses())
        [receipt] = read(sms, desk.requests[-1])
        assert isinstance(receipt, Receipt)
        assert receipt.error is not None
        assert (receipt.error.kind, receipt.error.code) == (ErrorClass.BAD_ADDRESS, "30005")
        desk.requests.clear()
        await send(sms, answer(desk, "The fault is over"))
        await desk.until(lambda: desk.statuses() == ["sent", "delivered"])

    async def test_a_busy_provider_says_when_to_come_again(self, sms: Sms, desk: Desk, http: httpx.AsyncClient) -> None:
        await fault(http, "busy", seconds=7, times=2)
        for _ in range(2):
            with pytest.raises(TryLater) as caught:
                await send(sms, answer(desk))
            assert (caught.value.after, caught.value.error.kind) == (7, ErrorClass.THROTTLED)
        await send(sms, answer(desk))
        assert len(await phone(http)) == 1

    async def test_an_error_before_acceptance_is_found_to_be_nothing(
        self, sms: Sms, desk: Desk, http: httpx.AsyncClient
    ) -> None:
        await fault(http, "error_before")
        with pytest.raises(Unsure):
            await send(sms, answer(desk))
        assert await sms.find(answer(desk)) is None

    async def test_an_error_after_acceptance_is_found_to_be_a_text(
        self, sms: Sms, desk: Desk, http: httpx.AsyncClient
    ) -> None:
        await fault(http, "error_after")
        doubtful = answer(desk)
        with pytest.raises(Unsure):
            await send(sms, doubtful)
        found = await sms.find(doubtful)
        assert found is not None
        assert [text["sid"] for text in await phone(http)] == [found.provider_id]
        await desk.until(lambda: "delivered" in desk.statuses())
        assert read(sms, desk.requests[-1])[0].message_id == OUR_ID

    async def test_a_provider_that_hangs_leaves_us_unsure(
        self, sms: Sms, desk: Desk, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("channels._twilio.client.ANSWER_LIMIT", 0.3)
        await fault(http, "hang_after", seconds=1)
        doubtful = answer(desk)
        with pytest.raises(Unsure):
            await send(sms, doubtful)
        monkeypatch.undo()
        assert await sms.find(doubtful) is not None

    async def test_callbacks_may_come_twice(self, sms: Sms, desk: Desk, http: httpx.AsyncClient) -> None:
        await fault(http, "duplicate")
        await send(sms, answer(desk))
        await desk.until(lambda: len(desk.requests) == 4)
        assert desk.statuses() == ["sent", "sent", "delivered", "delivered"]
        assert len({sms.key(request) for request in desk.requests}) == 2

    async def test_callbacks_may_come_in_the_wrong_order(self, sms: Sms, desk: Desk, http: httpx.AsyncClient) -> None:
        await fault(http, "reorder")
        await send(sms, answer(desk))
        await desk.until(lambda: len(desk.requests) == 2)
        assert desk.statuses() == ["delivered", "sent"]

    async def test_callbacks_may_never_come(self, sms: Sms, desk: Desk, http: httpx.AsyncClient) -> None:
        await fault(http, "silent", times=None)
        async with watching(http) as news:
            await send(sms, answer(desk))
            while (await phone(http))[0]["status"] != "delivered":
                await news.until(f"phone:{ANA}")
        await http.delete("/sandbox/faults")
        await send(sms, answer(desk, "The next one is reported"))
        await desk.until(lambda: len(desk.requests) == 2)
        assert len({request.form.get("MessageSid") for request in desk.requests}) == 1

    async def test_a_phone_that_said_stop_gets_nothing_until_it_says_start(
        self, sms: Sms, desk: Desk, http: httpx.AsyncClient
    ) -> None:
        await write(http, "Stop")
        with pytest.raises(Undeliverable) as caught:
            await send(sms, answer(desk))
        assert (caught.value.error.kind, caught.value.error.code) == (ErrorClass.OPTED_OUT, "21610")
        await write(http, "START")
        await send(sms, answer(desk))

    async def test_a_number_that_cannot_be_is_refused(self, sms: Sms, desk: Desk) -> None:
        for number in ("12", "+1", "+1202555014299999", "nobody"):
            with pytest.raises(Undeliverable) as caught:
                await send(sms, replace(answer(desk), to=number))
            assert (caught.value.error.kind, caught.value.error.code) == (ErrorClass.BAD_ADDRESS, "21211")

    async def test_a_number_that_is_not_the_agencys_cannot_send(self, sms: Sms, desk: Desk) -> None:
        with pytest.raises(Undeliverable) as caught:
            await send(sms, replace(answer(desk), inbox=replace(INBOX, address="+12025550100")))
        assert caught.value.error.kind is ErrorClass.SENDER


@pytest.mark.usefixtures("sandbox")
class TestTheApi:
    async def test_its_answers_have_the_published_shape(self, sms: Sms, desk: Desk, http: httpx.AsyncClient) -> None:
        for number in range(3):
            await send(sms, answer(desk, f"Text {number}"))
        await desk.until(lambda: desk.statuses().count("delivered") == 3)
        page = (await raw_api(http, method="GET", params={"To": ANA, "PageSize": 2})).json()
        check_page(page, "messages", f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json?")
        assert [one["body"] for one in page["messages"]] == ["Text 2", "Text 1"]
        for one in page["messages"]:
            check_message(one)
            assert one["direction"] == "outbound-api"
            moment = datetime.strptime(one["date_sent"], FACTS["date"])
            assert abs(moment.timestamp() - time.time()) < 60
        last = (await http.get(page["next_page_uri"], auth=(ACCOUNT, TOKEN))).json()
        assert [one["body"] for one in last["messages"]] == ["Text 0"]
        assert last["next_page_uri"] is None
        one = (await http.get(page["messages"][0]["uri"], auth=(ACCOUNT, TOKEN))).json()
        assert one == page["messages"][0]

    async def test_a_list_can_be_narrowed(self, sms: Sms, desk: Desk, http: httpx.AsyncClient) -> None:
        await send(sms, answer(desk))
        today = datetime.now(UTC).date().isoformat()
        counts = {}
        for filters in (
            {"To": ANA, "From": OURS},
            {"To": OURS},
            {"From": ANA},
            {"DateSent": today},
            {"DateSent>": today},
            {"DateSent<": "2020-01-01"},
            {"DateSent": "2020-01-01"},
        ):
            page = (await raw_api(http, method="GET", params=filters)).json()
            counts[str(filters)] = len(page["messages"])
        assert list(counts.values()) == [1, 0, 0, 1, 1, 0, 0]

    @pytest.mark.parametrize("auth", [None, (ACCOUNT, "wrong"), ("AC1", TOKEN)])
    async def test_strangers_are_not_served(self, http: httpx.AsyncClient, auth: Any) -> None:
        response = await http.post(f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json", data={"To": ANA}, auth=auth)
        assert (response.status_code, response.json()["code"]) == (401, 20003)
        check_error(response.json(), 401)

    async def test_other_accounts_are_not_found(self, http: httpx.AsyncClient) -> None:
        response = await http.get("/2010-04-01/Accounts/AC1/Messages.json", auth=(ACCOUNT, TOKEN))
        assert (response.status_code, response.json()["code"]) == (404, 20404)

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"To": ""}, 21604),
            ({"From": ""}, 21603),
            ({"Body": ""}, 21602),
            ({"Body": "x" * 1601}, 21617),
            ({"StatusCallback": "nowhere"}, 21609),
            ({"StatusCallback": "http://my_desk/status"}, 21609),
            ({"To": "+15005550001"}, 21211),
            ({"To": "+15005550002"}, 21612),
            ({"To": "+15005550003"}, 21408),
            ({"To": "+15005550004"}, 21610),
            ({"To": "+15005550009"}, 21614),
            ({"MediaUrl": "nowhere"}, 21620),
        ],
    )
    async def test_wrong_parameters_are_refused(
        self, http: httpx.AsyncClient, changes: dict[str, str], code: int
    ) -> None:
        form = {"To": ANA, "From": OURS, "Body": "Hello"} | changes
        response = await raw_api(http, method="POST", data=form)
        assert (response.status_code, response.json()["code"]) == (400, code)
        check_error(response.json(), 400)
        assert await phone(http) == []


@pytest.mark.usefixtures("sandbox")
class TestFromAPhone:
    async def test_a_text_reaches_the_desk_signed(self, sms: Sms, desk: Desk, http: httpx.AsyncClient) -> None:
        text = await write(http, "The light at 5th & Main is out — again")
        assert text["accepted"]
        [request] = desk.requests
        sms.verify(request)
        [message] = read(sms, request)
        assert isinstance(message, Inbound)
        assert (message.text, message.external_id) == ("The light at 5th & Main is out — again", text["sid"])
        assert message.sender.canonical == ANA
        assert request.form.get("NumSegments") == "1"

    async def test_the_same_text_can_come_twice(self, sms: Sms, desk: Desk, http: httpx.AsyncClient) -> None:
        await write(http, "Once only", times=2)
        await write(http, "Known id", sid="SM42")
        await write(http, "Known id", sid="SM42")
        keys = [sms.key(request) for request in desk.requests]
        assert len(keys) == 4
        assert len(set(keys)) == 2
        assert len(await phone(http)) == 2

    async def test_a_desk_that_is_away_gets_the_text_later(self, desk: Desk, http: httpx.AsyncClient) -> None:
        desk.open = False
        text = await write(http, "Is anybody there?")
        assert not text["accepted"]
        desk.open = True
        await desk.until(lambda: len(desk.requests) == 1)
        async with watching(http) as news:
            while not (await phone(http))[0]["accepted"]:
                await news.until(f"phone:{ANA}")

    async def test_a_text_to_a_number_that_is_not_the_agencys_goes_nowhere(self, http: httpx.AsyncClient) -> None:
        response = await http.post(f"/sandbox/phone/{ANA}/texts", json={"to": "+12025550100", "body": "Hello"})
        assert response.status_code == 404


async def test_a_restart_continues(config: SandboxConfig, desk: Desk, sms: Sms, http: httpx.AsyncClient) -> None:
    desk.open = False
    async with running(replace(config, pace=30, retries=(30,))):
        await write(http, "Before the restart")
        await write(http, "STOP")
        await write(http, "START")
        await send(sms, answer(desk))
        await fault(http, "busy", times=None)
    desk.open = True
    async with running(config):
        await desk.until(lambda: len(desk.requests) == 5)
        assert desk.statuses() == ["sent", "delivered"]
        assert [text["body"] for text in await phone(http)] == [
            "Before the restart",
            "STOP",
            "You will get no more texts from this number. Reply START to get them again.",
            "START",
            "You will get texts from this number again. Reply HELP for help, STOP to end them.",
            "We will look at it today.",
        ]
        with pytest.raises(TryLater):
            await send(sms, answer(desk))


async def test_a_taken_port_is_said_so(config: SandboxConfig) -> None:
    async with running(config):
        with pytest.raises(OSError):
            async with asyncio.timeout(5), running(replace(config, data_file=config.data_file.with_name("other"))):
                pass
