"""The rules of the front end that a reader would otherwise have to remember."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from agent_ui import vendor

AGENT_UI = Path(__file__).parents[2] / "agent_ui"
STATIC = AGENT_UI / "static"
IMPORTS: dict[str, str] = json.loads((STATIC / "importmap.json").read_text())["imports"]
OWN = sorted(path for path in STATIC.rglob("*.js"))
STYLES = sorted((STATIC / "css").glob("*.css"))
PAGES = sorted((AGENT_UI / "pages").glob("*.html"))
PHYSICAL = re.compile(
    r"(?<![\w-])(?:(?:margin|padding|border)-)?(?:left|right|top|bottom)\s*:"
    r"|(?<![\w-])(?:min-|max-)?(?:width|height)\s*:"
    r"|:\s*(?:left|right)\b"
)


def name(path: Path) -> str:
    return path.relative_to(AGENT_UI).as_posix()


def test_the_vendored_libraries_are_what_their_list_says() -> None:
    libraries = vendor.listed()
    assert {library.file for library in libraries} == {path.name for path in (STATIC / "vendor").glob("*.mjs")}
    assert vendor.differing(libraries) == []


def test_a_changed_library_is_noticed() -> None:
    first, *_ = vendor.listed()
    assert vendor.differing([replace(first, sha256="0" * 64)]) == [first.file]


def test_every_vendored_library_comes_with_its_licence() -> None:
    texts = {path.name for path in (STATIC / "vendor" / "licences").glob("*.txt")}
    assert texts == {f"{library.package.replace('/', '-').lstrip('@')}.txt" for library in vendor.listed()}


def test_no_source_map_is_promised_that_is_not_there() -> None:
    libraries = list((STATIC / "vendor").glob("*.mjs"))
    assert [path.name for path in libraries if "sourceMappingURL" in path.read_text()] == []


def test_every_name_in_the_import_map_leads_to_a_file() -> None:
    assert [target for target in IMPORTS.values() if not (STATIC / target).is_file()] == []


@pytest.mark.parametrize("path", OWN, ids=name)
def test_every_script_is_checked_by_types(path: Path) -> None:
    if path.name != "theme.js":
        assert path.read_text().startswith("// @ts-check\n")


@pytest.mark.parametrize("path", OWN, ids=name)
def test_no_script_writes_markup_or_evaluates_text(path: Path) -> None:
    banned = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc"
    assert re.findall(banned, path.read_text()) == []


@pytest.mark.parametrize("path", OWN, ids=name)
def test_only_one_script_calls_fetch(path: Path) -> None:
    if path.name != "api.js":
        assert re.findall(r"\bfetch\(|XMLHttpRequest|sendBeacon|EventSource", path.read_text()) == []


@pytest.mark.parametrize("path", OWN, ids=name)
def test_only_the_store_writes_state(path: Path) -> None:
    source = path.read_text()
    if path.name != "store.js":
        assert re.findall(r"\bstore\.\w+\.value\s*=(?!=)", source) == []


@pytest.mark.parametrize("path", [*OWN, *STYLES, *PAGES], ids=name)
def test_no_screen_names_a_channel(path: Path) -> None:
    adapters = {entry.stem for entry in (AGENT_UI.parent / "channels").iterdir()}
    names = {stem for stem in adapters if not stem.startswith(("_", "base"))} | {"sms", "email", "chat"}
    words = "|".join(sorted(names))
    assert re.findall(rf"(?i)\b(?:{words})\b", path.read_text()) == []


@pytest.mark.parametrize("path", STYLES, ids=name)
def test_styles_work_in_both_writing_directions(path: Path) -> None:
    # Conditions on the width of the window are not properties of a box.
    rules = re.sub(r"@media[^{]*\{", "{", path.read_text())
    assert PHYSICAL.findall(rules) == []


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_a_page_has_no_inline_script_or_style(path: Path) -> None:
    page = path.read_text()
    assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>|<style|\sstyle=|\son\w+=", page) == []
    assert page.index("theme.js") < page.index("{{importmap}}") < page.index('type="module"')


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_a_page_loads_only_files_that_exist(path: Path) -> None:
    wanted = re.findall(r"\{\{static\}\}/([\w./-]+)", path.read_text())
    assert [file for file in wanted if not (STATIC / file).is_file()] == []


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_the_first_view_needs_few_modules(path: Path) -> None:
    entry = re.search(r'type="module" src="\{\{static\}\}/([\w./-]+)"', path.read_text())
    assert entry is not None
    assert len(reached(entry[1])) <= 25


def reached(entry: str) -> set[str]:
    """The modules that a browser loads before any ``import()``."""
    seen: set[str] = set()
    todo = [entry]
    while todo:
        current = todo.pop()
        if current in seen:
            continue
        seen.add(current)
        for wanted in re.findall(r'(?:from\s*|^import\s*)"([^"]+)"', (STATIC / current).read_text(), re.MULTILINE):
            found = IMPORTS.get(wanted) or ((STATIC / current).parent / wanted).resolve().relative_to(STATIC).as_posix()
            todo.append(found)
    return seen


@pytest.mark.parametrize("path", OWN, ids=name)
def test_a_component_gets_only_what_it_declares(path: Path) -> None:
    """Types cannot see into a template: a misspelt prop would be silence on the screen."""
    for component, props in USED.findall(path.read_text()):
        declared = DECLARED.get(component)
        given = set(re.findall(r"\s(\w+)=", re.sub(r"\$\{(?:[^{}]|\{[^{}]*\})*\}", "$", props))) - {"key"}
        if declared is not None:
            assert given <= declared, component


USED = re.compile(r"<\$\{(\w+)\}((?:\s+\w+=(?:\$\{(?:[^{}]|\{[^{}]*\})*\}|\"[^\"]*\"))*)")
DECLARED = {
    component: set(re.findall(r"(\w+)\b", re.sub(r":\s*\w+|=\s*\"[^\"]*\"", "", fields)))
    for path in OWN
    for component, fields in re.findall(r"(?:function|const) ([A-Z]\w+)(?:\(| = \()\{ ([^}]*) \}\)", path.read_text())
}


def test_the_components_are_known() -> None:
    assert len(DECLARED) > 20
