"""Texts under fire: `python -m tests.crash.sends --texts 20000 --minutes 30 --seed 1`.

Real workers send to the sandbox's provider while they are killed and paused, Redis is emptied, the provider refuses, hangs up after
it accepted, falls silent, and reports twice or in reverse. In the end both ledgers are compared: nothing twice, nothing lost, and
every state true.
"""

import argparse
import asyncio
import json
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from rich.console import Console

from tests.crash.post_office import PostOffice, Text

WORKERS, RATE = 2, 2000.0
AT_ONCE = 25
MOST_WAITING = 600
"""More texts are written only while fewer than so many wait: the fire lasts as long as they do."""

HARM = {
    "kill a worker": 6, "pause a worker": 1, "empty Redis": 3, "restart Redis": 1, "500 after accepting": 5, "500 before": 3,
    "hang after accepting": 2, "busy": 2, "reports twice": 4, "reports in reverse": 4, "silence": 2, "undelivered": 2,
}  # fmt: skip
_PROVIDER: dict[str, tuple[str, int, dict[str, Any]]] = {
    "500 after accepting": ("error_after", 6, {}),
    "500 before": ("error_before", 6, {}),
    "hang after accepting": ("hang_after", 2, {"seconds": 14}),
    "busy": ("busy", 4, {"seconds": 2}),
    "reports twice": ("duplicate", 30, {}),
    "reports in reverse": ("reorder", 30, {}),
    "silence": ("silent", 6, {}),
    "undelivered": ("undelivered", 3, {"code": "30003"}),
}
TRUE = {
    "delivered": ("delivered",),
    "undelivered": ("undelivered",),
    "sent": ("sent", "delivered", "undelivered"),
}
"""What the provider may have said last of a text in our state; *sent* stays only where its reports were lost."""


@dataclass
class Outcome:
    """What a campaign saw."""

    seconds: float = 0.0
    texts: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    twice: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    untrue: list[str] = field(default_factory=list)
    unreported: int = 0
    """Texts whose last report never reached us: sent is all that we can know until the provider is asked."""
    refused: list[str] = field(default_factory=list)
    out_of_order: list[str] = field(default_factory=list)
    unfinished: int = 0
    fallen: list[str] = field(default_factory=list)
    attempts: int = 0
    flagged: int = 0
    doubted: int = 0
    """Deliveries of which for a while nobody knew."""

    @property
    def clean(self) -> bool:
        return not (self.twice or self.lost or self.untrue or self.out_of_order or self.unfinished or self.fallen)

    def read(self, texts: list[Text]) -> None:
        self.texts, self.states = len(texts), Counter(one.state for one in texts)
        for one in texts:
            line = f"{one.id} to {one.phone}: {one.state}, accepted {one.accepted} times, {one.told or 'unknown'} there"
            if one.accepted > 1:
                self.twice.append(line)
            if one.accepted == 0 and one.state not in ("failed", "canceled"):
                self.lost.append(line)
            if one.state == "sent" and one.told in ("delivered", "undelivered") and not one.silent and not one.reported:
                self.unreported += 1
            elif one.accepted and not _true(one):
                self.untrue.append(line)


def _true(text: Text) -> bool:
    if text.state == "sent" and text.told in ("delivered", "undelivered"):
        return text.silent
    return text.told in TRUE.get(text.state, ())


async def run(
    office: PostOffice, texts: int, seconds: float, seed: int, *, harm: list[str] | None = None, citizens: int = 2000,
    hurry: bool = False, tell: Any = None,
) -> Outcome:  # fmt: skip
    """Hand over ``texts`` under fire, at most ``seconds`` long, then wait until all is quiet. ``harm`` in this order, or drawn."""
    random, outcome, began = Random(seed), Outcome(), time.monotonic()
    phones = await office.open(min(citizens, texts), RATE)
    try:
        until = time.monotonic() + seconds
        fire = asyncio.create_task(_burn(office, random, outcome, harm, until))
        await _write(office, random, phones, texts, until, tell, pause=1.0 if harm else 0.0)
        if harm:
            await fire
        fire.cancel()
        await asyncio.gather(fire, return_exceptions=True)
        await _quiet(office, hurry)
        outcome.unfinished = await office.left()
        outcome.read(await office.ledger())
        outcome.out_of_order = office.arrived_in_order()
        outcome.fallen, outcome.refused = office.fallen, office.refused_reports()
        counts = await office.rows(
            "SELECT (SELECT count(*) FROM delivery_attempt), (SELECT count(*) FROM delivery WHERE maybe_duplicate), "
            "(SELECT count(DISTINCT data->>'message') FROM event WHERE type = 'delivery.changed' AND data->>'after' = 'unknown')"
        )
        outcome.attempts, outcome.flagged, outcome.doubted = counts[0]
    finally:
        await office.close()
    outcome.seconds = round(time.monotonic() - began, 1)
    return outcome


