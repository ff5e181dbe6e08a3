"""Whatever happens, in whatever order: the router answers like the oracle, and what must always hold, holds."""

import os
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from routing.choosing import PlainKeys
from tests.routing.day import Day, told_again
from tests.routing.small_agency import HAPPENS, Action
from tests.routing.small_world import SECOND, T

LONG = bool(os.environ.get("CONTACTCENTER_LONG_TESTS"))


class Drawn:
    """Chance as hypothesis gives it, so that a failing day is made shorter."""

    def __init__(self, data: st.DataObject) -> None:
        self._data = data

    def choose(self, some: Sequence[T]) -> T:
        return self._data.draw(st.sampled_from(some))

    def between(self, least: int, most: int) -> int:
        return self._data.draw(st.integers(least, most))


class WhateverHappens(RuleBasedStateMachine):
    day: Day

    @initialize(data=st.data())
    def a_day_begins(self, data: st.DataObject) -> None:
        self.day = Day(Drawn(data))

    @rule(data=st.data(), action=st.sampled_from([action for _parts, action in HAPPENS]))
    def something_happens(self, data: st.DataObject, action: Action) -> None:
        self.now_draw_from(data)
        self.day.happens(action)

    @rule(data=st.data(), seconds=st.sampled_from([1, 2, 4, 9, 31]))
    def time_passes(self, data: st.DataObject, seconds: int) -> None:
        self.now_draw_from(data)
        self.day.time_passes(seconds * SECOND)

    @rule()
    def a_standby_takes_over(self) -> None:
        self.day.restart()

    def now_draw_from(self, data: st.DataObject) -> None:
        self.day.draw = self.day.agency.draw = Drawn(data)

    def teardown(self) -> None:
        if hasattr(self, "day"):
            self.day.everybody_goes_home()
            told_again(self.day, PlainKeys)


WhateverHappens.TestCase.settings = settings(
    max_examples=4_000 if LONG else 150,
    stateful_step_count=120 if LONG else 40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestWhateverHappens = pytest.mark.timeout(7_200 if LONG else 120)(WhateverHappens.TestCase)
