"""An agency's description: what it says about people's skills."""

from datetime import date
from typing import Any

import pytest

from contactcenter.desk.loading import BadDescription
from tests.desk_rig import LAKEVIEW, Rig, move_in


def with_skill(had: Any) -> dict[str, Any]:
    kim, *others = LAKEVIEW["staff"]
    skills = [{"slug": "water", "names": {"en": "Water"}}]
    return {**LAKEVIEW, "skills": skills, "staff": [{**kim, "skills": {"water": had}}, *others]}


async def kims(rig: Rig) -> tuple[Any, ...]:
    sql = (
        "SELECT h.level, h.main, h.until FROM staff_skill h JOIN staff s ON s.id = h.staff_id WHERE s.username = 'kim'"
    )
    return tuple(*await rig.rows(sql))


async def test_a_skill_is_a_level_or_a_table_with_its_last_day(rig: Rig) -> None:
    await move_in(rig, with_skill(3))
    assert await kims(rig) == (3, True, None)
    await move_in(rig, with_skill({"level": 2, "main": False, "until": date(2031, 3, 31)}))
    assert await kims(rig) == (2, False, date(2031, 3, 31))


async def test_a_lapsed_skill_is_had_again_when_it_is_loaded_with_a_later_day(rig: Rig) -> None:
    await move_in(rig, with_skill({"level": 2, "until": date(2020, 1, 1)}))
    await rig.run("UPDATE staff_skill SET lapsed_at = clock_timestamp() WHERE until IS NOT NULL")
    await move_in(rig, with_skill({"level": 2, "until": date(2031, 3, 31)}))
    assert await rig.value("SELECT count(*) FROM staff_skill WHERE lapsed_at IS NOT NULL") == 0


@pytest.mark.parametrize(
    ("had", "said"),
    [
        (0, "kim: skill water has the level 0: it must be a number from 1 to 5"),
        (True, "kim: skill water has the level True: it must be a number from 1 to 5"),
        ({"until": date(2031, 3, 31)}, "kim: skill water has the level None: it must be a number from 1 to 5"),
        ({"level": 2, "until": "soon"}, "kim: skill water ends on 'soon': write a day, as in 2027-03-31"),
        ({"level": 2, "ends": 1}, "kim: skill water has ends: only level, main and until are known"),
    ],
)
async def test_a_skill_that_cannot_be_read_is_named(rig: Rig, had: Any, said: str) -> None:
    with pytest.raises(BadDescription) as refused:
        await move_in(rig, with_skill(had))
    assert str(refused.value) == said
