"""What comes in is checked, never echoed, and what goes out cannot do harm."""

import json
from typing import Any
from uuid import uuid4

import httpx
import pytest

from channels.base import File
from contactcenter.models import Ticket
from tests.api.conftest import Open, assert_problem
from tests.api.test_rights import ROUTES, filled
from tests.desk_rig import Rig

PHONE, SECRET = "+12025550117", "078-05-1120-my-secret"


async def texted(rig: Rig) -> Ticket:
    ticket = await rig.text(PHONE, "The street light is out")
    assert ticket is not None
    return ticket


def letter(**changes: Any) -> dict[str, Any]:
    return {"client_msg_id": str(uuid4()), "kind": "reply", "text": "Friday.", "expected_last_seq": 2, **changes}


@pytest.mark.parametrize("extra", ["agency_id", "owner_id", "role", "__proto__"])
async def test_an_extra_field_is_refused_everywhere_and_nothing_changes(browse: Open, rig: Rig, extra: str) -> None:
    ticket = await texted(rig)
    supervisor, admin = await browse("sam"), await browse("root")
    events = await rig.value("SELECT count(*) FROM event")
    for route in ROUTES:
        if route.body is None:
            continue
        browser = admin if route.answers[1] == 403 else supervisor
        path = route.path.replace("{ref}", ticket.reference).replace("{offer_id}", "1")
        answer = await browser.request(route.method, path, json=filled(route, **{extra: SECRET}))
        assert_problem(answer, 422, "not-valid")
        assert SECRET not in answer.text
    assert await rig.value("SELECT count(*) FROM event") == events


@pytest.mark.parametrize("sign", ["\\u0000", "\\ud800", "\\udfff"], ids=["NUL", "high half", "low half"])
async def test_text_that_cannot_be_stored_is_refused_not_broken(browse: Open, rig: Rig, sign: str) -> None:
    ticket = await texted(rig)
    browser = await browse("sam")
    at = f"/api/tickets/{ticket.reference}"
    json_only = {"content-type": "application/json"}
    for method, path, body in [
        ("POST", "/api/session", {"username": "SIGN", "password": "x"}),
        ("POST", "/api/session", {"username": "x", "password": "SIGN"}),
        ("POST", f"{at}/messages", letter(text="SIGN")),
        ("POST", f"{at}/messages", letter(text="SIGN", kind="note")),
        ("POST", f"{at}/measure", {"text": "SIGN"}),
        ("PUT", f"{at}/draft", {"text": "SIGN"}),
        ("POST", f"{at}/transfers", {"queue": "housing", "note": "SIGN"}),
        ("POST", f"{at}/transfers", {"queue": "SIGN"}),
        ("POST", f"{at}/closure", {"reason": "done", "sentence": "SIGN"}),
        ("POST", f"{at}/reopening", {"why": "SIGN"}),
    ]:
        raw = json.dumps(body).replace("SIGN", f"a{sign}b")
        assert_problem(await browser.request(method, path, content=raw.encode(), headers=json_only), 422, "not-valid")


ODD_ADDRESSES = (
    "/api/tickets?queue=%00", "/api/tickets?after=%00", "/api/tickets?view=%00", "/api/tickets/RD-%00%00-2222",
    "/api/audit?kind=%00", "/api/tickets?after=99999999999999999999", "/api/contacts/99999999999999999999",
    "/api/contacts/-1", "/api/attachments/0", "/api/messages/nothing/body", "/api/sites/%00", "/api/audit?before=-1",
    "/api/audit?before=99999999999999999999999", "/api/audit?before=-99999999999999999999999",
    "/api/tickets/RD-2222-2222/messages?before=0", "/api/sites/%ed%a0%80", "/api/tickets?queue=%ed%a0%80",
)  # fmt: skip