async def _write(
    office: PostOffice, random: Random, phones: list[str], texts: int, until: float, tell: Any, *, pause: float
) -> None:
    count: Counter[str] = Counter()
    written = 0
    while written < texts and time.monotonic() < until:
        if await office.left() > MOST_WAITING:
            await asyncio.sleep(0.3)
            continue
        batch = []
        for phone in random.sample(phones, min(AT_ONCE, len(phones), texts - written)):
            count[phone] += 1
            batch.append((phone, f"Your report has news, number #{count[phone]}"))
        await office.hand_over(batch)
        written += len(batch)
        await asyncio.sleep(pause)
        if tell is not None:
            tell(written)


async def _burn(office: PostOffice, random: Random, outcome: Outcome, harm: list[str] | None, until: float) -> None:
    todo = list(harm) if harm else None
    while time.monotonic() < until and todo != []:
        kind = todo.pop(0) if todo else random.choices(list(HARM), list(HARM.values()))[0]
        await _do(office, random, kind)
        outcome.faults[kind] += 1
        for _ in range(random.randint(2, 8)):
            await asyncio.sleep(0.25)
            office.keep_up()


async def _do(office: PostOffice, random: Random, kind: str) -> None:
    awake = [one for one in office.workers if one.poll() is None and one.pid not in office.stopped]
    if kind == "kill a worker" and awake:
        office.kill(random.choice(awake))
    elif kind == "pause a worker" and len(awake) > 1:
        office.pause(random.choice(awake), 18)
    elif kind == "empty Redis":
        office.empty_redis()
    elif kind == "restart Redis":
        await asyncio.to_thread(office.restart_redis)
    elif kind in _PROVIDER:
        name, times, more = _PROVIDER[kind]
        await office.fault(name, times, **more)


async def _quiet(office: PostOffice, hurry: bool) -> None:
    """Until nothing is on its way, and the last reports came in."""
    for kind, _times, _more in _PROVIDER.values():
        await office.fault(kind, 0)
    until = time.monotonic() + (60 if hurry else 420)
    while time.monotonic() < until and await office.left():
        office.keep_up()
        if hurry:
            await office.hurry(15)
        await asyncio.sleep(0.5)
    await asyncio.sleep(3)


# ---- on the command line


def main() -> None:
    asked = _asked()
    out = Console()
    with (
        tempfile.TemporaryDirectory(prefix="sends", ignore_cleanup_errors=True) as folder,
        out.status("writing") as status,
    ):
        office = PostOffice(Path(folder), asked.workers)
        outcome = asyncio.run(
            run(
                office, asked.texts, asked.minutes * 60, asked.seed, citizens=asked.citizens,
                tell=lambda written: status.update(f"{written:,} texts handed over"),
            )
        )  # fmt: skip
    out.print(f"{outcome.texts:,} texts in {outcome.seconds:.0f} s, seed {asked.seed}: {dict(outcome.states)}")
    out.print(f"Faults: {outcome.faults.total()}: {dict(outcome.faults)}")
    out.print(f"Attempts {outcome.attempts:,}; twice {len(outcome.twice)}, lost {len(outcome.lost)}, "
              f"untrue {len(outcome.untrue)}, "
              f"out of order {len(outcome.out_of_order)}, unfinished {outcome.unfinished}, "
              f"workers fallen {len(outcome.fallen)}")  # fmt: skip
    out.print(f"Reports that never reached us {outcome.unreported}; the provider's words: {outcome.refused[:5]}")
    for wrong in [*outcome.twice, *outcome.lost, *outcome.untrue, *outcome.out_of_order, *outcome.fallen][:12]:
        out.print(f"[red]{wrong}[/]")
    if asked.json:
        asked.json.write_text(json.dumps(outcome.__dict__, indent=1) + "\n")
    out.print("[green]Nothing twice, nothing lost, every state true[/]" if outcome.clean else "[red]Not clean[/]")
    raise SystemExit(not outcome.clean)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.crash.sends", description="Texts under fire.")
    parser.add_argument("--texts", type=int, default=20_000)
    parser.add_argument("--minutes", type=float, default=30.0, help="no more texts are written after that")
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("--citizens", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
