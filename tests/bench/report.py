"""The table for people and the JSON for machines."""

import json
import os
import platform
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.figures import Figure


def show(out: Console, figures: list[Figure]) -> None:
    table = Table(
        "Figure", "Here", "Bare limit", "Ratio", "Target", "", title="The desk beside the bare limit, same run"
    )
    for column in (1, 2, 3, 4):
        table.columns[column].justify = "right"
    before = ""
    for figure in figures:
        if before and figure.measure != before:
            table.add_section()
        before = figure.measure
        table.add_row(
            figure.name, _said(figure.value, figure.unit), _bare(figure), _ratio(figure), _target(figure), _met(figure)
        )
    out.print(table)
    for note in dict.fromkeys(f"{figure.name}: {figure.note}" for figure in figures if figure.note):
        out.print(f"[dim]{note}[/]")
    for what in dict.fromkeys(
        f"{figure.measure}: the bare limit is {figure.bare_is}" for figure in figures if figure.bare_is
    ):
        out.print(f"[dim]{what}[/]")


def _said(value: float, unit: str) -> str:
    return f"{value:,.0f} {unit}" if value >= 100 or value == int(value) else f"{value:.2f} {unit}"


def _bare(figure: Figure) -> str:
    return _said(figure.bare_value, figure.unit) if figure.bare_value is not None else "-"


def _ratio(figure: Figure) -> str:
    return f"{figure.ratio:.2f}" if figure.ratio is not None else "-"


def _target(figure: Figure) -> str:
    sign = "≥" if figure.better == "more" else "≤"
    wanted = [f"{sign} {_said(figure.target, figure.unit)}"] if figure.target is not None else []
    wanted += [f"ratio ≥ {figure.target_ratio}"] if figure.target_ratio is not None else []
    return ", ".join(wanted)


def _met(figure: Figure) -> str:
    return {True: "[green]met[/]", False: "[red]missed[/]", None: ""}[figure.met]


def write(path: Path, figures: list[Figure], seconds: float, *, quick: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    about = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "seconds": round(seconds, 1), "quick": quick,
        "python": platform.python_version(), "cores": os.cpu_count(), "load_before": os.getloadavg()[0],
    }  # fmt: skip
    path.write_text(json.dumps(about | {"figures": [figure.as_json() for figure in figures]}, indent=1) + "\n")
