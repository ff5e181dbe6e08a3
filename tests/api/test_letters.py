"""A letter over HTTP: its page, its pictures, its bytes and head, its files; what is sent with copies, taken back, moved and let in."""

from typing import Any
from uuid import uuid4

import httpx

from channels._egress import Fetched, Refused
from channels.base import ConsentChange, File, Hints
from contactcenter.api import pictures
from contactcenter.desk import references
from contactcenter.models import Ticket
from tests.api.conftest import Open, assert_problem
from tests.desk_rig import Rig

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 24
HEAD = b"From: Rosa <rosa@lake.example>\r\nSubject: My\r\n bins\r\nX-Odd: a\xe2\x80\xaeb\r\n\r\nMy bins are full"


async def mailed(rig: Rig, sender: str = "rosa@lake.example", words: str = "My bins", **more: Any) -> Ticket:
    ticket = await rig.write("mail", sender, words, subject=more.pop("subject", "Bins"), **more)
    assert ticket is not None
    return ticket


async def first_id(rig: Rig, ticket: Ticket) -> str:
    return str((await rig.messages(ticket.reference))[0].id)


async def send(browser: httpx.AsyncClient, ref: str, words: str, **more: Any) -> httpx.Response:
    body = {"client_msg_id": str(uuid4()), "kind": "reply", "text": words, "expected_last_seq": 99, "send_anyway": True}
    return await browser.post(f"/api/tickets/{ref}/messages", json=body | more)


async def undo_window(rig: Rig, seconds: int = 10) -> None:
    await rig.run("UPDATE queue SET undo_s = :seconds", seconds=seconds)


async def test_the_pictures_of_a_letter_travel_in_its_page_and_nothing_else_loads(browse: Open, rig: Rig) -> None:
    page = '<p>See <img src="cid:hole@x" alt="a hole"> <img data-remote="https://track.example/x.gif" alt="a shop"></p>'
    ticket = await mailed(rig, html=page, files=(File("hole.png", "image/png", PNG, inline=True, content_id="hole@x"),))
    browser = await browse("ben")
    answer = await browser.get(f"/api/messages/{await first_id(rig, ticket)}/body")
    assert 'src="data:image/png;base64,' in answer.text
    assert "track.example" not in answer.text and "<i>a shop</i>" in answer.text
    policy = answer.headers["content-security-policy"]
    assert (
        policy.startswith("sandbox; default-src 'none'")
        and "img-src data:;" in policy
        and "'self'" not in policy.split("frame-")[0]
    )


async def test_pictures_of_the_sender_are_counted_and_never_fetched_from_a_closed_network(
    browse: Open, rig: Rig
) -> None:
    page = '<p><img data-remote="https://127.0.0.1:9/x.gif" alt="spy"><img data-remote="https://[::1]/y.gif"></p>'
    ticket = await mailed(rig, html=page)
    browser = await browse("ben")
    told = (await browser.get(f"/api/tickets/{ticket.reference}")).json()["messages"][0]
    assert told["pictures"] == 2
    answer = await browser.get(f"/api/messages/{told['id']}/body?pictures=1")
    assert "<i>spy</i>" in answer.text and "<img" not in answer.text
    asked = await rig.value("SELECT count(*) FROM event WHERE type = 'message.pictures_shown'")
    assert asked == 1


async def test_only_what_is_a_picture_by_its_bytes_is_put_into_a_page() -> None:
    async def fetch(address: str, *, most: int) -> Fetched:
        if "gone" in address:
            raise Refused("the server answered 404")
        return Fetched(PNG if "good" in address else b"<script>alert(1)</script>", "image/png", address)

    found = await pictures.fetched(["https://a.example/good", "https://a.example/bad", "https://a.example/gone"], fetch)
    assert list(found) == ["https://a.example/good"]


async def test_who_takes_the_original_or_reads_its_head_is_on_the_record(browse: Open, rig: Rig) -> None:
    ticket = await mailed(rig)
    message = await first_id(rig, ticket)
    await rig.run("UPDATE raw_event SET body = :body", body=HEAD)
    browser = await browse("ben")
    assert (await browser.get(f"/api/tickets/{ticket.reference}")).json()["messages"][0]["original"] is True
    whole = await browser.get(f"/api/messages/{message}/original")
    assert whole.content == HEAD and whole.headers["content-type"] == "message/rfc822"
    assert whole.headers["content-disposition"] == f'attachment; filename="message-{message}.eml"'
    head = (await browser.get(f"/api/messages/{message}/headers")).json()["headers"]
    assert {"name": "Subject", "value": "My bins"} in head
    assert {"name": "X-Odd", "value": "a[U+202E]b"} in head
    seen = await rig.rows(
        "SELECT actor_id, data->>'what' FROM event WHERE type = 'message.original_viewed' ORDER BY id"
    )
    ben = (await rig.staff("ben")).id
    assert [tuple(row) for row in seen] == [(ben, "original"), (ben, "headers")]


