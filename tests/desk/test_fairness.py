"""Who had the idle time, who the hard work, who waited: from the log, over a period."""

from datetime import UTC, datetime, timedelta

import pytest

from contactcenter.desk import fairness
from tests.desk.test_router import Leader, some_text
from tests.desk_rig import Rig

EIGHT = datetime(2026, 11, 23, 8, tzinfo=UTC)


def at(minutes: int) -> datetime:
    return EIGHT + timedelta(minutes=minutes)


def test_idle_time_is_what_was_ready_of_what_was_on_duty() -> None:
    day = [
        (at(0), "offline", "ready"),
        (at(10), "ready", "working"),
        (at(40), "working", "away"),
        (at(50), "away", "ready"),
    ]
    assert fairness.times(day, at(-60), at(60)) == ((10 + 30 + 10) * 60, (10 + 10) * 60)


def test_the_state_before_the_first_change_counts_from_the_start_of_the_period() -> None:
    assert fairness.times([(at(20), "ready", "offline")], at(0), at(60)) == (20 * 60, 20 * 60)
    assert fairness.times([], at(0), at(60)) == (0, 0)


@pytest.mark.parametrize(("idle", "index"), [((0.2, 0.2, 0.2), 1.0), ((1, 0, 0, 0), 0.25), ((0, 0), None)])
def test_jains_index_is_one_for_equals_and_one_over_n_when_one_has_all(
    idle: tuple[float, ...], index: float | None
) -> None:
    assert fairness.jain(idle) == (index if index is None else pytest.approx(index))


async def test_the_ledger_counts_what_each_agent_was_given_and_how_long_whom_it_let_wait(rig: Rig) -> None:
    leader = await Leader(rig).begin()
    await rig.on_duty("ana", "ben")
    await leader.round()
    for number in range(4):
        await some_text(rig, number)
        await leader.round()
    spanish = await some_text(rig, 9, "La farola de mi calle está apagada desde ayer por la noche")
    await leader.round()
    async with rig.house.database.transaction() as tx:
        found = await fairness.ledger(tx, rig.agency_id, datetime.now(UTC), 1)
    given = {share.name: share.given for share in found["agents"]}
    assert sum(given.values()) == 5 and given["Lu"] == 0 and given["Ana"] >= 1
    assert {(row["language"], row["tickets"]) for row in found["waits"]} == {("en", 4), (spanish.language, 1)}
    assert all(share.interrupted == share.given - 1 for share in found["agents"] if share.given)
