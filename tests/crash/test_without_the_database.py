"""PostgreSQL is gone for a while, as after a power failure: doors say "not now", and everything goes on by itself."""

import asyncio
from uuid import uuid4

import httpx
import pytest

from tests.crash.faults import (
    accepted_by_provider,
    everything_left,
    nothing_missed,
    provider_posts,
    start_postgres,
    stop_postgres,
)
from tests.people import Console, Phone
from tests.running_desk import WholeDesk, soon

pytestmark = pytest.mark.timeout(120)


async def test_a_hard_restart_of_the_database_loses_nothing_and_ends_no_process(
    desk: WholeDesk, http: httpx.AsyncClient
) -> None:
    ana = Console(desk, "ana")
    await ana.sign_in()
    await ana.follow()
    await ana.available()
    before = {role: process.pid for role, process in desk.processes().items()}
    citizens = [Phone(desk, f"+1210555013{number}", http) for number in range(8)]
    sids = [await phone.text("Hello, when does the library open on Sunday, please?") for phone in citizens[:4]]

    await asyncio.to_thread(stop_postgres, desk)
    refused_sid = f"SM{uuid4().hex}"
    refused = await provider_posts(desk, http, "+12105550140", refused_sid, "Is anybody there on Sundays at all?")
    assert refused.status_code == 503, "success is never said of what could not be kept"
    assert int(refused.headers["Retry-After"]) > 0
    assert (await http.get(f"{desk.url}/readyz")).status_code == 503
    assert (await http.get(f"{desk.url}/healthz")).status_code == 200
    assert (await ana.http.get("/api/snapshot")).status_code == 503
    sids += [await phone.text("Hello, is the pool open today? Thank you") for phone in citizens[4:]]

    await asyncio.to_thread(start_postgres, desk)
    await asyncio.to_thread(desk.wait_ready, 20)
    again = await provider_posts(desk, http, "+12105550140", refused_sid, "Is anybody there on Sundays at all?")
    assert again.status_code == 200
    sids.append(refused_sid)

    async def stored() -> bool:
        return bool(await desk.value("SELECT count(*) = $2 FROM message WHERE external_id = ANY($1)", sids, len(sids)))

    await soon(stored, 30, "every text to be stored")
    assert await desk.value("SELECT count(DISTINCT external_id) FROM message WHERE external_id = ANY($1)", sids) == len(
        sids
    )
    await answered(desk, ana, sids[0])
    await everything_left(desk)
    assert {len(await phone.received()) for phone in citizens[1:]} == {1}
    assert set(accepted_by_provider(desk).values()) == {1}
    await nothing_missed(desk, ana)
    assert {role: process.pid for role, process in desk.processes().items()} == before, "nobody had to be restarted"
    await ana.close()


async def answered(desk: WholeDesk, ana: Console, sid: str) -> None:
    """The router decides, the agent answers, the answer arrives."""

    async def hers() -> bool:
        return bool(
            await desk.value(
                "SELECT count(*) FROM ticket t JOIN message m ON m.ticket_id = t.id WHERE m.external_id = $1 "
                "AND t.owner_id IS NOT NULL",
                sid,
            )
        )

    await soon(hers, 15, "a decision of the router")
    ref = await desk.value(
        "SELECT t.reference FROM ticket t JOIN message m ON m.ticket_id = t.id WHERE m.external_id = $1", sid
    )
    await ana.reply_surely(ref, "From ten to four.")
