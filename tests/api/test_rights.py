"""Every route as every role, and as another agency. A route without a line in the table fails the test."""

from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import uuid4

import httpx
import pytest

from channels.base import File
from contactcenter.models import Ticket
from tests.api.conftest import Open, assert_problem
from tests.desk_rig import Rig, move_in

UNKNOWN = {"{ref}": "RD-2222-2222", "{contact_id}": "999999", "{attachment_id}": "999999", "{offer_id}": "999999",
           "{message_id}": "00000000-0000-7000-8000-000000000000", "{raw_id}": "999999", "{slug}": "city",
           "{staff_id}": "999999", "{exclusion_id}": "999999", "{queue}": "services", "{closure_id}": "999999",
           "{upload_id}": "999999"}  # fmt: skip
NOTE = {"client_msg_id": "", "kind": "note", "text": "Ask the power company", "expected_last_seq": 2}
ALL = (200, 200, 200)


@dataclass(frozen=True)
class Route:
    """``answers``: to an agent of the queue, its supervisor, an admin. On a waiting ticket where one is needed."""

    method: str
    path: str
    answers: tuple[int, int, int]
    body: dict[str, Any] | None = None
    public: bool = False

    def __str__(self) -> str:
        return f"{self.method} {self.path} {sorted(self.body) if self.body else ''}"


ROUTES = [
    Route("POST", "/api/session", (401, 401, 401), {"username": "x", "password": "x"}, public=True),
    Route("DELETE", "/api/session", (204, 204, 204)),
    Route("GET", "/api/me", ALL),
    Route("PUT", "/api/me/intent", (200, 409, 409), {"intent": "available"}),
    Route("PUT", "/api/me/preferences", ALL, {"language": "es"}),
    Route("POST", "/api/socket-tickets", ALL),
    Route("GET", "/api/snapshot", ALL),
    Route("GET", "/api/tickets", ALL),
    Route("GET", "/api/tickets/{ref}", ALL),
    Route("GET", "/api/tickets/{ref}/messages", ALL),
    Route("POST", "/api/tickets/{ref}/messages", (201, 201, 403), NOTE),
    Route("POST", "/api/tickets/{ref}/messages", (201, 201, 403), {**NOTE, "kind": "reply", "text": "Friday."}),
    Route("DELETE", "/api/tickets/{ref}/messages/{message_id}/delivery", (404, 404, 404)),
    Route(
        "POST",
        "/api/tickets/{ref}/messages/{message_id}/resending",
        (404, 404, 404),
        {"endpoint_id": 999999, "client_msg_id": ""},
    ),
    Route("POST", "/api/tickets/{ref}/messages/{message_id}/acceptance", (409, 409, 403)),
    Route("POST", "/api/tickets/{ref}/moves", (200, 200, 403), {"message_ids": ["{message_id}"], "to_ref": None}),
    Route("DELETE", "/api/tickets/{ref}/moves/{message_id}", (409, 409, 409)),
    Route("POST", "/api/tickets/{ref}/measure", ALL, {"text": "Friday."}),
    Route("PUT", "/api/tickets/{ref}/draft", (204, 204, 204), {"text": "Fri"}),
    Route("POST", "/api/tickets/{ref}/assignment", (200, 200, 403)),
    Route("POST", "/api/tickets/{ref}/transfers", (200, 200, 403), {"queue": "housing"}),
    Route("POST", "/api/tickets/{ref}/closure", (403, 200, 403), {"reason": "done", "sentence": "Repaired."}),
    Route("POST", "/api/tickets/{ref}/reopening", (409, 409, 409), {"why": "It is dark"}),
    Route("GET", "/api/tickets/{ref}/waiting", ALL),
    Route("GET", "/api/tickets/{ref}/history", ALL),
    Route("POST", "/api/offers/{offer_id}/acceptance", (404, 404, 404)),
    Route("POST", "/api/offers/{offer_id}/refusal", (404, 404, 404), {"reason": "busy"}),
    Route("GET", "/api/queues", ALL),
    Route("GET", "/api/contacts/{contact_id}", ALL),
    Route("GET", "/api/board", (403, 200, 200)),
    Route("POST", "/api/contacts/{contact_id}/consents", (404, 404, 404), {"endpoint_id": 999999, "state": "given"}),
    Route("GET", "/api/messages/{message_id}/body", ALL),
    Route("GET", "/api/messages/{message_id}/original", ALL),
    Route("GET", "/api/messages/{message_id}/headers", ALL),
    Route("GET", "/api/attachments/{attachment_id}", ALL),
    Route("GET", "/api/attachments/{attachment_id}/picture", ALL),
    Route("GET", "/api/inboxes", (403, 200, 200)),
    Route("POST", "/api/inboxes/{slug}/test", (403, 403, 200)),
    Route("GET", "/api/wordings", (403, 403, 200)),
    Route("PUT", "/api/wordings", (403, 403, 204), {"key": "signature", "language": "en", "body": "City of Riverdale"}),
    Route("GET", "/api/unreadable", (403, 200, 200)),
    Route("POST", "/api/unreadable/{raw_id}/replay", (403, 404, 404)),
    Route("GET", "/api/audit", (403, 403, 200)),
    Route("GET", "/api/routing/rules", (403, 200, 200)),
    Route("PUT", "/api/routing/rules", (403, 422, 422), {"revision": 1, "why": "x", "rules": {}}),
    Route("GET", "/api/routing/rules/revisions", (403, 200, 200)),
    Route("POST", "/api/routing/preview", (403, 200, 200), {"queue": "services", "channel": "email"}),
    Route("POST", "/api/tickets/{ref}/override", (403, 404, 403), {"staff_id": 999999, "why": "She knows the street"}),
    Route("POST", "/api/tickets/{ref}/front", (403, 200, 403), {"why": "Promised by phone"}),
    Route("PUT", "/api/tickets/{ref}/priority", (403, 200, 403), {"priority": 2, "why": "No heating"}),
    Route("GET", "/api/tickets/{ref}/why-not/{staff_id}", (404, 404, 404)),
    Route("GET", "/api/contacts/{contact_id}/exclusions", (403, 200, 200)),
    Route("POST", "/api/contacts/{contact_id}/exclusions", (403, 404, 403), {"staff_id": 999999, "why": "Neighbours"}),
    Route("POST", "/api/exclusions/{exclusion_id}/lifting", (403, 404, 403), {"why": "Moved away"}),
    Route("PUT", "/api/queues/{queue}/surge", (403, 204, 403), {"until": None, "why": "It is over"}),
    Route("GET", "/api/routing/fairness", (403, 200, 200)),
    Route("GET", "/api/routing/calibration", (403, 200, 200)),
    Route("GET", "/api/emergency-closures", (403, 200, 200)),
    Route("POST", "/api/emergency-closures", (403, 201, 403), {"queue": "housing", "why": "No power"}),
    Route("POST", "/api/emergency-closures/{closure_id}/ending", (404, 404, 404)),
    Route("POST", "/api/uploads", (201, 201, 201), {"any": "bytes"}),
    Route("DELETE", "/api/uploads/{upload_id}", (204, 204, 204)),
    Route("GET", "/api/sites/{slug}", ALL, public=True),
    Route("GET", "/healthz", ALL, public=True),
    Route("GET", "/readyz", ALL, public=True),
]
OF_ONE = ("{ref}", "{contact_id}", "{message_id}", "{attachment_id}")
_numbers = count(100)


