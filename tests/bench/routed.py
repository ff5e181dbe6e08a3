"""From a ticket that is ready to an agent who has it, while agents keep closing theirs, beside a bare claim on NOTIFY."""

import asyncio
import json
from datetime import datetime

import asyncpg

from tests.bench import load, stage
from tests.bench.figures import Figure, percentile
from tests.bench.sockets import Person
from tests.bench.stage import Place, Stage
from tests.bench.texts import Citizens

AGENTS = ("ana", "ben", "lucia")
RATE = 4
ROUNDS = 3
BARE = "a row whose commit notifies, and a listener that claims it with one UPDATE"
GIVEN = """
SELECT extract(epoch FROM min(given.at) - min(ready.at))::float AS seconds FROM event ready
LEFT JOIN event given ON given.ticket_id = ready.ticket_id AND given.type IN ('ticket.offered', 'ticket.assigned')
WHERE ready.type = 'ticket.queued' AND ready.at >= $1 GROUP BY ready.ticket_id
"""


class Desk:
    """An agent who answers at once: whatever they are given is closed a moment later, so that there is always room."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self._closing: set[asyncio.Task[None]] = set()

    def heard(self, _at: float, frame: str) -> None:
        for item in json.loads(frame)[1]["items"]:
            owner = (item["ticket"] or {}).get("owner")
            if (
                item["type"] == "ticket.assigned"
                and owner
                and owner["name"].startswith(self.person.username.title()[:3])
            ):
                task = asyncio.ensure_future(self._close(item["ref"]))
                self._closing.add(task)
                task.add_done_callback(self._closing.discard)

    async def _close(self, ref: str) -> None:
        await asyncio.sleep(0.1)
        form = {"reason": "spam", "sentence": ""}
        (await self.person.http.post(f"/api/tickets/{ref}/closure", json=form)).raise_for_status()


async def measure(place: Stage, *, quick: bool) -> list[Figure]:
    async with stage.desk(place, "web", "router") as desk:
        people = [Person(desk, username) for username in AGENTS]
        try:
            for person in people:
                await person.sign_in()
                await person.open(Desk(person).heard)
                (await person.http.put("/api/me/intent", json={"intent": "available"})).raise_for_status()
            rounds = await _rounds(desk, 6 if quick else 10)
        finally:
            for person in people:
                await person.close()
    bare = [await _bare(place.database_url, 100) for _ in range(ROUNDS)]
    note = f"{RATE} new texts a second for three agents, each closed 0.1 s after it was given; times from the log"
    return [
        Figure("routing", f"Ready ticket to agent, p{share * 100:.0f}", "ms", [percentile(one, share) * 1000 for one in rounds],
               "less", target, [percentile(one, share) * 1000 for one in bare], BARE, note=note if share == 0.5 else "")
        for share, target in ((0.5, None), (0.99, 250))
    ]  # fmt: skip


async def _rounds(desk: Place, seconds: int) -> list[list[float]]:
    citizens = Citizens(desk)
    rounds = []
    for _ in range(ROUNDS):
        began: datetime = (await desk.rows("SELECT clock_timestamp() AS now"))[0]["now"]
        (await load.steady(desk.port, citizens.texts(RATE * seconds, known=0), RATE)).surely()
        await asyncio.sleep(1)
        took = [row["seconds"] for row in await desk.rows(GIVEN, began)]
        if len(took) != RATE * seconds or None in took:
            raise RuntimeError(f"{took.count(None)} of {len(took)} tickets were given to nobody")
        rounds.append(took)
    return rounds


async def _bare(url: str, count: int) -> list[float]:
    writer, claimer = await asyncpg.connect(url), await asyncpg.connect(url)
    took: list[float] = []
    ready = asyncio.Event()
    await writer.execute("CREATE TABLE IF NOT EXISTS bare_ticket (id int, at timestamptz, given timestamptz)")
    await claimer.add_listener("bare_ticket", lambda *_: ready.set())
    for number in range(count):
        ready.clear()
        await writer.execute(
            f"BEGIN; INSERT INTO bare_ticket VALUES ({number}, clock_timestamp()); SELECT pg_notify('bare_ticket', ''); COMMIT"
        )
        await asyncio.wait_for(ready.wait(), 5)
        row = await claimer.fetchrow(
            "UPDATE bare_ticket SET given = clock_timestamp() WHERE given IS NULL "
            "RETURNING extract(epoch FROM given - at)::float AS took"
        )
        took.append(row["took"])
        await asyncio.sleep(0.005)
    await writer.execute("DROP TABLE bare_ticket")
    await writer.close()
    await claimer.close()
    return took
