"""No text of a stranger keeps the desk busy: four times the text is about four times the work."""

import sys
from collections.abc import Callable

import pytest

from channels.email.trimming import trimmed, trimmed_html
from tests.channels.email.trimming.hostile import MARKUP, TEXTS, filled

SMALL, LARGE = 8 * 1024, 32 * 1024


def steps(read: Callable[[str], object], text: str) -> int:
    """Calls and lines of Python: a count, not a clock, so that a busy machine changes nothing."""
    counted = 0

    def count(*_: object) -> object:
        nonlocal counted
        counted += 1
        return count

    before = sys.gettrace()
    sys.settrace(count)  # type: ignore[arg-type]  # the stubs want a frame and an event named, any callable serves
    try:
        read(text)
    finally:
        sys.settrace(before)
    return counted


@pytest.mark.parametrize("family", TEXTS)
def test_the_steps_grow_with_the_text_and_no_faster(family: str) -> None:
    small, large = (steps(trimmed, filled(TEXTS[family], size)) for size in (SMALL, LARGE))
    assert large <= 5 * small + 1000


@pytest.mark.parametrize("family", MARKUP)
def test_the_steps_grow_with_the_html_and_no_faster(family: str) -> None:
    small, large = (steps(trimmed_html, filled(MARKUP[family], size)) for size in (SMALL, LARGE))
    assert large <= 5 * small + 1000
