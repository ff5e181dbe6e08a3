"""Pictures, closed doors, keywords and networks of their own, between the desk's adapters and the sandbox over real sockets."""

import base64
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from channels.base import DeliveryState, ErrorClass, Inbound, Raw, TryLater, Undeliverable
from channels.sms import Sms
from channels.whatsapp import WhatsApp
from contactcenter.sandbox import SandboxConfig
from tests.channels.contract import TOOLS
from tests.channels.sms.facts import check_media, check_message, check_page
from tests.channels.sms.recordings import ACCOUNT, INBOX, OURS, TOKEN
from tests.channels.sms.test_asking import JPEG, png
from tests.sandbox.conftest import Desk, running, watching
from tests.sandbox.test_texts import ANA, answer, fault, phone, raw_api, read, send, write

KEY = (ACCOUNT, TOKEN)
HOME = f"/2010-04-01/Accounts/{ACCOUNT}/Messages"


def picture(content: bytes, kind: str = "image/png") -> dict[str, str]:
    return {"type": kind, "data": base64.b64encode(content).decode()}


@pytest.mark.usefixtures("sandbox")
class TestPictures:
    async def test_a_picture_reaches_the_desk_through_the_providers_api(
        self, sms: Sms, desk: Desk, http: httpx.AsyncClient
    ) -> None:
        await write(http, "This one", files=[picture(png()), picture(JPEG, "image/jpeg")])
        [request] = desk.requests
        sms.verify(request)
        [message] = read(sms, request)
        assert isinstance(message, Inbound)
        assert [one.type for one in message.media] == ["image/png", "image/jpeg"]
        files = [await sms.fetch(INBOX, one) for one in message.media]
        assert [one.type for one in files] == ["image/png", "image/jpeg"]
        assert files[0].body == png()
        assert b"GPS" not in files[1].body

    async def test_a_picture_alone_is_a_text_too(self, sms: Sms, desk: Desk, http: httpx.AsyncClient) -> None:
        await write(http, "", files=[picture(png())])
        [message] = read(sms, desk.requests[0])
        assert (message.text, len(message.media)) == ("", 1)

    async def test_a_picture_may_not_be_there_at_first(self, sms: Sms, desk: Desk, http: httpx.AsyncClient) -> None:
        await fault(http, "media_late")
        await write(http, "Look", files=[picture(png())])
        [message] = read(sms, desk.requests[0])
        with pytest.raises(TryLater):
            await sms.fetch(INBOX, message.media[0])
        assert (await sms.fetch(INBOX, message.media[0])).body == png()

    async def test_the_files_of_a_text_have_the_published_shape(self, desk: Desk, http: httpx.AsyncClient) -> None:
        sid = (await write(http, "Look", files=[picture(png())]))["sid"]
        one = (await http.get(f"{HOME}/{sid}.json", auth=KEY)).json()
        check_message(one)
        assert (one["direction"], one["status"], one["num_media"]) == ("inbound", "received", "1")
        page = (await http.get(one["subresource_uris"]["media"], auth=KEY)).json()
        check_page(page, "media_list", f"{HOME}/{sid}/Media.json?")
        [file] = page["media_list"]
        check_media(file)
        assert (await http.get(file["uri"], auth=KEY)).json() == file

    async def test_strangers_get_no_file_from_the_api(self, desk: Desk, http: httpx.AsyncClient) -> None:
        await write(http, "Look", files=[picture(png())])
        url = desk.requests[0].form.get("MediaUrl0")
        assert (await http.get(url)).status_code == 401
        assert (await http.get(url, auth=KEY)).status_code == 307
        assert (await http.get(url.replace("Media/ME", "Media/MX"), auth=KEY)).status_code == 404

    async def test_too_much_and_what_is_no_picture_is_refused(self, desk: Desk, http: httpx.AsyncClient) -> None:
        for files in (
            [picture(b"x" * 5_242_881)],
            [picture(b"<svg/>", "image/svg+xml")],
            [{"type": "image/png", "data": "?"}],
        ):
            response = await http.post(f"/sandbox/phone/{ANA}/texts", json={"to": OURS, "body": "a", "files": files})
            assert response.status_code in (413, 422)
        assert (await http.post(f"/sandbox/phone/{ANA}/texts", json={"to": OURS})).status_code == 422
        assert desk.requests == []

    async def test_a_file_from_the_desk_is_fetched_and_shown(
        self, desk: Desk, sandbox: SandboxConfig, http: httpx.AsyncClient
    ) -> None:
        await write(http, "Look", files=[picture(png())])
        [mine] = (await phone(http))[0]["files"]
        url = f"{sandbox.url}/sandbox/media/{mine['sid']}"  # stands for a file that the desk serves
        form = {"To": ANA, "From": OURS, "MediaUrl": [url, url]}
        async with watching(http) as news:
            assert (await raw_api(http, method="POST", data=form)).status_code == 201
            while (await phone(http))[-1]["status"] != "delivered":
                await news.until(f"phone:{ANA}")
        theirs = (await phone(http))[-1]["files"]
        assert [one["type"] for one in theirs] == ["image/png", "image/png"]
        assert (await http.get(f"/sandbox/media/{theirs[0]['sid']}")).content == png()

    async def test_more_than_ten_files_are_refused(self, http: httpx.AsyncClient) -> None:
        form = {"To": ANA, "From": OURS, "MediaUrl": ["https://desk.riverton.example/a"] * 11}
        response = await raw_api(http, method="POST", data=form)
        assert (response.status_code, response.json()["code"]) == (400, 21623)


