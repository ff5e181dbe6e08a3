"""The one door for providers: signed or refused, once or again, kept even when it cannot be read."""

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import httpx

from channels.base import BadSignature, Capabilities, WebhookRequest
from tests.api.conftest import Open, assert_problem
from tests.channels.sms.signing import signature
from tests.desk.provider import MailProvider, stand_in
from tests.desk_rig import CHANNELS, Rig, move_in

PATH = "/channels/sms/text/messages"
FORM = "application/x-www-form-urlencoded"


def a_text(words: str = "The street light is out", **changes: str) -> list[tuple[str, str]]:
    fields = {
        "AccountSid": CHANNELS["TWILIO_ACCOUNT_SID"], "MessageSid": f"SM{uuid4().hex}", "From": "+12025550117",
        "To": "+12025550142", "Body": words, "NumMedia": "0",
    }  # fmt: skip
    return list((fields | changes).items())


async def post(
    browser: httpx.AsyncClient,
    pairs: Sequence[tuple[str, str]],
    path: str = PATH,
    token: str = CHANNELS["TWILIO_AUTH_TOKEN"],
) -> httpx.Response:
    signed = signature(f"{str(browser.base_url).rstrip('/')}{path}", pairs, token)
    headers = {"content-type": FORM, "x-twilio-signature": signed, "origin": "https://provider.example"}
    return await browser.post(path, content=urlencode(pairs), headers=headers)


async def test_a_signed_text_becomes_a_ticket_before_the_provider_is_answered(browse: Open, rig: Rig) -> None:
    answer = await post(await browse(), a_text("Hola, no llegó la basura en mi calle"))
    assert (answer.status_code, answer.text) == (200, "<Response/>")
    assert await rig.rows("SELECT status, language FROM ticket") == [("queued", "es")]
    assert await rig.value("SELECT state FROM raw_event") == "done"