async def test_a_text_message_has_no_original_letter(browse: Open, rig: Rig) -> None:
    ticket = await rig.text("+12125550123", "The light is out")
    assert ticket is not None
    browser = await browse("ben")
    assert_problem(await browser.get(f"/api/messages/{await first_id(rig, ticket)}/original"), 404)


async def test_a_file_that_is_checked_or_infected_is_not_handed_out(browse: Open, rig: Rig) -> None:
    ticket = await mailed(rig, files=(File("bill.pdf", "application/pdf", b"%PDF-1.4"),))
    file = await rig.value("SELECT id FROM attachment")
    browser = await browse("ben")
    for scan in ("pending", "infected"):
        await rig.run("UPDATE attachment SET scan = :scan", scan=scan)
        assert_problem(await browser.get(f"/api/attachments/{file}"), 409, "file-not-open")
        told = (await browser.get(f"/api/tickets/{ticket.reference}")).json()["messages"][0]["files"][0]
        assert (told["scan"], told["picture"]) == (scan, False)


async def test_a_page_or_a_drawing_with_script_is_never_shown_as_a_picture(browse: Open, rig: Rig) -> None:
    await mailed(rig, files=(File("x.svg", "image/svg+xml", b"<svg onload=alert(1)>"),))
    browser = await browse("ben")
    file = await rig.value("SELECT id FROM attachment")
    assert_problem(await browser.get(f"/api/attachments/{file}/picture"), 404)


async def test_an_answer_with_copies_is_told_with_every_address_and_its_state(browse: Open, rig: Rig) -> None:
    ticket = await mailed(rig)
    browser = await browse("ben")
    answer = await send(browser, ticket.reference, "Friday.", cc=["maria@lake.example"], bcc=["boss@lake.example"])
    assert answer.status_code == 201, answer.text
    delivery = answer.json()["delivery"]
    assert {(copy["address"], copy["role"]) for copy in delivery["copies"]} == {
        ("maria@lake.example", "cc"), ("boss@lake.example", "bcc"),
    }  # fmt: skip
    assert [one["address"] for one in answer.json()["recipients"]["cc"]] == ["maria@lake.example"]
    said = (await browser.get(f"/api/tickets/{ticket.reference}")).json()["messages"]
    assert sum(message["text"] == "Friday." for message in said) == 1


async def test_whom_the_person_copied_is_offered_for_an_answer_to_all_and_we_are_not(browse: Open, rig: Rig) -> None:
    from channels.base import Address

    kind = rig.house.kit.channels["email"].capabilities.endpoint_kind
    to = tuple(Address(kind, a, a) for a in ("help+r.1.1.abcdefghijklmnop@riverdale.example", "jo@lake.example"))
    ticket = await mailed(rig, to=to, cc=(Address(kind, "maria@lake.example", "maria@lake.example", name="Maria"),))
    browser = await browse("ben")
    compose = (await browser.get(f"/api/tickets/{ticket.reference}")).json()["compose"]
    assert compose["copies"] and compose["cc"] == ["jo@lake.example", "maria@lake.example"]
    assert compose["subject"] == "Re: Bins"


async def test_an_answer_can_be_taken_back_until_it_leaves(browse: Open, rig: Rig) -> None:
    await undo_window(rig)
    ticket = await mailed(rig)
    browser = await browse("ben")
    assert (await browser.get(f"/api/tickets/{ticket.reference}")).json()["compose"]["undo_s"] == 10
    written = (await send(browser, ticket.reference, "Friday.")).json()
    assert written["delivery"]["state"] == "held" and written["delivery"]["undo_until"]
    path = f"/api/tickets/{ticket.reference}/messages/{written['id']}/delivery"
    assert (await browser.delete(path)).json() == {"text": "Friday."}
    page = (await browser.get(f"/api/tickets/{ticket.reference}")).json()
    assert page["draft"]["text"] == "Friday." and page["ticket"]["waiting_since"]
    assert page["messages"][-1]["delivery"]["state"] == "canceled"
    assert_problem(await browser.delete(path), 409, "already-on-its-way")


async def test_a_held_stranger_is_let_in_with_what_they_wrote(browse: Open, rig: Rig) -> None:
    ticket = await mailed(rig)
    token = references.reply_token(rig.house.kit.secret, ticket.id, ticket.endpoint_id)
    await mailed(rig, "kim@else.example", "I live there too", subject="Re: Bins", hints=Hints(reply_token=token))
    browser = await browse("ben")
    held = (await browser.get(f"/api/tickets/{ticket.reference}")).json()["messages"][-1]
    assert (held["visibility"], held["author"]["address"]) == ("held", "kim@else.example")
    path = f"/api/tickets/{ticket.reference}/messages/{held['id']}/acceptance"
    assert (await browser.post(path)).json()["visibility"] == "public"
    assert_problem(await browser.post(path), 409, "not-held")