@pytest.mark.usefixtures("sandbox")
class TestClosedDoors:
    async def test_a_text_that_nobody_was_told_of_is_found_in_the_providers_list(
        self, sms: Sms, desk: Desk, http: httpx.AsyncClient
    ) -> None:
        began = datetime.now(UTC) - timedelta(minutes=1)
        await write(http, "Before")
        await fault(http, "closed")
        missed = await write(http, "In between", files=[picture(png())])
        await write(http, "After")
        await send(sms, answer(desk))
        assert not missed["accepted"]
        told = {sms.key(request) for request in desk.requests if request.rest == "messages"}
        listed = await sms.history(INBOX, began)
        assert [text["told"] for text in await phone(http) if text["mine"]] == ["received", "listed", "received"]
        texts = [
            sms.parse(Raw("sms:main", one.source_key, INBOX, one.envelope, datetime.now(UTC), one.body))[0]
            for one in listed
        ]
        assert [getattr(text, "text", "") for text in texts] == ["Before", "In between", "After"]
        [only] = [one for one in listed if one.source_key not in told]
        found = texts[listed.index(only)]
        assert isinstance(found, Inbound)
        assert found.external_id == missed["sid"]
        assert (await sms.fetch(INBOX, found.media[0])).body == png()
        assert await sms.history(INBOX, datetime.now(UTC) + timedelta(hours=1)) == []

    async def test_what_became_of_an_unreported_text_can_be_asked(
        self, sms: Sms, desk: Desk, http: httpx.AsyncClient
    ) -> None:
        await fault(http, "silent", times=None)
        sent = await send(sms, replace(answer(desk), to="+15005550070"))
        async with watching(http) as news:
            while (await phone(http, "+15005550070"))[0]["status"] != "undelivered":
                await news.until("phone:+15005550070")
        receipt = await sms.outcome(INBOX, sent.provider_id)
        assert receipt is not None
        assert receipt.error is not None
        assert (receipt.state, receipt.error.kind) == (DeliveryState.UNDELIVERED, ErrorClass.BLOCKED)
        assert (await phone(http, "+15005550070"))[0]["told"] == ""
        assert await sms.outcome(INBOX, "SM" + "0" * 32) is None

    async def test_reports_may_come_late(self, sms: Sms, desk: Desk, http: httpx.AsyncClient) -> None:
        await fault(http, "late", seconds=0.3)
        async with watching(http) as news:
            await send(sms, answer(desk))
            while (await phone(http))[0]["status"] != "delivered":
                await news.until(f"phone:{ANA}")
        assert desk.statuses() == []
        await desk.until(lambda: desk.statuses() == ["sent", "delivered"])