@pytest.mark.parametrize("path", ODD_ADDRESSES)
async def test_no_address_breaks_the_desk(browse: Open, path: str) -> None:
    browser = await browse("root")
    answer = await browser.get(path)
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert_problem(answer, answer.status_code)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"null", b"[]", b"NaN", b'{"text": NaN}', b"\xff\xfe", b'{"text": ' + b"[" * 3000, b'"x"']
)
async def test_a_body_that_is_not_what_it_should_be_is_refused_in_words(browse: Open, rig: Rig, body: bytes) -> None:
    ticket = await texted(rig)
    browser = await browse("ben")
    answer = await browser.post(
        f"/api/tickets/{ticket.reference}/measure", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code in (400, 422)
    assert_problem(answer, answer.status_code)


async def test_what_was_sent_is_never_echoed(browse: Open, rig: Rig) -> None:
    ticket = await texted(rig)
    browser = await browse("ben")
    at = f"/api/tickets/{ticket.reference}"
    for answer in [
        await browser.post("/api/session", json={"username": SECRET, "password": [SECRET]}),
        await browser.post("/api/session", json={"username": SECRET, "password": SECRET}),
        await browser.post(f"{at}/messages", json=letter(kind=SECRET)),
        await browser.post(f"{at}/messages", json=letter(client_msg_id=SECRET)),
        await browser.post(f"{at}/closure", json={"reason": SECRET}),
        await browser.post(f"{at}/transfers", json={"queue": SECRET}),
        await browser.put("/api/me/intent", json={"intent": SECRET}),
        await browser.get(f"/api/tickets?view={SECRET}"),
        await browser.get(f"/api/messages/{SECRET}/body"),
        await browser.get(f"/nothing/{SECRET}"),
    ]:
        assert answer.status_code >= 400
        assert_problem(answer, answer.status_code)
        assert SECRET not in answer.text


async def test_a_request_that_is_too_large_is_refused(browse: Open, rig: Rig) -> None:
    ticket = await texted(rig)
    browser = await browse("ben")
    answer = await browser.post(f"/api/tickets/{ticket.reference}/measure", json={"text": "x" * 300_000})
    assert_problem(answer, 413, "too-large")


async def test_a_repeated_message_is_the_same_message_with_200(browse: Open, rig: Rig) -> None:
    ticket = await texted(rig)
    browser = await browse("ben")
    wanted = letter()
    first = await browser.post(f"/api/tickets/{ticket.reference}/messages", json=wanted)
    again = await browser.post(f"/api/tickets/{ticket.reference}/messages", json=wanted)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]


async def test_a_conflict_carries_what_the_agent_has_not_seen(browse: Open, rig: Rig) -> None:
    ticket = await texted(rig)
    await rig.reply("ana", ticket.reference, "We come on Friday.")
    browser = await browse("ben")
    body = assert_problem(
        await browser.post(f"/api/tickets/{ticket.reference}/messages", json=letter()), 409, "changed-meanwhile"
    )
    assert body["why"] == "colleague_replied"
    assert [change["text"] for change in body["changes"]] == ["We come on Friday."]


async def test_a_text_over_the_limit_says_the_limit(browse: Open, rig: Rig) -> None:
    ticket = await texted(rig)
    browser = await browse("ben")
    answer = await browser.post(f"/api/tickets/{ticket.reference}/messages", json=letter(text="x" * 1700))
    body = assert_problem(answer, 422, "too-long")
    assert (body["limit"], body["count"]) == (1600, 1700)


async def test_every_answer_is_dressed_for_safety(browse: Open, rig: Rig) -> None:
    browser = await browse("ben")
    for path in ("/api/me", "/api/tickets/RD-2222-2222", "/healthz", "/nothing", "/agent"):
        headers = (await browser.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer", path
        assert headers["x-request-id"], path
        if path.startswith("/api"):
            assert headers["cache-control"] == "no-store", path


# --- what citizens sent, shown to staff ---------------------------------------------------------------------------------


async def mailed(rig: Rig, file: File) -> tuple[str, int]:
    """(message id, attachment id) of a mail with HTML and a file."""
    await rig.write("mail", "ann@lake.example", "Hello", html="<p>Hello</p>", files=(file,))
    row = (await rig.rows("SELECT message_id, id FROM attachment"))[0]
    return str(row.message_id), row.id


async def test_the_html_of_a_mail_is_a_page_that_can_do_nothing(browse: Open, rig: Rig) -> None:
    message, _file = await mailed(rig, File("a.png", "image/png", b"x"))
    answer = await (await browse("ben")).get(f"/api/messages/{message}/body")
    policy = answer.headers["content-security-policy"]
    assert "sandbox" in policy and "allow-scripts" not in policy and "default-src 'none'" in policy
    assert "script-src" not in policy and "connect-src" not in policy
    assert answer.headers["content-type"].startswith("text/html") and "<p>Hello</p>" in answer.text
    assert "<script" not in answer.text


@pytest.mark.parametrize("name", ["bill.html", 'a"; x.svg', "línea \u202e exe.pdf", "..%2f..%2fetc", "a\r\nx-evil: 1"])
async def test_a_file_is_always_a_download(browse: Open, rig: Rig, name: str) -> None:
    _message, file = await mailed(rig, File(name, "text/html", b"<script>alert(1)</script>"))
    answer: httpx.Response = await (await browse("ben")).get(f"/api/attachments/{file}")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment; filename*=UTF-8''")
    assert "sandbox" in answer.headers["content-security-policy"] and "x-evil" not in answer.headers
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.content == b"<script>alert(1)</script>"
