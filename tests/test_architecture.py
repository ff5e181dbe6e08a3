"""The rules of the house, kept by a test: which way imports point, who commits, who names a channel."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("agent_ui", "channels", "contactcenter", "routing")

ORDER = [
    {
        "cli",
        "__main__",
        "up",
        "processes",
        "app",
        "demo",
        "sandbox",
        "passwords",
        "replaying",
        "what_if",
        "simulate_routing",
    },
    {"wiring"},
    {"api", "realtime", "jobs", "pages", "edge"},
    {"desk"},
    {"db", "schemas", "migrate", "listening", "hints", "limits", "files", "stores", "scanning"},
    {"models", "migrations", "metrics"},
    {"events", "errors", "settings", "ids", "logs", "failing"},
]
"""Imports run downward or stay on their floor."""

UPWARD = {
    # The edges are handed the house that wiring builds; they name its type and construct nothing.
    ("api", "wiring"), ("realtime", "wiring"), ("jobs", "wiring"), ("pages", "wiring"),
}  # fmt: skip


def sources(*packages: str) -> Iterator[tuple[Path, ast.Module]]:
    for package in packages or PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path, ast.parse(path.read_text("utf-8"))


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def floor_of(part: str) -> int:
    return next(number for number, names in enumerate(ORDER) if part in names)


def test_every_part_of_the_application_has_its_floor() -> None:
    listed = set().union(*ORDER)
    there = {
        path.stem for path in (ROOT / "contactcenter").iterdir() if path.suffix == ".py" and path.stem != "__init__"
    }
    there |= {path.name for path in (ROOT / "contactcenter").iterdir() if (path / "__init__.py").exists()}
    assert there == listed & there and not there - listed


def test_imports_in_the_application_point_downward() -> None:
    wrong = []
    for path, tree in sources("contactcenter"):
        part = path.relative_to(ROOT / "contactcenter").parts[0].removesuffix(".py")
        if part == "__init__":
            continue
        for module in imported(tree):
            pieces = module.split(".")
            if pieces[0] != "contactcenter" or len(pieces) < 2 or pieces[1] not in set().union(*ORDER):
                continue
            if floor_of(pieces[1]) < floor_of(part) and (part, pieces[1]) not in UPWARD:
                wrong.append(f"{path.relative_to(ROOT)} imports {module}")
    assert wrong == []


@pytest.mark.parametrize(("package", "strangers"), [
    ("routing", {"channels", "contactcenter", "agent_ui", "asyncio", "time", "random", "socket", "sqlalchemy", "fastapi"}),
    ("channels", {"routing", "contactcenter", "agent_ui", "fastapi", "starlette", "sqlalchemy", "socketio"}),
    ("agent_ui", {"routing", "contactcenter", "channels"}),
])  # fmt: skip
def test_a_package_does_not_know_its_strangers(package: str, strangers: set[str]) -> None:
    wrong = [
        f"{path.name}: {m}" for path, tree in sources(package) for m in imported(tree) if m.split(".")[0] in strangers
    ]
    assert wrong == []


def test_the_desk_knows_channels_only_by_their_contract() -> None:
    for path, tree in sources("contactcenter"):
        if path.is_relative_to(ROOT / "contactcenter" / "desk"):
            known = {m for m in imported(tree) if m.startswith("channels")}
            assert all(m == "channels" or m.startswith("channels.base") for m in known), f"{path.name}: {known}"


def test_only_db_commits() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path, tree in sources("contactcenter")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in ("commit", "rollback", "begin")
        and path.name not in ("db.py", "migrate.py")
        and "sandbox" not in path.parts
    ]
    assert wrong == []


def test_only_the_wiring_constructs_databases_and_hints() -> None:
    makers = {"Database", "Bell", "Hints", "Limits", "Kit", "AsyncServer"}
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.func.id}"
        for path, tree in sources("contactcenter")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in makers
        and path.name not in ("wiring.py", "cli.py", "passwords.py")
    ]  # fmt: skip
    assert wrong == []


CHANNELS = {
    p.stem for p in (ROOT / "channels").iterdir() if not p.name.startswith("_") and p.stem not in ("base", "__init__")
}
CHANNELS = {
    name
    for name in CHANNELS
    if (ROOT / "channels" / f"{name}.py").exists() or (ROOT / "channels" / name / "__init__.py").exists()
}


def leaks(words: set[str]) -> list[str]:
    """Places outside ``channels/`` where a channel's name stands in code: identifiers, strings, JavaScript."""
    pattern = re.compile(rf"(?<![A-Za-z])(?:{'|'.join(sorted(words))})(?![A-Za-z])", re.IGNORECASE)
    found = []
    for path, tree in sources("contactcenter", "routing", "agent_ui"):
        for node in ast.walk(tree):
            for word in _words(node):
                if pattern.search(word):
                    found.append(f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)} {word[:60]!r}")
    for path in sorted((ROOT / "agent_ui").rglob("*.js")):
        if "vendor" not in path.parts:
            for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
                if pattern.search(line):
                    found.append(f"{path.relative_to(ROOT)}:{number} {line.strip()[:60]!r}")
    return found


def _words(node: ast.AST) -> Iterator[str]:
    """Names and strings of a node; the standard library's own module of a name is no channel."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute):
        yield node.attr
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.keyword) and node.arg:
        yield node.arg


def test_channels_are_found_by_listing_their_folder() -> None:
    assert {"sms", "email", "chat"} <= CHANNELS


def test_no_source_outside_an_adapter_names_its_channel() -> None:
    assert leaks(CHANNELS) == []


def test_adapters_do_not_name_each_other() -> None:
    wrong = []
    for path, tree in sources("channels"):
        own = path.relative_to(ROOT / "channels").parts[0].removesuffix(".py")
        for module in imported(tree):
            other = module.split(".")[1] if module.startswith("channels.") and "." in module else ""
            if other in CHANNELS and other != own:
                wrong.append(f"{path.name} imports {module}")
    assert wrong == []
