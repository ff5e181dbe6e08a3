"""How fast a signed text is verified, kept, threaded onto a ticket and committed, beside one INSERT."""

from dataclasses import dataclass, field

from tests.bench import load, stage
from tests.bench.figures import Figure
from tests.bench.stage import Stage
from tests.bench.texts import Citizens, rows

MOST = 3_500
"""Requests made for each second of a closed loop: more than this stack can answer."""
BARE = "a FastAPI route with one SQLAlchemy Core INSERT, same server settings, PostgreSQL and load generator"
NOTE = "web process alone (no router, no worker); half from new people, who get a ticket and an acknowledgement"


@dataclass
class Side:
    """What the rounds of one server gave."""

    rates: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    alone: list[load.Outcome] = field(default_factory=list)

    async def round(self, server: stage.Place, eight: list[bytes], one: list[bytes], seconds: float) -> None:
        before = server.cpu_s()
        outcome = await load.closed(server.port, eight, 8, seconds)
        self.rates.append(outcome.rate)
        self.cpu_ms.append((server.cpu_s() - before) / len(outcome.took) * 1000)
        self.alone.append(await load.closed(server.port, one, 1, seconds / 2))


async def measure(place: Stage, *, quick: bool) -> list[Figure]:
    seconds = 2 if quick else 3
    here, there = Side(), Side()
    async with stage.bare(place) as bare, stage.desk(place, "web") as desk:
        citizens = Citizens(desk)
        await load.closed(bare.port, rows(bare, "/row", 500), 8, 2)
        await load.closed(desk.port, citizens.texts(500), 8, 2)
        for _ in range(3):
            eight, one = rows(bare, "/row", MOST * seconds), rows(bare, "/row", MOST * seconds // 2)
            await there.round(bare, eight, one, seconds)
            await here.round(desk, citizens.texts(1_500 * seconds), citizens.texts(400 * seconds), seconds)
        await _all_stored(desk)
    return [*_closed(here, there), *await _steady(place, quick=quick)]


def _closed(here: Side, there: Side) -> list[Figure]:
    alone = [
        Figure("webhook", f"One text at a time, p{share * 100:.0f}", "ms", [o.ms(share) for o in here.alone], "less", target,
               [o.ms(share) for o in there.alone])
        for share, target in ((0.5, 2.0), (0.99, 5.0))
    ]  # fmt: skip
    return [
        Figure("webhook", "Texts stored, concurrency 8", "/s", here.rates, "more", 1_000, there.rates, BARE, 0.4, NOTE),
        Figure("webhook", "Processor time of the web process a text", "ms", here.cpu_ms, "less", None, there.cpu_ms),
        *alone,
    ]


async def _all_stored(desk: stage.Place) -> None:
    """A rate of texts that were not kept would be worth nothing."""
    row = (await desk.rows(
        "SELECT (SELECT count(*) FROM raw_event WHERE source = 'sms:text' AND state = 'done') AS kept, "
        "(SELECT count(*) FROM message WHERE direction = 'in' AND external_id LIKE 'SM0%') AS threaded, "
        "(SELECT count(*) FROM raw_event WHERE state = 'failed') AS failed"
    ))[0]  # fmt: skip
    if row["failed"] or row["threaded"] < 500:
        raise RuntimeError(f"the texts were not all stored: {dict(row)}")


async def _steady(place: Stage, *, quick: bool) -> list[Figure]:
    """150 texts a second with the router leading, which also numbers the log."""
    seconds = 20 if quick else 60
    async with stage.bare(place) as bare, stage.desk(place, "web", "router") as desk:
        citizens = Citizens(desk)
        await load.closed(desk.port, citizens.texts(300), 8, 2)
        small = await load.steady(bare.port, rows(bare, "/row", 150 * 10), 150)
        seen = await load.steady(desk.port, citizens.texts(150 * seconds), 150)
    note = f"open loop for {seconds} s, web and router running; time counts from when a text was due"
    return [
        Figure("webhook", "150 texts a second, p50", "ms", [seen.ms(0.5)], "less", None, [small.ms(0.5)]),
        Figure("webhook", "150 texts a second, p99", "ms", [seen.ms(0.99)], "less", 120, [small.ms(0.99)], note=note),
        Figure("webhook", "150 texts a second, refused or given up after 5 s", "", [float(len(seen.refused))], "less", 0,
               note="503, or no connection free for 5 s; a provider would ask again later"),
    ]  # fmt: skip
