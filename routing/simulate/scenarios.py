"""The scenario suite as data: what queueing theory gives exactly, and what a good router must reach where it gives nothing.

Exact figures are those of `routing.theory`; the others were measured with long runs of the same rules. The controls show
what simpler rules do in the same world. Minutes everywhere.
"""

from collections.abc import Iterator
from functools import partial

from routing.simulate import controls, designs, team_scenarios
from routing.simulate.controls import first_come, fullest
from routing.simulate.designs import STRICTLY
from routing.simulate.promises import Scenario, about, control, exact, least, most, shown
from routing.simulate.textbook import Textbook

M = 1_000_000


def suite() -> tuple[Scenario, ...]:
    """All scenarios, those of one design side by side."""
    one_pool = (_patient, _impatient, _pooling, _classes, _blended, _several, _known, _clockwork)
    parts = (*one_pool, *team_scenarios.PARTS)
    return tuple(sorted((one for part in parts for one in part()), key=lambda one: int(one.name.split()[0][1:])))


def named(wanted: str) -> tuple[Scenario, ...]:
    """Those whose name starts with what is wanted ("s5", "s1 c7"); "all" for all. Raises LookupError with a sentence."""
    everything = suite()
    found = tuple(
        one for one in everything if wanted == "all" or f"{one.name} ".lower().startswith(f"{wanted} ".lower())
    )
    if not found:
        groups = dict.fromkeys(one.name.split()[0].lower() for one in everything)
        raise LookupError(f"There is no scenario {wanted}. There are: all, {', '.join(groups)}.")
    return found


def _patient() -> Iterator[Scenario]:
    rows = (
        ("C1", 12, 4.2, 0.5, 0.183889, 0.102160, 0.89908, 0.2), ("C2", 10, 8, 1, 0.409180, 0.204590, 0.78992, 0.3),
        ("C3", 50, 48, 1, 0.694456, 0.347228, 0.64345, 1.6), ("C4", 90, 8.25, 0.1, 0.316539, 0.422052, 0.75348, 0.6),
        ("C5", 100, 95, 1, 0.506457, 0.101291, 0.90434, 1.2), ("C6", 1000, 968.377, 1, 0.221468, 0.007003, 0.999994, 2.0),
        ("C7", 50, 45, 1, 0.363864, 0.072773, 0.93128, 0.4), ("C8", 25, 22.5, 1, 0.507923, 0.203169, 0.77926, 0.4),
        ("C9", 48, 44, 1, 0.449740, 0.112435, 0.88145, 0.6),
    )  # fmt: skip
    for name, agents, coming, served, delayed, w, in20, length in rows:
        promises = exact(delayed=delayed, w=w, in20=in20) + (exact(in30=0.970132) if name == "C7" else ())
        text = f"Erlang C: {agents} agents, {coming:g} contacts a minute, {1 / served:g} min each"
        yield Scenario(
            f"S1 {name}",
            text,
            partial(designs.one_pool, agents, coming, served),
            promises,
            int(length * M),
            textbook=Textbook(agents),
        )


def _impatient() -> Iterator[Scenario]:
    rows = (
        ("A1", 50, 48, 1, 0.5, 0.467774, 0.030912, 0.061824, 0.930324),
        ("A2", 12, 4.2, 0.5, 1, 0.127372, 0.029679, 0.029679, 0.679225),
        ("A3", 100, 105, 1, 1, 0.700245, 0.066982, 0.066982, 0.979669),
        ("A4", 90, 8.4, 0.1, 0.2, 0.229938, 0.022110, 0.110548, 0.912698),
    )
    for name, agents, coming, served, leaving, delayed, lost, wait, busy in rows:
        promises = exact(delayed=delayed, wait=wait, occupancy=busy) + about(0.02, lost=lost) + about(0.01, ratio=1.0)
        text = f"Erlang A: {agents} agents, {coming:g} contacts a minute, patience {1 / leaving:g} min"
        yield Scenario(
            f"S2 {name}", text,
            partial(designs.one_pool, agents, coming, served, leaving), promises, 600_000, textbook=Textbook(agents),
        )  # fmt: skip


def _pooling() -> Iterator[Scenario]:
    cells = {
        7.75: (about(0.05, w=1.72), about(0.05, w=0.148), about(0.05, w=0.100), exact(w=0.08523)),
        8.25: (
            about(0.05, w=2.32, in30=0.519, blocked=0.0303),
            about(0.05, w=0.435, in30=0.751, blocked=0.00241) + most(w=1.40 * 0.32093),
            about(0.05, w=0.346, in30=0.791, blocked=0.00212) + most(w=1.12 * 0.32093),
            exact(w=0.32093, blocked=0.001981) + about(0.05, in30=0.804),
        ),
        8.75: (about(0.05, w=2.71), about(0.05, w=1.00), about(0.05, w=0.908), exact(w=0.87167)),
    }
    for rate, promises in cells.items():
        for skills, kept in zip((1, 2, 3, 6), promises, strict=True):
            text = f"90 agents, six types, {skills} skill(s) each, {rate:g} a minute, 30 may wait"
            yield Scenario(
                f"S3 {rate:g}/{skills}",
                text,
                partial(designs.cross_trained, rate, skills),
                kept,
                600_000,
                300.0,
                textbook=Textbook(90, places=30) if skills == 6 else None,
            )


