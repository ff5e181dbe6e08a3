"""Why a ticket is still waiting: computed when somebody asks, and put into words."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from routing.capacity import has_room
from routing.choosing import absence, is_excluded, misfit
from routing.model import Agent, Policy, Ticket
from routing.ordering import order_of

State = Literal["with_room", "full", "away", "offline"]

SENTENCES = {
    "en": {
        "waiting": "Waiting {time}, {position} of {of}: {agents}.",
        "nobody": "no agent has the team, channel and skills it needs, so nobody can take it",
        "qualify": "{count} agents qualify, {states}",
        "qualify_one": "1 agent qualifies, {states}",
        "all": "all {state}",
        "held": "{count} with room but not allowed this ticket for now",
        "moment": "less than a minute",
        "with_room": "with room",
        "full": "full",
        "away": "away",
        "offline": "offline",
    },
    "es": {
        "waiting": "En espera desde hace {time}, {position} de {of}: {agents}.",
        "nobody": "nadie tiene el equipo, el canal y las competencias que requiere, así que nadie puede atenderlo",
        "qualify": "{count} agentes cumplen los requisitos, {states}",
        "qualify_one": "1 agente cumple los requisitos, {states}",
        "all": "todos {state}",
        "held": "{count} con capacidad, pero sin poder llevar este caso por ahora",
        "moment": "menos de un minuto",
        "with_room": "con capacidad libre",
        "full": "al máximo de su capacidad",
        "away": "en pausa",
        "offline": "sin conexión",
    },
}


@dataclass(frozen=True, slots=True)
class Waiting:
    """The place of a ticket among those of its signature, and its eligible agents by what they are doing.

    `hold` names the reason why agents with room do not get it, if there is one; `waited_ms` counts from `arrived_at`.
    `unservable` tells that nobody on the books, signed in or not, has the pool, the channel and the skills.
    """

    position: int
    of: int
    with_room: int
    full: int
    away: int
    offline: int
    unservable: bool
    hold: Literal["exclusion"] | None
    waited_ms: int


def why_waiting(
    ticket: Ticket, tickets: Iterable[Ticket], agents: Iterable[Agent], policy: Policy, now: int
) -> Waiting:
    """Look at all waiting `tickets` (with or without this one) and all `agents` on the books; instants in ms UTC."""
    rivals = [other for other in tickets if other.id != ticket.id and other.signature == ticket.signature]
    eligible = [agent for agent in agents if not misfit(agent, ticket.signature, policy)]
    states = Counter(_state(agent, ticket, policy) for agent in eligible)
    takers = [agent for agent in eligible if _state(agent, ticket, policy) == "with_room"]
    return Waiting(
        position=1 + sum(order_of(other) < order_of(ticket) for other in rivals),
        of=1 + len(rivals),
        with_room=states["with_room"],
        full=states["full"],
        away=states["away"],
        offline=states["offline"],
        unservable=not eligible,
        hold="exclusion" if takers and all(is_excluded(agent, ticket, now) for agent in takers) else None,
        waited_ms=max(0, now - ticket.arrived_at),
    )


def _state(agent: Agent, ticket: Ticket, policy: Policy) -> State:
    absent = absence(agent)
    if absent:
        return "away" if absent == "available" else "offline"
    return "with_room" if has_room(agent, ticket.channel, policy) else "full"


def in_words(waiting: Waiting, language: str) -> str:
    """One sentence, in English ("en", and any language we do not speak) or Spanish ("es")."""
    words = SENTENCES.get(language, SENTENCES["en"])
    return words["waiting"].format(
        time=_duration(waiting.waited_ms // 60_000) or words["moment"],
        position=f"{waiting.position}.º" if language == "es" else _ordinal(waiting.position),
        of=waiting.of,
        agents=words["nobody"] if waiting.unservable else _agents(waiting, words),
    )


def _duration(minutes: int) -> str:
    """The two largest units: "2 d 3 h", "2 h 5 min", "6 min"; empty under a minute. The same in both languages."""
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min")]
    largest = next((at for at, (count, _) in enumerate(parts) if count), len(parts))
    return " ".join(f"{count} {unit}" for count, unit in parts[largest : largest + 2] if count)


def _ordinal(number: int) -> str:
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


def _agents(waiting: Waiting, words: dict[str, str]) -> str:
    counts = {
        "with_room": waiting.with_room,
        "full": waiting.full,
        "away": waiting.away,
        "offline": waiting.offline,
    }
    present = [(state, count) for state, count in counts.items() if count]
    total = sum(counts.values())
    qualify = words["qualify_one" if total == 1 else "qualify"]
    return qualify.format(count=total, states=_states(present, total, waiting.hold, words))


def _states(present: list[tuple[str, int]], total: int, hold: str | None, words: dict[str, str]) -> str:
    if len(present) == 1 and not hold:
        state = words[present[0][0]]
        return state if total == 1 else words["all"].format(state=state)
    return ", ".join(
        words["held"].format(count=count) if hold and state == "with_room" else f"{count} {words[state]}"
        for state, count in present
    )
