"""Contrast of all pairs of tokens (WCAG 2.2, 1.4.3 and 1.4.11): axe cannot decide it inside a scrolling list."""

import re
from pathlib import Path

import pytest

CSS = Path(__file__).parents[2] / "agent_ui" / "static" / "css"
TOKENS = (CSS / "tokens.css").read_text()
SURFACES = ("bg", "bg2", "sel", "note", "out")
TEXT = ("fg", "muted", "accent", "ok", "warn", "bad", "info")
LINES = ("line",)


def block(selector: str) -> dict[str, str]:
    body = re.search(re.escape(selector) + r" \{(.*?)\}", TOKENS, re.DOTALL)
    assert body is not None
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", body[1]))


LIGHT = block(":root")
DARK = LIGHT | block(':root[data-theme="dark"]')
THEMES = {"light": LIGHT, "dark": DARK}


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("ink", TEXT)
@pytest.mark.parametrize("theme", THEMES)
def test_words_can_be_read_on_every_surface(theme: str, ink: str, surface: str) -> None:
    assert contrast(THEMES[theme][ink], THEMES[theme][surface]) >= 4.5


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("ink", LINES)
@pytest.mark.parametrize("theme", THEMES)
def test_the_edge_of_a_control_can_be_seen_on_every_surface(theme: str, ink: str, surface: str) -> None:
    assert contrast(THEMES[theme][ink], THEMES[theme][surface]) >= 3


@pytest.mark.parametrize("theme", THEMES)
def test_a_filled_button_can_be_read(theme: str) -> None:
    assert contrast(THEMES[theme]["on-accent"], THEMES[theme]["accent"]) >= 4.5


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("theme", THEMES)
def test_the_focus_ring_can_be_seen_whatever_lies_under_it(theme: str, surface: str) -> None:
    colours = THEMES[theme]
    rings = [contrast(colours[ring], colours[surface]) for ring in ("focus", "focus-text")]
    assert max(rings) >= 3
    assert contrast(colours["focus"], colours["focus-text"]) >= 4.5


def test_the_dark_colours_are_the_same_whether_chosen_or_from_the_system() -> None:
    assert block(":root:not([data-theme])") == block(':root[data-theme="dark"]')


def test_colours_live_in_the_tokens_alone() -> None:
    # A mail body is a page of its own that stands on white in both themes, and so does its frame.
    sheets = [path for path in CSS.glob("*.css") if path.name not in ("tokens.css", "mail.css")]
    strays = {path.name: re.findall(r"#[0-9a-f]{3,8}\b", path.read_text()) for path in sheets}
    assert {name: found for name, found in strays.items() if found} == {"letter.css": ["#ffffff"]}
