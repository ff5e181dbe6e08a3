"""An hour of hostile mail: ``python -m tests.channels.email.fuzz --minutes 60 --seed 1`` reads made-up bytes until the time is up.

The strategies are those of ``test_fuzz``; each round has a seed of its own (first seed + round), so a finding can be had again. A mail
that raises, takes more than ten seconds of processor time or more memory than a reading child has ends the run: its bytes and
its seed are shown.
"""

import argparse
import contextlib
import resource
import signal
import time
from collections.abc import Iterator

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.channels.email.odd import BUILT, mutated
from tests.channels.email.test_fuzz import assert_harmless

FAMILIES = {"any bytes": st.binary(max_size=3000), "damaged": mutated(), "built": BUILT}
A_ROUND = 500
SECONDS_A_MAIL = 10
MEMORY = 512 * 1024 * 1024


class TooSlow(BaseException):
    """One mail was not read in the time a reading child has. No ``except Exception`` of the reader may swallow it."""


@contextlib.contextmanager
def watched() -> Iterator[None]:
    """No longer than a reading child would be given."""

    def ring(_signal: int, _frame: object) -> None:
        raise TooSlow(f"more than {SECONDS_A_MAIL} s")

    signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, SECONDS_A_MAIL)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def one_round(bodies: st.SearchStrategy[bytes], number: int, slowest: list[float]) -> int:
    """Read A_ROUND mails of one family; answers how many were read. Raises what a mail raised, shrunk to its smallest form."""
    read, last = 0, b""

    @seed(number)
    @settings(
        max_examples=A_ROUND,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(bodies)
    def reads(body: bytes) -> None:
        nonlocal read, last
        began, last = time.process_time(), body
        with watched():
            assert_harmless(body)
        slowest[0] = max(slowest[0], time.process_time() - began)
        read += 1

    try:
        reads()
    except BaseException:
        print(f"seed {number}, the last mail read: {last!r}", flush=True)
        raise
    return read


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    end = time.monotonic() + asked.minutes * 60
    counts = dict.fromkeys(FAMILIES, 0)
    slowest = [0.0]
    number = asked.seed
    while time.monotonic() < end:
        for name, bodies in FAMILIES.items():
            counts[name] += one_round(bodies, number, slowest)
        number += 1
        left = max(0.0, end - time.monotonic()) / 60
        told = ", ".join(f"{count:,} {name}" for name, count in counts.items())
        print(f"seed {number - 1}: {told}; slowest {slowest[0]:.2f} s; {left:.1f} min left", flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{sum(counts.values()):,} mails, nothing raised, slowest {slowest[0]:.2f} s, at most {peak:.0f} MB", flush=True
    )


if __name__ == "__main__":
    main()
