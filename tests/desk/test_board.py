"""The supervisor's board against the event log: every figure is counted a second time, from the log alone."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from contactcenter.desk import board
from contactcenter.desk.access import Scope
from contactcenter.jobs import upkeep
from tests.desk.test_upkeep import visitor
from tests.desk.walking import Walk
from tests.desk_rig import Rig, move_in

LIVE_T, SLOW_T = timedelta(seconds=60), timedelta(hours=4)
SHORT = timedelta(seconds=10)
CLOCKS = 0.5
"""A fact and its event are written a moment apart."""


@dataclass
class Wait:
    """One stay as the log tells it."""

    queue: int
    channel: str
    since: datetime
    until: datetime | None = None
    end: str = ""
    unasked: bool = False
    spoke: datetime | None = None


class Retold:
    """The board's figures from nothing but events, in their order."""

    def __init__(self, events: list[Any]) -> None:
        self.waits: list[Wait] = []
        self.now_waiting: dict[int, Wait] = {}
        self.last: dict[int, Wait] = {}
        self.asked: dict[int, tuple[int, str]] = {}
        self.states: dict[int, str] = {}
        for event in events:
            tell = getattr(self, event.type.replace(".", "_"), None)
            if tell is not None:
                tell(event, event.data)

    def _leave(self, event: Any, end: str, at: datetime | None = None) -> Wait | None:
        wait = self.now_waiting.pop(event.ticket_id, None)
        if wait is not None:
            wait.until, wait.end = at or event.at, end
        return wait

    def _enter(self, event: Any, queue: int, channel: str) -> None:
        wait = Wait(queue, channel, event.at)
        self.waits.append(wait)
        self.now_waiting[event.ticket_id] = self.last[event.ticket_id] = wait

    def ticket_queued(self, event: Any, data: dict[str, Any]) -> None:
        if event.ticket_id not in self.now_waiting:
            self._enter(event, data["queue"], data["channel"])

    def ticket_assigned(self, event: Any, data: dict[str, Any]) -> None:
        wait = self._leave(event, "answered")
        if wait is not None:
            wait.unasked = event.actor_kind == "system"

    def ticket_closed(self, event: Any, data: dict[str, Any]) -> None:
        self._leave(event, "closed")

    def ticket_transferred(self, event: Any, data: dict[str, Any]) -> None:
        self._leave(event, "flowed out")

    def stay_abandoned(self, event: Any, data: dict[str, Any]) -> None:
        wait = self._leave(event, "abandoned", datetime.fromisoformat(data["at"]))
        assert wait is not None
        self._enter(event, wait.queue, wait.channel)

    def message_written(self, event: Any, data: dict[str, Any]) -> None:
        wait = self.last.get(event.ticket_id)
        if event.actor_kind == "staff" and wait is not None and wait.end == "answered" and wait.unasked:
            wait.spoke = wait.spoke or event.at

    def ticket_offered(self, event: Any, data: dict[str, Any]) -> None:
        wait = self.now_waiting[event.ticket_id]
        self.asked[data["offer"]] = (wait.queue, wait.channel)

    def offer_accepted(self, event: Any, data: dict[str, Any]) -> None:
        del self.asked[data["offer"]]

    offer_declined = offer_timed_out = offer_rescinded = offer_accepted

    def agent_state_changed(self, event: Any, data: dict[str, Any]) -> None:
        self.states[data["staff"]] = data["after"]

    def cell(self, queue: int, channel: str, day: datetime, now: datetime) -> dict[str, Any]:
        own = [wait for wait in self.waits if (wait.queue, wait.channel) == (queue, channel)]
        limit = LIVE_T if channel == "chat" else SLOW_T
        waiting = [wait for wait in own if wait.until is None]
        left = Counter(wait.end for wait in own if wait.until is not None and wait.until >= day)
        short = sum(
            wait.end == "abandoned" and wait.until is not None and wait.until - wait.since <= SHORT for wait in own
        )
        speed = [at - wait.since for wait in own if (at := answer(wait)) is not None and day <= at]
        return {
            "waiting": len(waiting),
            "on_offer": sum(where == (queue, channel) for where in self.asked.values()),
            "oldest": min((wait.since for wait in waiting), default=None),
            "offered_today": sum(wait.since >= day for wait in own),
            "answered_today": left["answered"],
            "abandoned_today": left["abandoned"] - short,
            "asa_s": sum(speed, timedelta()).total_seconds() / len(speed) if speed else None,
            "sl": levels(own, limit, day, now),
            "sl30": levels(own, limit, now - timedelta(minutes=30), now),
        }


def answer(wait: Wait) -> datetime | None:
    if wait.end != "answered":
        return None
    return wait.spoke if wait.unasked else wait.until


def levels(waits: list[Wait], limit: timedelta, since: datetime, now: datetime) -> tuple[int, int]:
    """(hits, decisions) in the window, one by one as a person would judge them."""
    hits = misses = 0
    for wait in waits:
        answered, due = answer(wait), wait.since + limit
        if answered is not None and answered <= due:
            hits += since <= answered <= now
        elif wait.end not in ("", "answered") and wait.until is not None and wait.until < due:
            continue
        else:
            misses += since <= due <= now
    return hits, hits + misses