async def ticket_of(rig: Rig) -> tuple[Ticket, dict[str, str]]:
    """A fresh mail with HTML and a file, and what stands for it in addresses."""
    number = next(_numbers)
    ticket = await rig.write(
        "mail",
        f"p{number}@lake.example",
        "My bins",
        html="<p>My bins</p>",
        files=(File("bin.png", "image/png", b"\x89PNG\r\n\x1a\n"),),
    )
    assert ticket is not None
    message = (await rig.messages(ticket.reference))[0]
    file = await rig.value("SELECT id FROM attachment WHERE message_id = :id", id=message.id)
    names = {"{ref}": ticket.reference, "{contact_id}": str(ticket.contact_id), "{message_id}": str(message.id),
             "{attachment_id}": str(file)}  # fmt: skip
    return ticket, UNKNOWN | names


async def call(browser: httpx.AsyncClient, route: Route, names: dict[str, str]) -> httpx.Response:
    path = route.path
    for name, value in names.items():
        path = path.replace(name, value)
    body = filled(route)
    if body and "message_ids" in body:
        body["message_ids"] = [names["{message_id}"]]
    asked = {"name": "map.json"} if path == "/api/uploads" else None
    return await browser.request(route.method, path, json=body, params=asked)


def filled(route: Route, **more: Any) -> dict[str, Any] | None:
    """The route's body, with an id of its own where a message is written."""
    if route.body is None:
        return None
    return {**route.body, **({"client_msg_id": str(uuid4())} if "client_msg_id" in route.body else {}), **more}


