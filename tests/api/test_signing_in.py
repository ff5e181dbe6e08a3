"""Signing in and out: guessing is slow and tells nothing, and a session ends when it should."""

import asyncio

import httpx
import pytest

from tests.api.conftest import Open, assert_problem
from tests.desk_rig import PASSWORD, Rig


async def try_in(browser: httpx.AsyncClient, username: str, password: str) -> httpx.Response:
    return await browser.post("/api/session", json={"username": username, "password": password})


async def test_an_agent_signs_in_and_is_known_from_then_on(browse: Open) -> None:
    browser = await browse()
    answer = await try_in(browser, " Ben", PASSWORD)
    assert answer.status_code == 200
    me = answer.json()
    assert (me["username"], me["role"], [queue["slug"] for queue in me["queues"]]) == ("ben", "agent", ["services"])
    assert (await browser.get("/api/me")).json()["id"] == me["id"]
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie and "path=/" in cookie and "domain" not in cookie
    assert "password" not in answer.text


async def test_a_wrong_password_and_an_unknown_person_get_the_same_answer(browse: Open, rig: Rig) -> None:
    browser = await browse()
    await rig.run("UPDATE staff SET disabled_at = clock_timestamp() WHERE username = 'ana'")
    wrong, unknown = await try_in(browser, "ben", "not this"), await try_in(browser, "nobody", "not this")
    disabled = await try_in(browser, "ana", PASSWORD)
    assert_problem(wrong, 401, "wrong-credentials")
    assert (
        (wrong.status_code, wrong.content)
        == (unknown.status_code, unknown.content)
        == (disabled.status_code, disabled.content)
    )
    assert "set-cookie" not in wrong.headers


async def test_after_five_wrong_guesses_the_door_is_shut_alike_for_known_and_unknown(browse: Open) -> None:
    browser = await browse()
    for username in ("ben", "nobody"):
        for _ in range(5):
            assert (await try_in(browser, username, "not this")).status_code == 401
    known, unknown = await try_in(browser, "ben", PASSWORD), await try_in(browser, "nobody", "not this")
    assert_problem(known, 429, "too-many-attempts")
    assert (known.status_code, known.content, known.headers["retry-after"]) == (
        unknown.status_code, unknown.content, unknown.headers["retry-after"],
    )  # fmt: skip


async def test_guesses_in_parallel_are_counted_before_they_are_checked(browse: Open) -> None:
    browser = await browse()
    answers = await asyncio.gather(*[try_in(browser, "ben", f"guess {n}") for n in range(12)])
    assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 7


async def test_the_door_opens_again_after_a_quarter_of_an_hour(browse: Open, rig: Rig) -> None:
    browser = await browse()
    for _ in range(6):
        await try_in(browser, "ben", "not this")
    await rig.run("UPDATE login_attempt SET since = since - interval '16 minutes'")
    assert (await try_in(browser, "ben", PASSWORD)).status_code == 200


async def test_a_good_sign_in_forgets_the_bad_ones(browse: Open) -> None:
    browser = await browse()
    for _ in range(3):
        for _ in range(4):
            await try_in(browser, "ben", "not this")
        assert (await try_in(browser, "ben", PASSWORD)).status_code == 200


async def test_an_address_that_guesses_many_names_is_stopped(browse: Open) -> None:
    browser = await browse(address="203.0.113.9")
    statuses = [(await try_in(browser, f"name{n}", "x")).status_code for n in range(42)]
    assert statuses == [401] * 40 + [429] * 2
    assert (await try_in(await browse(), "ben", PASSWORD)).status_code == 200


async def test_refused_and_good_sign_ins_are_on_the_record(browse: Open, rig: Rig) -> None:
    await try_in(await browse(), "ben", "not this")
    await browse("ben")
    kinds = [row.type for row in await rig.rows("SELECT type FROM event WHERE type LIKE 'session.%' ORDER BY id")]
    assert kinds == ["session.refused", "session.opened"]


async def test_signing_out_ends_the_session_for_good(browse: Open) -> None:
    browser = await browse("ben")
    cookie = dict(browser.cookies)
    assert (await browser.delete("/api/session")).status_code == 204
    other = await browse()
    other.cookies.update(cookie)
    assert_problem(await other.get("/api/me"), 401, "not-signed-in")


@pytest.mark.parametrize(
    "end",
    [
        "UPDATE staff SET disabled_at = clock_timestamp() WHERE username = 'ben'",
        "UPDATE staff_session SET expires_at = clock_timestamp()",
        "UPDATE staff_session SET seen_at = clock_timestamp() - interval '2 hours'",
    ],
    ids=["disabled", "twelve hours", "two idle hours"],
)
async def test_a_session_ends_when_it_should(browse: Open, rig: Rig, end: str) -> None:
    browser = await browse("ben")
    await rig.run(end)
    assert_problem(await browser.get("/api/me"), 401, "not-signed-in")


async def test_a_made_up_cookie_is_nobody(browse: Open) -> None:
    browser = await browse()
    for made_up in (b"x", b"a" * 43, b"\xc3\xa9\xff", b'"', b";;=", b""):
        answer = await browser.get("/api/me", headers={b"cookie": b"cc=" + made_up})
        assert_problem(answer, 401, "not-signed-in")


async def test_the_cookie_is_stored_as_a_hash_only(browse: Open, rig: Rig) -> None:
    browser = await browse("ben")
    (key,) = dict(browser.cookies).values()
    assert await rig.value("SELECT count(*) FROM staff_session WHERE id_hash = :key", key=key.encode()) == 0
    assert await rig.value("SELECT count(*) FROM staff_session WHERE id_hash = sha256(:key)", key=key.encode()) == 1


@pytest.mark.parametrize(
    "headers", [{"origin": "https://elsewhere.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}]
)
async def test_a_request_from_a_foreign_page_is_refused(browse: Open, headers: dict[str, str]) -> None:
    browser = await browse("ben")
    if "origin" not in headers:
        del browser.headers["origin"]
    for method, path in (("POST", "/api/session"), ("PUT", "/api/me/intent"), ("DELETE", "/api/session")):
        assert_problem(await browser.request(method, path, headers=headers), 403, "foreign-origin")
    assert (await browser.get("/api/me")).status_code == 200


async def test_a_browser_that_sends_no_origin_may_vouch_for_the_same_one(browse: Open) -> None:
    browser = await browse("ben")
    del browser.headers["origin"]
    assert_problem(await browser.put("/api/me/intent", json={"intent": "away"}), 403)
    same = await browser.put("/api/me/intent", json={"intent": "away"}, headers={"sec-fetch-site": "same-origin"})
    assert same.status_code == 200
