"""Why a ticket is still waiting: computed when somebody asks, and put into words."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from routing.capacity import has_room
from routing.choosing import absence, is_excluded, misfit
from routing.model import FOREVER, Agent, Policy, Ticket
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
        "held_sticky": "{count} with room, but it waits for the agent who knows it",
        "held_manual": "{count} with room, but agents pick from this queue themselves",
        "held_reserve": "{count} with room, kept free for their own team",
        "none_now": "nobody here qualifies yet",
        "ring": "; in {time} it asks for less",
        "overflow": "; in {time} another team sees it too",
        "sticky": "; in {time} it goes to everybody",
        "exclusion": "; in {time} a pause ends",
        "more": " and {more} more qualify",
        "more_one": " and 1 more qualifies",
        "moment": "less than a minute",
        "expected": "From now on half of such tickets wait at most {half}, nine of ten at most {most}.",
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
        "held_sticky": "{count} con capacidad, pero espera a quien ya lo conoce",
        "held_manual": "{count} con capacidad, pero en esta cola se elige a mano",
        "held_reserve": "{count} con capacidad, reservados para su propio equipo",
        "none_now": "todavía nadie de aquí cumple los requisitos",
        "ring": "; en {time} pedirá menos",
        "overflow": "; en {time} lo verá también otro equipo",
        "sticky": "; en {time} pasará a todos",
        "exclusion": "; en {time} termina una pausa",
        "more": " y {more} más cumplirán los requisitos",
        "more_one": " y 1 más cumplirá los requisitos",
        "moment": "menos de un minuto",
        "expected": "A partir de ahora, la mitad de estos casos espera como máximo {half}, nueve de cada diez como máximo {most}.",
        "with_room": "con capacidad libre",
        "full": "al máximo de su capacidad",
        "away": "en pausa",
        "offline": "sin conexión",
    },
}


@dataclass(frozen=True, slots=True)
class Change:
    """What will change by itself, in `in_ms`, and how many more agents who are there qualify then."""

    kind: Literal["ring", "overflow", "sticky", "exclusion"]
    in_ms: int
    more: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """The place of a ticket among those of its signature, and its eligible agents by what they are doing.

    `hold` names the reason why agents with room do not get it, if there is one; `waited_ms` counts from `arrived_at`.
    `unservable` tells that nobody on the books, signed in or not, may serve it at any ring. `next_change` is the first
    thing that time will bring.
    """

    position: int
    of: int
    with_room: int
    full: int
    away: int
    offline: int
    unservable: bool
    hold: Literal["exclusion", "sticky", "manual", "reserve"] | None
    waited_ms: int
    next_change: Change | None = None


def why_waiting(
    ticket: Ticket, tickets: Iterable[Ticket], agents: Iterable[Agent], policy: Policy, now: int
) -> Waiting:
    """Look at all waiting `tickets` (with or without this one) and all `agents` on the books; instants in ms UTC."""
    agents = list(agents)
    rivals = [other for other in tickets if other.id != ticket.id and other.signature == ticket.signature]
    eligible = [agent for agent in agents if _qualifies(agent, ticket, ticket.ring, ticket.overflowed, policy)]
    states = Counter(_state(agent, ticket, policy) for agent in eligible)
    return Waiting(
        position=1 + sum(order_of(other) < order_of(ticket) for other in rivals),
        of=1 + len(rivals),
        with_room=states["with_room"],
        full=states["full"],
        away=states["away"],
        offline=states["offline"],
        unservable=not any(_ever(agent, ticket, policy) for agent in agents),
        hold=_hold(
            ticket, [one for one in eligible if _state(one, ticket, policy) == "with_room"], agents, policy, now
        ),
        waited_ms=max(0, now - ticket.arrived_at),
        next_change=_next_change(ticket, agents, policy, now),
    )


def _qualifies(agent: Agent, ticket: Ticket, ring: int, further: Iterable[int], policy: Policy) -> bool:
    signature = ticket.plan.rings[ring].signature
    pools = (signature.pool, *further)
    return any(misfit(agent, signature._replace(pool=pool), policy) is None for pool in pools)


def _ever(agent: Agent, ticket: Ticket, policy: Policy) -> bool:
    further = [pool for pool, _after_s in ticket.plan.overflow]
    return any(_qualifies(agent, ticket, ring, further, policy) for ring in range(len(ticket.plan.rings)))


def _hold(
    ticket: Ticket, takers: list[Agent], agents: list[Agent], policy: Policy, now: int
) -> Literal["exclusion", "sticky", "manual", "reserve"] | None:
    """Why nobody of those with room is given it."""
    if policy.rule(ticket.pool).strategy == "manual":
        return "manual"
    if not takers:
        return None
    if all(is_excluded(agent, ticket, now) for agent in takers):
        return "exclusion"
    if _waits_for_one(ticket, agents, now):
        return "sticky"
    return "reserve" if policy.rule(ticket.pool).reserve else None


def _waits_for_one(ticket: Ticket, agents: list[Agent], now: int) -> bool:
    if ticket.sticky_until is None or ticket.sticky_until <= now:
        return False
    return any(agent.id == ticket.preferred_agent and absence(agent) is None for agent in agents)


def _next_change(ticket: Ticket, agents: list[Agent], policy: Policy, now: int) -> Change | None:
    changes = []
    entered = ticket.arrived_at if ticket.entered_at is None else ticket.entered_at
    there = [agent for agent in agents if agent.signed_in]
    now_able = {agent.id for agent in there if _qualifies(agent, ticket, ticket.ring, ticket.overflowed, policy)}
    if _waits_for_one(ticket, agents, now) and ticket.sticky_until is not None:
        changes.append(Change("sticky", ticket.sticky_until - now, len(now_able) - 1))
    if ticket.ring + 1 < len(ticket.plan.rings):
        able = {one.id for one in there if _qualifies(one, ticket, ticket.ring + 1, ticket.overflowed, policy)}
        due = entered + ticket.plan.rings[ticket.ring + 1].after_s * 1000
        changes.append(Change("ring", due - now, len(able - now_able)))
    for pool, after_s in ticket.plan.overflow:
        if pool not in ticket.overflowed:
            able = {one.id for one in there if _qualifies(one, ticket, ticket.ring, (*ticket.overflowed, pool), policy)}
            changes.append(Change("overflow", entered + after_s * 1000 - now, len(able - now_able)))
    ends = [until for agent, until in ticket.excluded if now < until < FOREVER and agent in now_able]
    if ends:
        changes.append(Change("exclusion", min(ends) - now, 1))
    coming = [change for change in changes if change.in_ms > 0 and change.more > 0]
    return min(coming, key=lambda change: (change.in_ms, change.kind), default=None)


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
        agents=words["nobody"] if waiting.unservable else _agents(waiting, words) + _change(waiting.next_change, words),
    )


def expected_in_words(p50_s: int, p90_s: int, language: str) -> str:
    """One sentence on an expected wait, rounded up to whole minutes: more would only seem exact."""
    words = SENTENCES.get(language, SENTENCES["en"])
    half, most = (_duration(max(1, -(-seconds // 60))) for seconds in (p50_s, p90_s))
    return words["expected"].format(half=half, most=most)


def _change(change: Change | None, words: dict[str, str]) -> str:
    """What will change first, and for how many."""
    if change is None:
        return ""
    seconds = -(-change.in_ms // 1000)
    soon = f"{seconds} s" if seconds < 60 else _duration(-(-seconds // 60))
    return words[change.kind].format(time=soon) + words["more_one" if change.more == 1 else "more"].format(
        more=change.more
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
    if total == 0:
        return words["none_now"]
    qualify = words["qualify_one" if total == 1 else "qualify"]
    return qualify.format(count=total, states=_states(present, total, waiting.hold, words))


def _states(present: list[tuple[str, int]], total: int, hold: str | None, words: dict[str, str]) -> str:
    if len(present) == 1 and not hold:
        state = words[present[0][0]]
        return state if total == 1 else words["all"].format(state=state)
    return ", ".join(
        words["held" if hold == "exclusion" else f"held_{hold}"].format(count=count)
        if hold and state == "with_room"
        else f"{count} {words[state]}"
        for state, count in present
    )