async def test_the_same_webhook_again_is_a_success_and_nothing_doubles(browse: Open, rig: Rig) -> None:
    browser, pairs = await browse(), a_text()
    answers = [await post(browser, pairs) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {200}
    for table in ("raw_event", "ticket", "delivery", "queue_stay", "promise"):
        assert await rig.value(f"SELECT count(*) FROM {table}") == 1, table


async def test_the_same_webhook_in_parallel_is_one_message(browse: Open, rig: Rig) -> None:
    browser, pairs = await browse(), a_text()
    answers = await asyncio.gather(*[post(browser, pairs) for _ in range(5)])
    assert {answer.status_code for answer in answers} == {200}
    assert await rig.value("SELECT count(*) FROM message WHERE direction = 'in'") == 1


async def test_two_texts_of_a_new_person_at_once_are_one_matter(browse: Open, rig: Rig) -> None:
    browser = await browse()
    answers = await asyncio.gather(*[post(browser, a_text(f"Part {number} of my story")) for number in range(5)])
    assert {answer.status_code for answer in answers} == {200}
    assert await rig.rows("SELECT count(*), max(message_seq) FROM ticket") == [(1, 6)], (
        "five texts, one acknowledgement"
    )
    assert await rig.value("SELECT count(*) FROM raw_event WHERE state = 'done'") == 5


async def test_an_unsigned_webhook_is_refused_and_leaves_a_trace(browse: Open, rig: Rig) -> None:
    browser, pairs = await browse(), a_text()
    bare = await browser.post(PATH, content=urlencode(pairs), headers={"content-type": FORM})
    wrong = await post(browser, pairs, token="another token")
    other_account = await post(browser, a_text(AccountSid="AC" + "2" * 32))
    other_number = await post(browser, a_text(To="+12025550199"))
    for answer in (bare, wrong, other_account, other_number):
        assert_problem(answer, 403, "bad-signature")
    assert await rig.value("SELECT count(*) FROM raw_event") == 0
    seen = await rig.rows("SELECT agency_id, data->>'inbox' FROM event WHERE type = 'webhook.refused'")
    assert seen == [(rig.agency_id, "text")] * 4


async def test_a_flood_of_unsigned_webhooks_does_not_flood_the_log(browse: Open, rig: Rig) -> None:
    browser = await browse(address="203.0.113.7")
    for _ in range(65):
        assert (await browser.post(PATH, content=b"x=1", headers={"content-type": FORM})).status_code == 403
    assert 0 < await rig.value("SELECT count(*) FROM event WHERE type = 'webhook.refused'") <= 120


async def test_an_unknown_inbox_or_channel_is_not_there(browse: Open) -> None:
    browser = await browse()
    for path in ("/channels/sms/nowhere/messages", "/channels/fax/text/messages", "/channels/sms/mail/messages"):
        assert_problem(await post(browser, a_text(), path), 404)
    assert_problem(await browser.get(PATH), 403)


async def test_a_signed_text_that_cannot_be_read_is_kept_where_a_supervisor_sees_it(browse: Open, rig: Rig) -> None:
    assert (await post(await browse(), a_text(From=""))).status_code == 200
    supervisor = await browse("sam")
    (kept,) = (await supervisor.get("/api/unreadable")).json()
    assert (kept["channel"], kept["inbox"], kept["reason"]) == ("sms", "text", "no sender")
    assert (await supervisor.post(f"/api/unreadable/{kept['id']}/replay")).status_code == 204
    assert len((await supervisor.get("/api/unreadable")).json()) == 1, "still unreadable, still kept"
    assert await rig.value("SELECT count(*) FROM ticket") == 0


async def test_what_could_not_be_filed_is_read_again_once_it_was_repaired(browse: Open, rig: Rig) -> None:
    browser, pairs = await browse(), a_text()
    rules = await rig.value("SELECT channels::text FROM agency")
    await rig.run("UPDATE agency SET channels = channels - 'sms'")
    for _ in range(2):
        assert (await post(browser, pairs)).status_code == 200
    assert await rig.rows("SELECT state, body IS NOT NULL FROM raw_event") == [("failed", True)]
    await rig.run("UPDATE agency SET channels = CAST(:rules AS jsonb)", rules=rules)
    supervisor = await browse("sam")
    (kept,) = (await supervisor.get("/api/unreadable")).json()
    assert (await supervisor.post(f"/api/unreadable/{kept['id']}/replay")).status_code == 204
    assert await rig.value("SELECT body_text FROM message WHERE direction = 'in'") == "The street light is out"
    assert (await supervisor.get("/api/unreadable")).json() == []
    assert_problem(await supervisor.post(f"/api/unreadable/{kept['id']}/replay"), 404)
    assert await rig.value("SELECT count(*) FROM ticket") == 1


async def test_another_agencys_supervisor_neither_sees_nor_replays_it(browse: Open, rig: Rig) -> None:
    await move_in(rig)
    await post(await browse(), a_text(From=""))
    raw = await rig.value("SELECT id FROM raw_event")
    foreign = await browse("lee")
    assert (await foreign.get("/api/unreadable")).json() == []
    assert_problem(await foreign.post(f"/api/unreadable/{raw}/replay"), 404)


async def test_an_oversize_webhook_is_refused_unread(browse: Open, rig: Rig) -> None:
    browser = await browse()
    for size in (65 * 1024, 300 * 1024):
        assert_problem(await post(browser, a_text("x" * size)), 413, "too-large")
    assert await rig.value("SELECT count(*) FROM raw_event") == 0


async def test_receipts_come_in_by_the_same_door_in_any_order(browse: Open, rig: Rig) -> None:
    browser = await browse()
    await post(browser, a_text())
    message = await rig.value("SELECT message_id FROM delivery")
    await rig.run("UPDATE delivery SET state = 'sent', provider_id = 'SM9'")
    path = f"/channels/sms/text/status?m={message}"
    for status in ("delivered", "sent", "delivered", "queued"):
        pairs = [("AccountSid", CHANNELS["TWILIO_ACCOUNT_SID"]), ("MessageSid", "SM9"), ("From", "+12025550142"),
                 ("To", "+12025550117"), ("MessageStatus", status)]  # fmt: skip
        assert (await post(browser, pairs, path)).status_code == 200
    assert await rig.rows("SELECT state FROM delivery") == [("delivered",)]
    assert await rig.value("SELECT count(*) FROM event WHERE type = 'delivery.changed'") == 1


async def test_stop_by_webhook_bars_the_next_reply(browse: Open, rig: Rig) -> None:
    browser = await browse()
    await post(browser, a_text())
    await post(browser, a_text("STOP"))
    ticket = await rig.value("SELECT reference FROM ticket")
    agent = await browse("ben")
    wanted = {"client_msg_id": str(uuid4()), "kind": "reply", "text": "Friday.", "expected_last_seq": 9}
    body = assert_problem(await agent.post(f"/api/tickets/{ticket}/messages", json=wanted), 409, "cannot-reach")
    assert body["reason"] == "opted_out"


async def test_one_request_id_leads_from_the_webhook_to_the_delivery(browse: Open, rig: Rig) -> None:
    answer = await post(await browse(), a_text())
    request_id = answer.headers["x-request-id"]
    for table in ("raw_event", "delivery"):
        assert await rig.value(f"SELECT correlation FROM {table}") == request_id
    assert await rig.rows("SELECT DISTINCT correlation FROM event WHERE ticket_id IS NOT NULL") == [(request_id,)]


class MailByWebhook(MailProvider):
    """A provider that posts whole mails; they are read in a child, not here."""

    capabilities = Capabilities(endpoint_kind="email", max_text=100_000, pace="later", subjects=True, child=True)

    def __init__(self, refusal: BadSignature | None = None) -> None:
        super().__init__()
        self.refusal = refusal

    def verify(self, request: WebhookRequest) -> None:
        if self.refusal is not None:
            raise self.refusal

    def parse(self, raw: Any) -> list[Any]:
        raise AssertionError("whole mails are not parsed in the web process")


async def test_a_mail_by_webhook_is_kept_raw_answered_and_left_to_the_intake(browse: Open, rig: Rig) -> None:
    stand_in(rig, MailByWebhook())
    browser, body = await browse(), b"--b\r\n" + b"x" * 200_000
    for _ in range(2):
        kind = {"content-type": "multipart/form-data; boundary=b"}
        assert (await browser.post("/channels/email/mail/provider", content=body, headers=kind)).status_code == 200
    kept = await rig.rows("SELECT state, envelope->>'rest' AS rest, envelope->>'content_type' AS kind FROM raw_event")
    assert kept == [("new", "provider", "multipart/form-data; boundary=b")]
    assert await rig.value("SELECT count(*) FROM ticket") == 0


async def test_a_refusal_bears_the_status_that_the_provider_understands(browse: Open, rig: Rig) -> None:
    browser = await browse()
    for status, told in ((401, 1), (503, 1), (403, 2)):
        stand_in(rig, MailByWebhook(BadSignature("not now", status)))
        answer = await browser.post("/channels/email/mail/provider", content=b"x")
        assert answer.status_code == status
        assert (answer.headers.get("retry-after") == "5") == (status == 503)
        assert await rig.value("SELECT count(*) FROM event WHERE type = 'webhook.refused'") == told
    assert await rig.value("SELECT count(*) FROM raw_event") == 0