async def test_a_like_subject_joins_nothing_and_moving_it_there_can_be_undone(browse: Open, rig: Rig) -> None:
    first, second = await mailed(rig), await mailed(rig, subject="Re: Bins", words="They are still full")
    browser = await browse("ben")
    row = (await browser.get(f"/api/tickets/{second.reference}")).json()["ticket"]
    assert row["maybe"] == {"ref": first.reference, "why": "like_subject"}
    message = await first_id(rig, second)
    moved = await browser.post(
        f"/api/tickets/{second.reference}/moves", json={"message_ids": [message], "to_ref": first.reference}
    )
    assert moved.json() == {"ref": first.reference, "message_ids": [message]}
    told = (await browser.get(f"/api/tickets/{first.reference}")).json()["messages"]
    assert [one["moved_from"] for one in told if one["id"] == message] == [second.reference]
    back = await browser.delete(f"/api/tickets/{first.reference}/moves/{message}")
    assert back.json()["ref"] == second.reference


async def test_nobody_moves_a_message_to_a_ticket_they_do_not_see(browse: Open, rig: Rig) -> None:
    mine = await mailed(rig)
    theirs = await rig.write("permit-mail", "rosa@lake.example", "A permit", subject="Permit")
    assert theirs is not None
    browser = await browse("ben")
    body = {"message_ids": [await first_id(rig, mine)], "to_ref": theirs.reference}
    assert_problem(await browser.post(f"/api/tickets/{mine.reference}/moves", json=body), 404)


async def test_an_agent_settles_words_that_may_have_meant_stop(browse: Open, rig: Rig) -> None:
    ticket = await rig.text("+12125550123", "The light is out")
    assert ticket is not None
    box = await rig.inbox("text")
    address = rig.house.kit.channels[box.channel]
    from channels.base import Address

    sender = Address(address.capabilities.endpoint_kind, "+12125550123", "+12125550123")
    await rig.receive(box, [ConsentChange(sender, "doubted", "leave me alone")])
    browser = await browse("ben")
    way = (await browser.get(f"/api/tickets/{ticket.reference}")).json()["compose"]["endpoints"][0]
    assert (way["may"], way["warn"]) == (True, "doubted")
    path = f"/api/contacts/{ticket.contact_id}/consents"
    settled = await browser.post(path, json={"endpoint_id": way["id"], "state": "revoked"})
    assert [one["consent"] for one in settled.json()["endpoints"]] == ["revoked"]
    compose = (await browser.get(f"/api/tickets/{ticket.reference}")).json()["compose"]
    assert (compose["can_reply"], compose["why_not"]) == (False, "opted_out")


async def test_a_text_is_measured_with_its_price_and_a_cheaper_spelling(browse: Open, rig: Rig) -> None:
    ticket = await rig.text("+12125550123", "The light is out")
    assert ticket is not None
    browser = await browse("ben")
    words = "It\u2019s " + "a" * 157
    counted = (await browser.post(f"/api/tickets/{ticket.reference}/measure", json={"text": words})).json()
    assert (counted["parts"], counted["dear"], counted["plain_parts"]) == (3, ["\u2019"], 2)
    assert counted["plain"] == words.replace("\u2019", "'")


async def test_supervisors_see_how_our_addresses_do_and_admins_try_them(browse: Open, rig: Rig) -> None:
    await rig.run(
        "INSERT INTO inbox_health (inbox_id, problem, problem_since, backlog, gaps) SELECT id, 'The password was refused.', "
        "clock_timestamp(), 3, 2 FROM inbox WHERE slug = 'mail' ON CONFLICT (inbox_id) DO UPDATE SET "
        "problem = EXCLUDED.problem, problem_since = EXCLUDED.problem_since, backlog = EXCLUDED.backlog, gaps = EXCLUDED.gaps"
    )
    sam, root = await browse("sam"), await browse("root")
    rows = (await sam.get("/api/inboxes")).json()
    assert (rows[0]["slug"], rows[0]["problem"], rows[0]["backlog"], rows[0]["gaps"]) == (
        "mail", "The password was refused.", 3, 2,
    )  # fmt: skip
    assert {row["slug"] for row in rows} == {"text", "mail", "permit-mail", "city"} and not any(
        row["can"] for row in rows
    )
    assert all(row["can"] == ["test:inbox"] for row in (await root.get("/api/inboxes")).json())
    assert (await root.post("/api/inboxes/mail/test")).json()["problem"] == ""
    assert_problem(await root.post("/api/inboxes/nowhere/test"), 404)


async def test_an_agency_says_it_in_its_own_words_and_takes_them_back(browse: Open, rig: Rig) -> None:
    root = await browse("root")
    own = {"key": "signature", "language": "en", "queue": "services", "body": "{staff}\nCity services"}
    assert (await root.put("/api/wordings", json=own)).status_code == 204
    assert (await root.put("/api/wordings", json=own | {"body": "{staff}"})).status_code == 204
    assert (await root.get("/api/wordings")).json() == [own | {"body": "{staff}"}]
    assert_problem(await root.put("/api/wordings", json=own | {"key": "no-such-text"}), 422)
    assert_problem(await root.put("/api/wordings", json=own | {"language": "fr"}), 422, "language")
    assert (await root.put("/api/wordings", json=own | {"body": " "})).status_code == 204
    assert (await root.get("/api/wordings")).json() == []
