"""A day played again: as it was it shows what was, and with more people it says how much less waiting, and how surely."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from contactcenter.desk import days
from contactcenter.what_if import Asked, show
from tests.desk.test_router import some_text
from tests.desk_rig import Rig

MIDNIGHT = datetime(2026, 11, 20, 5, tzinfo=UTC)
"""Of a day in New York."""
TICKETS, COMING = 8, 160


async def a_busy_day(rig: Rig) -> None:
    """Ben alone from 8 to 12, at most five texts at a time; one comes a minute and takes him two to seven minutes."""
    ids = [(await some_text(rig, number)).id for number in range(TICKETS)]
    await rig.run("DELETE FROM queue_stay")
    for number in range(COMING):
        enter = MIDNIGHT + timedelta(hours=8, minutes=number)
        work = timedelta(minutes=2 + number * 7919 % 6)
        await rig.run(
            "INSERT INTO queue_stay (ticket_id, queue_id, channel, priority, enter, leave, how, direct) "
            "SELECT id, queue_id, channel, 0, CAST(:enter AS timestamptz), CAST(:enter AS timestamptz), 'answered', true "
            "FROM ticket WHERE id = :id", id=ids[number % TICKETS], enter=enter,
        )  # fmt: skip
        await rig.run(
            "INSERT INTO assignment (ticket_id, staff_id, queue_id, channel, started_at, ended_at, end_how) SELECT t.id, s.id, "
            "t.queue_id, t.channel, :enter, :until, 'closed' FROM ticket t, staff s WHERE t.id = :id AND s.username = 'ben'",
            id=ids[number % TICKETS], enter=enter, until=enter + work,
        )  # fmt: skip
    for hour, before, after in ((8, "offline", "available"), (12, "available", "offline")):
        await rig.run(
            "INSERT INTO event (agency_id, type, actor_kind, at, data) SELECT agency_id, 'agent.intent_changed', 'staff', :at, "
            "jsonb_build_object('staff', id, 'before', CAST(:before AS text), 'after', CAST(:after AS text)) "
            "FROM staff WHERE username = 'ben'", at=MIDNIGHT + timedelta(hours=hour), before=before, after=after,
        )  # fmt: skip


def asked(**changes: object) -> Asked:
    usual = {"day": "2026-11-20", "agency": "", "add": 0, "queue": "", "skills": "", "since": "00:00", "until": "",
             "rules": None, "uninterruptible": ""}  # fmt: skip
    return Asked(**{**usual, **changes})  # type: ignore[arg-type]  # the fields as the command line gives them


async def answer(rig: Rig, **changes: object) -> dict[str, list[str]]:
    """The rows of the table, by the figure's name."""
    paper = StringIO()
    await show(rig.house.database, asked(**changes), Console(file=paper, width=140))
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in paper.getvalue().splitlines() if "│" in line]
    return {row[0]: row[1:] for row in rows}


async def test_the_day_as_it_was_has_its_tickets_its_work_and_its_shift(rig: Rig) -> None:
    await a_busy_day(rig)
    async with rig.house.database.transaction() as tx:
        day = await days.read(tx, rig.agency_id, MIDNIGHT, MIDNIGHT + timedelta(days=1))
    assert len(day.contacts) == COMING
    assert [contact.work for contact in day.contacts[:3]] == [2 * 60_000, 7 * 60_000, 6 * 60_000]
    assert [(minute, fact.intent) for minute, fact in day.world.facts] == [(480, "available"), (720, "offline")]  # type: ignore[union-attr]  # shifts only


async def test_one_more_agent_means_less_waiting_and_the_answer_says_how_surely(rig: Rig) -> None:
    await a_busy_day(rig)
    found = await answer(rig, add=1, queue="services", skills="english=3,streets=2", since="08:00")
    before, after, change = found["Average speed of answer, min"]
    assert float(after) < float(before)
    saved, interval = (float(part) for part in change.split(" ± "))
    assert saved == pytest.approx(float(after) - float(before), abs=0.02)
    assert saved + interval < 0, "surely less"


async def test_nothing_changed_changes_nothing(rig: Rig) -> None:
    await a_busy_day(rig)
    assert {row[2] for name, row in (await answer(rig)).items() if row[0] != "As it was"} == {"+0.00 ± 0.00"}


async def test_other_rules_are_checked_before_they_are_played(rig: Rig, tmp_path: Path) -> None:
    await a_busy_day(rig)
    rules = tmp_path / "rules.json"
    rules.write_text('{"channels": {"sms": {"weight": 6, "cap": 5, "live": true}, "email": {"weight": 3, "cap": 8, "live": false},'
                     '"chat": {"weight": 8, "cap": 3, "live": true}}}')  # fmt: skip
    found = await answer(rig, rules=rules)
    before, after, _change = found["Average speed of answer, min"]
    assert 0 < float(before) < float(after), "four at a time are too few for four and a half"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [({"day": "tomorrow"}, "no day"), ({"agency": "atlantis"}, "no agency"), ({"add": 1, "queue": "x"}, "no queue"),
     ({"add": 1, "queue": "services", "skills": "streets=9"}, "level from 1 to 5"),
     ({"add": 1, "queue": "services", "since": "noon"}, "no time of the day"), ({"uninterruptible": "pigeon"}, "no channel"),
     ({"day": "2026-11-19"}, "too few")],
)  # fmt: skip
async def test_a_question_without_an_answer_is_told_in_a_sentence(
    rig: Rig, changes: dict[str, object], sentence: str
) -> None:
    await a_busy_day(rig)
    with pytest.raises(ValueError, match=sentence):
        await answer(rig, **changes)