@pytest.mark.usefixtures("sandbox")
class TestKeywords:
    async def test_the_provider_answers_stop_help_and_start_by_itself_and_says_so(
        self, sms: Sms, desk: Desk, http: httpx.AsyncClient
    ) -> None:
        for body in ("Yes", "Stop.", "help", "UNSTOP"):
            await write(http, body)
        assert [one.form.get("OptOutType") for one in desk.requests] == ["", "STOP", "HELP", "START"]
        answered = [read(sms, one)[-1].hints.answered for one in desk.requests]
        assert answered == [False, True, True, True]
        theirs = [text for text in await phone(http) if not text["mine"]]
        assert [text["by_provider"] for text in theirs] == [True] * 3
        assert "START" in theirs[0]["body"]

    async def test_a_repeat_is_not_answered_again(self, desk: Desk, http: httpx.AsyncClient) -> None:
        for _ in range(3):
            await write(http, "HELP", sid="SM42")
        assert len(await phone(http)) == 2


# --- a network of its own ---------------------------------------------------------------------------------------------


@pytest.fixture
async def other(config: SandboxConfig, desk: Desk) -> AsyncIterator[SandboxConfig]:
    url = f"{desk.url}/channels/whatsapp/wa/messages"
    async with running(replace(config, numbers={f"whatsapp:{OURS}": url})):
        yield config


@pytest.fixture
async def whatsapp(config: SandboxConfig) -> AsyncIterator[WhatsApp]:
    settings = {"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": TOKEN, "TWILIO_API_URL": config.url}
    made = WhatsApp.from_env(settings | {"WHATSAPP_ENABLED": "1"}, TOOLS)
    assert made is not None
    yield made
    await made.close()


async def test_a_conversation_on_another_network_runs_under_its_own_addresses(
    other: SandboxConfig, whatsapp: WhatsApp, desk: Desk, http: httpx.AsyncClient
) -> None:
    await http.post(f"/sandbox/phone/{ANA}/texts", json={"to": f"whatsapp:{OURS}", "body": "STOP"})
    [request] = desk.requests
    whatsapp.verify(request)
    assert "OptOutType" not in dict(request.form.pairs()), "no carrier stands between"
    message: Any = read_as(whatsapp, request)[-1]
    assert (message.sender.canonical, message.sender.name) == (ANA, "A citizen")
    outbound = replace(answer(desk), to=ANA)
    await whatsapp.send(outbound, whatsapp.render(outbound))
    await desk.until(lambda: "read" in desk.statuses())
    assert desk.statuses() == ["sent", "delivered", "read"]
    assert [text["body"] for text in await phone(http)] == ["STOP", outbound.text]


async def test_nobody_who_did_not_write_within_a_day_can_be_written_to_there(
    other: SandboxConfig, whatsapp: WhatsApp, desk: Desk
) -> None:
    outbound = replace(answer(desk), to="+12025550188")
    await whatsapp.send(outbound, whatsapp.render(outbound))
    await desk.until(lambda: "undelivered" in desk.statuses())
    [receipt] = read_as(whatsapp, desk.requests[-1])
    assert receipt.error.kind is ErrorClass.WINDOW


def read_as(channel: WhatsApp, request: Any) -> list[Any]:
    envelope = {"rest": request.rest, "query": request.url.partition("?")[2]}
    return list(channel.parse(Raw("x", "k", INBOX, envelope, datetime.now(UTC), request.body)))


async def test_a_refused_number_is_no_delivery(sandbox: SandboxConfig, sms: Sms, desk: Desk) -> None:
    for number, kind in (("+15005550009", ErrorClass.BAD_ADDRESS), ("+15005550003", ErrorClass.SENDER)):
        with pytest.raises(Undeliverable) as caught:
            await send(sms, replace(answer(desk), to=number))
        assert caught.value.error.kind is kind
