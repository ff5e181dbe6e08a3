"""Random days in a small agency: every decision of the router is the one the rules, read slowly, give."""

import os

import pytest

from routing.choosing import PlainKeys
from tests.routing.day import a_random_day, told_again

LONG = bool(os.environ.get("CONTACTCENTER_LONG_TESTS"))
DAYS, MEDLEY = (9_600, 32) if LONG else (450, 6)
DAYS_AT_ONCE = DAYS // MEDLEY


@pytest.mark.timeout(3_600 if LONG else 120)
@pytest.mark.parametrize("part", range(MEDLEY))
def test_every_decision_is_the_one_a_patient_clerk_would_make(part: int) -> None:
    days = [a_random_day(seed, 200) for seed in range(part * DAYS_AT_ONCE, (part + 1) * DAYS_AT_ONCE)]
    for day in days[::10]:
        told_again(day)
    assert sum(day.decisions for day in days) > 20 * len(days)


@pytest.mark.parametrize("seed", range(6))
def test_without_numpy_the_same_decisions_are_made(seed: int) -> None:
    plain, fast = a_random_day(seed, 200, PlainKeys), a_random_day(seed, 200)
    assert plain.effects == fast.effects
