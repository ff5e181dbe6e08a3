"""The scenarios of the router on the command line: figures with intervals, verdicts, and the waits as a drawing."""

import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from routing.simulate import Estimate, Played, Promise, Scenario, estimates, play
from routing.simulate.measuring import LENGTHS_S
from routing.simulate.promises import BESIDE
from routing.simulate.scenarios import named

Waits = dict[str, list[int]]
BAR = 40
COLOURS = ("#1d70b8", "#d4351c", "#00703c", "#f47738", "#4c2c92", "#0b0c0c")


def simulate(wanted: str, seeds: int, length: int | None, processes: int, svg: Path | None, out: Console) -> int:
    """Play the scenarios that are wanted, show what came out, and give how many promises were missed.

    `length` is the number of contacts per seed, None for the full length. Raises LookupError with a sentence for a name
    that no scenario has.
    """
    scenarios = named(wanted)
    columns = ("Scenario", "Figure", "Here", "± 95 %", "Beside the textbook", "Expected", "Verdict")
    table = Table(*columns, title="The router in virtual time")
    for column in (2, 3, 4, 5):
        table.columns[column].justify = "right"
    missed, drawn = 0, {}
    with _bar(out) as bar:
        work = bar.add_task("", total=len(scenarios) * seeds)
        for scenario in scenarios:
            played = []
            for one in play_seeds(scenario, seeds, length, processes):
                played.append(one)
                bar.update(work, advance=1, description=scenario.name)
            missed += _add_rows(table, scenario, estimates(one.figures for one in played))
            drawn[f"{scenario.name}: {scenario.about}"] = added([one.waits for one in played])
    out.print(table)
    for title, waits in drawn.items():
        out.print(f"\n[bold]{title}[/]")
        out.print(bars(waits), highlight=False)
    if svg is not None:
        svg.write_text(as_svg(drawn), "utf-8")
    return missed


def play_seeds(scenario: Scenario, seeds: int, length: int | None, processes: int) -> Iterator[Played]:
    """The same scenario from seed 1 on, in processes of their own."""
    todo = [(scenario.name, seed, length) for seed in range(1, seeds + 1)]
    if processes == 1:
        yield from map(_play_one, todo)
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(_play_one, todo)


def _play_one(todo: tuple[str, int, int | None]) -> Played:
    """By name, since a world holds functions that do not travel between processes."""
    name, seed, length = todo
    scenario = next(one for one in named("all") if one.name == name)
    return play(scenario, lambda purpose: random.Random(f"{name}/{seed}/{purpose}"), length)  # noqa: S311 - no secret


def _bar(out: Console) -> Progress:
    return Progress(
        TextColumn("{task.description:22}"), BarColumn(), TextColumn("{task.completed}/{task.total} runs"), TimeElapsedColumn(),
        console=out, transient=True,
    )  # fmt: skip


def _add_rows(table: Table, scenario: Scenario, found: dict[str, Estimate]) -> int:
    verdicts = []
    for place, promise in enumerate(scenario.promises):
        one, beside = found.get(promise.figure), found.get(promise.figure + BESIDE)
        if one is None:
            continue
        verdicts.append(promise.verdict(promise.judged(found)))
        colour = {"met": "green", "missed": "red"}.get(verdicts[-1], "yellow")
        table.add_row(
            scenario.name if not place else "", promise.figure, f"{one.value:.5g}",
            "-" if one.runs < 2 else f"{one.half_width:.2g}",
            f"{beside.value:+.2g} ± {beside.half_width:.2g}" if beside and promise.how == "exact" else "",
            _expected(promise), f"[{colour}]{verdicts[-1]}[/]",
        )  # fmt: skip
    table.add_section()
    return verdicts.count("missed")


def _expected(promise: Promise) -> str:
    sign = {"exact": "= ", "most": "≤ ", "least": "≥ "}.get(promise.how, "")
    more = f" ± {promise.tolerance:.0%}" if promise.how == "about" else ""
    return f"{sign}{promise.expected:g}{more}"


def added(runs: Sequence[Waits]) -> Waits:
    return {kind: [sum(counts) for counts in zip(*(run[kind] for run in runs), strict=True)] for kind in runs[0]}


def labels() -> list[str]:
    said = ["at once", *(f"<= {second} s" if second < 60 else f"<= {second // 60} min" for second in LENGTHS_S[1:])]
    return [*said, "longer"]


def bars(waits: Waits) -> str:
    """Waits by kind, one line per length, in plain characters; lengths nobody waited at the ends are left out."""
    lines = []
    for kind, counts in waits.items():
        total = sum(counts) or 1
        lines.append(f"  {kind}, {total:,} served")
        last = max((place for place, count in enumerate(counts) if count), default=0)
        for label, count in zip(labels()[: last + 1], counts, strict=False):
            lines.append(f"  {label:>9} {count / total:7.2%} {'#' * round(BAR * count / total)}")
    return "\n".join(lines)


def as_svg(drawn: dict[str, Waits]) -> str:
    """One panel per scenario: the share still waiting at each length, a line per kind."""
    panels = [_panel(title, waits, 20 + number * 260) for number, (title, waits) in enumerate(drawn.items())]
    height = 40 + 260 * len(drawn)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="760" height="{height}" font-family="sans-serif" font-size="12">'
    return "\n".join([head, f'<rect width="760" height="{height}" fill="#fff"/>', *panels, "</svg>\n"])


def _panel(title: str, waits: Waits, top: int) -> str:
    names, width, base = labels(), 46, top + 200
    parts = [f'<text x="20" y="{top + 14}" font-weight="bold">{_escaped(title)}</text>']
    for place, name in enumerate(names):
        parts.append(
            f'<text x="{60 + place * width}" y="{base + 18}" font-size="9" text-anchor="middle">{_escaped(name)}</text>'
        )
    for share in (0, 0.5, 1):
        y = base - 160 * share
        parts.append(
            f'<line x1="40" x2="720" y1="{y}" y2="{y}" stroke="#ccc"/><text x="4" y="{y + 4}" font-size="9">{share:.0%}</text>'
        )
    for number, (kind, counts) in enumerate(waits.items()):
        colour, total, left = COLOURS[number % len(COLOURS)], sum(counts) or 1, sum(counts)
        points = []
        for place, count in enumerate(counts):
            left -= count
            points.append(f"{60 + place * width},{base - 160 * left / total:.1f}")
        parts.append(f'<polyline points="{" ".join(points)}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(
            f'<text x="{60 + number * 110}" y="{top + 32}" fill="{colour}">{_escaped(kind)} still waiting</text>'
        )
    return "\n".join(parts)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
