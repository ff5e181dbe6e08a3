"""`python -m tests.bench [--only NAME] [--quick] [--json PATH]`."""

import argparse
import os
import signal
import tempfile
import time
from pathlib import Path

import uvloop
from rich.console import Console

from tests.bench import claims, consoles, engine, first_view, mail, report, routed, scenarios, starting, webhooks
from tests.bench.figures import Figure
from tests.bench.stage import Stage

MEASURES = {
    "webhook": webhooks.measure, "console": consoles.measure, "routing": routed.measure, "start": starting.measure,
    "mail": mail.measure, "view": first_view.measure, "engine": engine.measure,
    "claims": claims.measure, "scenarios": scenarios.measure,
}  # fmt: skip
ALONE = {"scenarios"}
"""Measured only when named: they take hours."""


def main() -> None:
    asked = _asked()
    out = Console()
    began = time.perf_counter()
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))  # what was started ends with us
    if (busy := os.getloadavg()[0]) > 1:
        out.print(
            f"[yellow]This machine is busy (load {busy:.1f}): the ratios still say something, the figures less.[/]"
        )
    with tempfile.TemporaryDirectory(prefix="bench", ignore_cleanup_errors=True) as folder:
        wanted = asked.only or [name for name in MEASURES if name not in ALONE]
        figures = uvloop.run(_measure(out, Path(folder), wanted, quick=asked.quick))
    report.show(out, figures)
    path = asked.json or Path(tempfile.mkdtemp(prefix="bench-")) / "figures.json"
    report.write(path, figures, time.perf_counter() - began, quick=asked.quick)
    out.print(f"{time.perf_counter() - began:.0f} s; figures in {path}")


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tests.bench", description="The desk's figures beside the bare limit of this machine."
    )
    parser.add_argument("--only", action="append", choices=list(MEASURES), help="this measure alone; may be repeated")
    parser.add_argument("--quick", action="store_true", help="shorter rounds: for a look, not for a claim")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    return parser.parse_args()


async def _measure(out: Console, folder: Path, wanted: list[str], *, quick: bool) -> list[Figure]:
    stage = Stage(folder)
    stage.open()
    figures = []
    try:
        for name in wanted:
            with out.status(f"Measuring: {name} …"):
                try:
                    figures += await MEASURES[name](stage, quick=quick)
                except RuntimeError as error:  # one figure that cannot be had must not cost the others
                    out.print(f"[red]{name} could not be measured: {error}[/]")
    finally:
        stage.close()
    return figures


if __name__ == "__main__":
    main()