async def retold(rig: Rig) -> Retold:
    return Retold(await rig.rows("SELECT type, ticket_id, at, actor_kind, data FROM event ORDER BY id"))


async def shown(rig: Rig, username: str) -> dict[str, Any]:
    async def read(tx: Any, _staff: Any, scope: Scope) -> dict[str, Any]:
        return await board.read(tx, scope)

    return await rig.act(username, read)


async def ago(rig: Rig, seconds: float) -> None:
    """All that was written in the log and in the stays happened so much earlier."""
    await rig.run("UPDATE event SET at = at - make_interval(secs => :s)", s=seconds)
    await rig.run(
        "UPDATE queue_stay SET enter = enter - make_interval(secs => :s), leave = leave - make_interval(secs => :s), "
        "answered_at = answered_at - make_interval(secs => :s)",
        s=seconds,
    )


async def test_every_figure_of_a_day_equals_a_second_count_from_the_log(rig: Rig) -> None:
    walk = Walk(rig, seed=7)
    await walk.begin()
    for step in range(160):
        await walk.step()
        if step % 12 == 11:
            await ago(rig, 90)
    seen, log = await shown(rig, "root"), await retold(rig)
    day, now = datetime.fromisoformat(seen["today_since"]), datetime.fromisoformat(seen["at"])
    ids = {row.slug: row.id for row in await rig.rows("SELECT slug, id FROM queue")}
    cells = 0
    for queue in seen["queues"]:
        for cell in queue["channels"]:
            compare(cell, log.cell(ids[queue["slug"]], cell["channel"], day, now), f"{queue['slug']} {cell['channel']}")
            cells += 1
    assert cells == 9
    totals = seen["totals"]
    assert totals["answered_today"] > 10 and totals["sl"]["decisions"] > totals["sl"]["hits"] > 0, (
        "the day was too quiet"
    )
    for figure in ("waiting", "on_offer", "offered_today", "answered_today"):
        assert totals[figure] == sum(cell[figure] for queue in seen["queues"] for cell in queue["channels"])
    assert {one["id"]: one["state"] for one in seen["agents"]["list"]} == {
        one["id"]: log.states.get(one["id"], "offline") for one in seen["agents"]["list"]
    }
    assert sum(seen["agents"]["by_state"].values()) == len(seen["agents"]["list"]) == 3


def compare(cell: dict[str, Any], counted: dict[str, Any], where: str) -> None:
    for figure in ("waiting", "on_offer", "offered_today", "answered_today", "abandoned_today"):
        assert cell[figure] == counted[figure], (where, figure)
    assert (cell["sl"]["hits"], cell["sl"]["decisions"]) == counted["sl"], where
    assert (cell["sl30"]["hits"], cell["sl30"]["decisions"]) == counted["sl30"], where
    assert cell["asa_s"] == (None if counted["asa_s"] is None else pytest.approx(counted["asa_s"], abs=CLOCKS)), where
    if counted["oldest"] is None:
        assert cell["oldest_since"] is None, where
    else:
        assert abs((datetime.fromisoformat(cell["oldest_since"]) - counted["oldest"]).total_seconds()) < CLOCKS, where


async def test_a_quiet_board_shows_nothing_instead_of_a_hundred_percent(rig: Rig) -> None:
    seen = await shown(rig, "sam")
    assert seen["totals"]["sl"]["pct"] is None and seen["totals"]["asa_s"] is None
    assert [queue["slug"] for queue in seen["queues"]] == ["services", "housing"]
    assert seen["agents"]["by_state"]["offline"] == 3


async def test_a_supervisor_sees_the_figures_of_their_own_queues_only(rig: Rig) -> None:
    await move_in(rig)
    await rig.text("+12025550117", "Hello")
    await rig.text("+12025550118", "Hello", box="lake-text")
    await rig.write("permit-mail", "ann@lake.example", "A permit")
    assert (await shown(rig, "sam"))["totals"]["offered_today"] == 1
    there = await shown(rig, "lee")
    assert there["totals"]["offered_today"] == 1
    assert [queue["slug"] for queue in there["queues"]] == ["front"]
    assert [one["name"] for one in there["agents"]["list"]] == ["Kim"]


async def test_every_figure_says_how_it_is_made(rig: Rig) -> None:
    seen = await shown(rig, "sam")
    assert {"waiting", "oldest", "offered", "answered", "asa", "service_level", "abandoned"} <= seen["formulas"].keys()


async def test_a_visitor_who_left_shows_as_abandoned_and_waits_on_as_a_message(rig: Rig) -> None:
    await visitor(rig, gone_s=91, waited_s=0)
    await ago(rig, 140)
    await rig.chore(upkeep.note_abandoned)
    seen, log = await shown(rig, "sam"), await retold(rig)
    day, now = datetime.fromisoformat(seen["today_since"]), datetime.fromisoformat(seen["at"])
    (cell,) = [one for one in seen["queues"][0]["channels"] if one["channel"] == "chat"]
    queue = await rig.value("SELECT id FROM queue WHERE slug = 'services'")
    compare(cell, log.cell(queue, "chat", day, now), "services chat")
    if now - day > timedelta(minutes=5):
        assert (cell["abandoned_today"], cell["waiting"], cell["offered_today"], cell["sl"]["decisions"]) == (
            1,
            1,
            2,
            0,
        )
