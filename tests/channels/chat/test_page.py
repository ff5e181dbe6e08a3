"""What can be said of the chat page without a browser: its words, its colours, its weight, its manners."""

import gzip
import json
import re
from hashlib import sha256
from itertools import product
from pathlib import Path

import pytest

import channels.chat

PAGE = Path(channels.chat.__file__).parent / "page"
SCRIPTS = sorted(PAGE.glob("*.js"))
BEFORE = ["index.html", "icon.svg", "chat.css", "app.js", "form.js", "memory.js", "words.js"]
CATALOGUES = {path.stem: json.loads(path.read_text()) for path in sorted((PAGE / "words").glob("*.json"))}
FORBIDDEN_WORDS = {
    "en": r"\b(please|kindly|invalid|oops|agents?|tickets?|cases?)\b",
    "es": r"\b(por favor|inválid[oa]|agentes?|tickets?|casos?)\b",
}


def places(entry: str | dict[str, str]) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", entry if isinstance(entry, str) else entry["other"]))


def test_english_and_spanish_say_the_same_things() -> None:
    assert set(CATALOGUES) == {"en", "es"}
    english, spanish = CATALOGUES["en"], CATALOGUES["es"]
    assert english.keys() == spanish.keys()
    for key, entry in english.items():
        assert places(entry) == places(spanish[key]), key
        assert type(entry) is type(spanish[key]), key
        if isinstance(entry, dict):
            assert {"one", "other"} <= entry.keys() & spanish[key].keys(), key


@pytest.mark.parametrize("language", CATALOGUES)
def test_citizens_are_spoken_to_plainly(language: str) -> None:
    for key, entry in CATALOGUES[language].items():
        for text in [entry] if isinstance(entry, str) else entry.values():
            assert text.strip(), key
            assert not re.search(FORBIDDEN_WORDS[language], text, re.IGNORECASE), key
            assert all(len(sentence.split()) <= 20 for sentence in re.split(r"[.?!]\s", text)), key


def test_no_word_is_missing_and_none_is_left_over() -> None:
    code = "\n".join(path.read_text() for path in SCRIPTS)
    named = set(re.findall(r"[\"`](\w+(?:\.[a-z_]+)?)[\"`]", code))
    groups = {key.split(".")[0] for key in CATALOGUES["en"]}
    used = {key for key in named if "." in key and key.split(".")[0] in groups}
    used |= named & CATALOGUES["en"].keys()
    made = re.compile(
        r"(language\.(en|es)|line\.\w+|sent\.(waiting|sending|failed\w*)|(barred|failure)\.(heading|text))"
    )
    assert used <= CATALOGUES["en"].keys()
    assert {key for key in CATALOGUES["en"] if key not in used and not made.fullmatch(key)} == set()


def test_each_language_of_the_scripts_has_a_catalogue() -> None:
    listed = re.search(r"LANGUAGES = (\[.*\])", (PAGE / "words.js").read_text())
    assert listed
    assert json.loads(listed[1]) == list(CATALOGUES)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_write_no_markup_and_run_no_text(path: Path) -> None:
    code = path.read_text()
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|localStorage", code
    )
    assert re.search(r"^// @ts-check", code)


def test_the_page_has_no_inline_script_or_style() -> None:
    html = (PAGE / "index.html").read_text()
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", html)
    assert "{{static}}" in html
    assert "{{preload}}" in html
    assert '<div lang="es">' in html  # without scripts nobody can choose a language


def test_styles_know_no_left_and_right() -> None:
    assert not re.search(r"\b(left|right|margin-top|margin-bottom)\b", (PAGE / "chat.css").read_text())


def zipped(names: list[str]) -> int:
    return sum(len(gzip.compress((PAGE / name).read_bytes(), mtime=0)) for name in names)


@pytest.mark.parametrize("language", CATALOGUES)
def test_the_form_weighs_under_15_kb_and_the_chat_under_40(language: str) -> None:
    before = [*BEFORE, f"words/{language}.json"]
    chat = [path.name for path in SCRIPTS if path.name not in BEFORE]
    assert zipped(before) <= 15_000
    assert zipped([*before, *chat, "vendor/socket.io.esm.min.js"]) <= 40_000


def test_the_form_loads_nothing_of_the_chat() -> None:
    loaded: set[str] = set()
    waiting = ["app.js"]
    while waiting:
        name = waiting.pop()
        loaded.add(name)
        imports = re.findall(r'^import .* from "\./(.+)";', (PAGE / name).read_text(), re.MULTILINE)
        waiting += [each for each in imports if each not in loaded]
    assert loaded == {name for name in BEFORE if name.endswith(".js")}


def test_foreign_code_is_what_the_list_says() -> None:
    rows = [
        line.split() for line in (PAGE / "vendor" / "VERSIONS").read_text().splitlines() if not line.startswith("#")
    ]
    listed = {row[0]: row[3] for row in rows}
    present = {path.name: sha256(path.read_bytes()).hexdigest() for path in (PAGE / "vendor").glob("*.js")}
    assert listed == present
    assert (PAGE / "vendor" / "LICENSE.socket.io-client").read_text().startswith("The MIT License")


# --- colours (WCAG 2.2, 1.4.3 and 1.4.11)

SURFACES = ["bg", "bg2", "sel", "note", "out"]
TEXTS = ["fg", "muted", "bad", "info"]
LINES = ["line", "accent"]


def schemes() -> dict[str, dict[str, str]]:
    css = (PAGE / "chat.css").read_text()
    light, dark = re.findall(r":root \{(.*?)\}", css, re.DOTALL)[:2]
    read = [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block)) for block in (light, dark)]
    return {"light": read[0], "dark": read[0] | read[1]}


def contrast(one: str, two: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(two)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_tell_text_and_lines_from_what_lies_under_them(scheme: str) -> None:
    colours = schemes()[scheme]
    for text, surface in product(TEXTS, SURFACES):
        assert contrast(colours[text], colours[surface]) >= 4.5, (text, surface)
    for line, surface in product(LINES, SURFACES):
        assert contrast(colours[line], colours[surface]) >= 3, (line, surface)
    assert contrast(colours["on-accent"], colours["accent"]) >= 4.5
    assert contrast(colours["focus"], colours["focus-text"]) >= 4.5