async def test_the_table_names_every_route_there_is(browse: Open) -> None:
    browser = await browse()
    paths = (await browser.get("/openapi.json")).json()["paths"]
    there = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert there == {(route.method, route.path) for route in ROUTES}


@pytest.mark.parametrize(
    ("role", "username"), [(0, "ben"), (1, "sam"), (2, "root")], ids=["agent", "supervisor", "admin"]
)
async def test_each_role_may_do_what_the_table_says(browse: Open, rig: Rig, role: int, username: str) -> None:
    browser = await browse(username)
    for route in sorted(ROUTES, key=lambda one: (one.method, one.path) == ("DELETE", "/api/session")):
        _ticket, names = await ticket_of(rig)
        answer = await call(browser, route, names)
        expected = route.answers[role]
        assert answer.status_code == expected, f"{route} as {username}: {answer.status_code} {answer.text[:300]}"
        if expected >= 400:
            assert_problem(answer, expected)
    assert await rig.breaches() == {}


async def test_without_a_cookie_nothing_is_shown(browse: Open, rig: Rig) -> None:
    browser = await browse()
    _ticket, names = await ticket_of(rig)
    for route in ROUTES:
        answer = await call(browser, route, names)
        if route.public:
            assert answer.status_code in (200, 401), str(route)
        else:
            assert_problem(answer, 401, "not-signed-in")


@pytest.mark.parametrize(
    "username", ["lu", "kim", "lee", "max"], ids=["other queue", "agent there", "supervisor there", "admin there"]
)
async def test_a_foreign_ticket_does_not_exist(browse: Open, rig: Rig, username: str) -> None:
    await move_in(rig)
    ticket, names = await ticket_of(rig)
    before = await rig.rows("SELECT id, type FROM event WHERE ticket_id = :id", id=ticket.id)
    browser = await browse(username)
    for route in ROUTES:
        if not any(name in route.path for name in OF_ONE):
            continue
        foreign, unknown = await call(browser, route, names), await call(browser, route, UNKNOWN)
        assert_problem(foreign, 404, "not-found")
        assert foreign.content == unknown.content, str(route)
        assert foreign.headers.keys() == unknown.headers.keys(), str(route)
    assert await rig.rows("SELECT id, type FROM event WHERE ticket_id = :id", id=ticket.id) == before


async def test_lists_counts_and_boards_of_another_agency_are_empty(browse: Open, rig: Rig) -> None:
    await move_in(rig)
    ticket, _names = await ticket_of(rig)
    for username in ("kim", "lee", "max"):
        browser = await browse(username)
        snapshot = await browser.get("/api/snapshot")
        assert snapshot.json()["counts"] == {"mine": 0, "team": 0, "unassigned": 0}
        for path in (
            "/api/snapshot",
            "/api/tickets?view=team",
            "/api/queues",
            "/api/board",
            "/api/audit",
            "/api/unreadable",
        ):
            assert ticket.reference not in (await browser.get(path)).text
        queues = (await browser.get("/api/queues")).json()
        assert [(queue["slug"], queue["waiting"]) for queue in queues] == [("front", 0)]


async def test_moving_out_of_a_queue_ends_the_sight_of_its_tickets_at_once(browse: Open, rig: Rig) -> None:
    ticket, _names = await ticket_of(rig)
    browser = await browse("ben")
    assert (await browser.get(f"/api/tickets/{ticket.reference}")).status_code == 200
    await rig.run("DELETE FROM staff_queue")
    assert_problem(await browser.get(f"/api/tickets/{ticket.reference}"), 404)


async def test_opening_a_ticket_is_written_down(browse: Open, rig: Rig) -> None:
    ticket, _names = await ticket_of(rig)
    browser = await browse("ben")
    await browser.get(f"/api/tickets/{ticket.reference}")
    seen = await rig.rows("SELECT actor_id FROM event WHERE type = 'ticket.viewed' AND ticket_id = :id", id=ticket.id)
    assert seen == [((await rig.staff("ben")).id,)]


async def test_a_ticket_passed_on_to_other_eyes_is_shown_once_more_and_then_gone(browse: Open, rig: Rig) -> None:
    ticket, _names = await ticket_of(rig)
    browser = await browse("ben")
    passed = await browser.post(
        f"/api/tickets/{ticket.reference}/transfers", json={"queue": "housing", "note": "Please"}
    )
    assert passed.json()["queue"]["slug"] == "housing"
    assert_problem(await browser.get(f"/api/tickets/{ticket.reference}"), 404)