def _classes() -> Iterator[Scenario]:
    rows = (
        ("first come", (0, 0, 0), exact(w=1.6512, urgent=1.6512, normal=1.6512, low=1.6512) + shown(tail=13)),
        ("strict", (2 * STRICTLY, STRICTLY, 0), exact(urgent=0.1179, normal=0.3931, low=5.5039) + shown(tail=49)),
        ("4 min", (4, 2, 0), about(0.05, urgent=0.71, normal=1.61, low=2.85) + most(tail=20)),
        ("10 min", (10, 5, 0), about(0.05, urgent=0.26, normal=1.32, low=3.85) + shown(tail=18)),
    )
    for name, starts, promises in rows:
        text = f"10 agents at 95 %, three classes, head start {name}"
        yield Scenario(
            f"S9 {name}", text, partial(designs.classes, (3, 4, 2.5), starts), promises, 1_600_000, 500.0,
            textbook={"first come": Textbook(10), "strict": Textbook(10, strict=True)}.get(name),
        )  # fmt: skip
    rates = (9.6, 0.3)
    yield Scenario(
        "S9 full strict", "10 agents at 99 %, strict priority", lambda: designs.classes(rates, (STRICTLY, 0)),
        exact(w=9.637, low=240.9), 2 * M, 5000.0, textbook=Textbook(10, strict=True),
    )  # fmt: skip
    yield Scenario(
        "S9 full 5 min", "10 agents at 99 %, head start 5 min", lambda: designs.classes(rates, (5, 0)),
        least(apart=4.0) + most(apart=5.0, worst=1.6), 2 * M, 5000.0,
    )  # fmt: skip


def _blended() -> Iterator[Scenario]:
    for rate, w, limit, writing, slowest in (
        (1.2, 0.006, 0.02, 64.6, 66),
        (1.4, 0.033, 0.1, 68.5, 70),
        (1.6, 0.6, 1.0, 77.7, 79),
    ):
        promises = (
            most(letters=limit, writing=slowest, talks=0.001) + least(talks30=1.0) + shown(letters=w, writing=writing)
        )
        text = f"30 agents talk and write; {rate:g} letters a minute fill the gaps"
        yield Scenario(f"S10 {rate:g}", text, partial(designs.blended, rate), promises, 150_000, 600.0)
    for rate, talks in ((1.2, 2.3), (1.4, 8.0)):
        text = f"30 agents talk and write, {rate:g} letters a minute; control: one budget for both"
        yield Scenario(
            f"S10 {rate:g} shared",
            text,
            partial(designs.blended, rate, shared=True),
            shown(talks=talks),
            150_000,
            600.0,
        )
    yield Scenario(
        "S10 talks alone",
        "8.25 talks a minute are C4",
        lambda: designs.blended(0, talks=8.25),
        exact(w=0.422052),
        600_000,
        textbook=Textbook(90),
    )
    yield Scenario(
        "S10 letters alone",
        "3.6 letters a minute on 240 places",
        lambda: designs.blended(3.6, talks=0),
        exact(w=0.17526),
        M,
        600.0,
        textbook=Textbook(240),
    )


def _several() -> Iterator[Scenario]:
    rows = (
        (8, shown(w=0.003) + about(0.01, handling=7.76), 0.009, 8.76),
        (9, most(w=0.165, handling=8.5) + about(0.1, w=0.147), 0.203, 8.83),
    )
    for rate, promises, w, handling in rows:
        text = f"30 agents with up to three talks each, {rate} a minute"
        yield Scenario(f"S11 {rate}", text, partial(designs.several_talks, rate), promises, 400_000, 300.0)
        yield control(
            f"S11 {rate} fullest",
            text,
            partial(designs.several_talks, rate),
            shown(w=w, handling=handling),
            first_come,
            fullest,
        )


def _known() -> Iterator[Scenario]:
    yield Scenario(
        "S12 0",
        "30 % know an agent, no hold",
        lambda: designs.known_callers(0),
        exact(w=0.072773) + about(0.1, in20=0.931, same=0.107),
        textbook=Textbook(50),
    )
    for hold, w, in20, same in (
        (0.1, 0.098, 0.922, 0.170),
        (0.25, 0.130, 0.904, 0.268),
        (0.5, 0.175, 0.727, 0.413),
        (1, 0.245, 0.730, 0.619),
        (2, 0.327, 0.735, 0.831),
    ):
        text = f"30 % know an agent and wait {hold:g} min for them"
        yield Scenario(
            f"S12 {hold:g}",
            text,
            partial(designs.known_callers, hold),
            about(0.1, w=w, in20=in20, same=same),
            400_000,
        )


def _clockwork() -> Iterator[Scenario]:
    """Rules that decide by the clock, in worlds whose best is known."""
    yield Scenario(
        "S2 A1 dealt", "A1; control: round robin every 5 min", lambda: designs.one_pool(50, 48, 1, 0.5),
        shown(lost=0.030912, wait=0.061824), 100_000, router=controls.dealt_by_the_clock,
    )  # fmt: skip
    yield Scenario(
        "S1 C7 pulled", "C7; control: whoever is free pulls every 2 s", lambda: designs.one_pool(50, 45, 1),
        shown(w=0.072773), router=controls.pulled,
    )  # fmt: skip
