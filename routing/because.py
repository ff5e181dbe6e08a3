"""Why this agent: recorded with the decision, and put into words when somebody asks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self, cast

from routing.choosing import LEAD_SHIFT, RANK_SHIFT, agent_key, first_failing_check
from routing.events import Given
from routing.floor import Case, Floor, Seat
from routing.matching import reason_against
from routing.model import KEY_FIELDS, Agent, AgentKey, Policy, Req, Strategy, Ticket
from routing.settling import may_have

MOST_BETTER_PLACED = 5
MOST_NAMED = 2
NEAREST_MISS_FIRST = ("other_ticket", "room", "exclusion", "connected", "available", "signed_in")
NEAR = frozenset({None, *NEAREST_MISS_FIRST})
PLACED = frozenset(KEY_FIELDS)
"""The rules under which an agent was chosen by key; under every other rule the ticket was chosen for the agent."""


@dataclass(frozen=True, slots=True)
class Because:
    """Why a ticket went to an agent, as it is stored: put into words only when asked.

    `rule` is the strategy where the agent was chosen by key, else pick, sticky, guard, emergency, picked or override.
    `winner_key` ends in the agent id and has only that where no key decided. `separated_by` is the field on which the
    winner beat the `runner_up`; both are None without a runner-up. `qualified` counts the agents who could take the ticket
    at that moment, the winner included; `excluded` counts everybody else by the first check they fail. `better_placed`
    names at most five of those whom the key would have preferred, the nearest miss first. `score` is weight times age of a pick
    and `rival` the ticket that came second. `ring` counts from 0, the strictest.
    """

    rule: str
    winner_key: AgentKey
    runner_up: int | None
    separated_by: str | None
    qualified: int
    excluded: tuple[tuple[str, int], ...]
    better_placed: tuple[tuple[int, str], ...]
    reqs: tuple[Req, ...]
    policy_revision: int
    score: int | None = None
    rival: int | None = None
    ring: int = 0

    @property
    def agent(self) -> int:
        return self.winner_key[-1]

    @classmethod
    def by_hand(cls, rule: str, agent: int) -> Self:
        """A person decided: picked or override."""
        return cls(rule, (agent,), None, None, 1, (), (), (), 0)

    def to_json(self) -> dict[str, Any]:
        """Plain lists, numbers and strings, ready for a JSON column."""
        return {
            "rule": self.rule,
            "winner_key": list(self.winner_key),
            "runner_up": self.runner_up,
            "separated_by": self.separated_by,
            "qualified": self.qualified,
            "excluded": [list(pair) for pair in self.excluded],
            "better_placed": [list(pair) for pair in self.better_placed],
            "reqs": [[req.skill, req.min_level] for req in self.reqs],
            "policy_revision": self.policy_revision,
            "score": self.score,
            "rival": self.rival,
            "ring": self.ring,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`. Raises KeyError, TypeError or ValueError on anything else."""
        return cls(
            rule=data["rule"],
            winner_key=tuple(int(field) for field in data["winner_key"]),
            runner_up=data["runner_up"],
            separated_by=data["separated_by"],
            qualified=data["qualified"],
            excluded=tuple((reason, count) for reason, count in data["excluded"]),
            better_placed=tuple((other, check) for other, check in data["better_placed"]),
            reqs=tuple(Req(skill, level) for skill, level in data["reqs"]),
            policy_revision=data["policy_revision"],
            score=data.get("score"),
            rival=data.get("rival"),
            ring=data.get("ring", 0),
        )


def because_of(floor: Floor, given: Given) -> Because:
    """Write a decision's reasons out in full, right after it was made: everybody else is looked at as they are now."""
    case = floor.cases[given.ticket]
    ticket = case.as_ticket()
    grounds = given.because
    reasons = {seat.id: _against(floor, case, seat) for seat in floor.seats.values() if seat.id != given.agent}
    counts: dict[str, int] = {}
    for reason in reasons.values():
        if reason is not None:
            counts[reason] = counts.get(reason, 0) + 1
    winner = _winner_key(given)
    by_key = grounds.rule in PLACED
    near = [floor.seats[agent] for agent, reason in reasons.items() if by_key and reason in NEAR]
    keys = {seat.id: agent_key(seat.as_agent(), ticket, floor.policy, _strategy(grounds.rule)) for seat in near}
    runner_up = min((key for agent, key in keys.items() if reasons[agent] is None), default=None)
    passed_over = [(reason, key) for agent, key in keys.items() if (reason := reasons[agent]) in NEAREST_MISS_FIRST]
    return Because(
        rule=grounds.rule,
        winner_key=winner,
        runner_up=runner_up[-1] if runner_up else None,
        separated_by=_separation(grounds.rule, winner, runner_up) if runner_up else None,
        qualified=1 + sum(reason is None for reason in reasons.values()),
        excluded=tuple(sorted(counts.items())),
        better_placed=_better_placed(grounds.rule, winner, passed_over),
        reqs=ticket.reqs,
        policy_revision=grounds.revision,
        score=None if by_key else grounds.value,
        rival=None if by_key else grounds.rival,
        ring=ticket.ring,
    )


def _against(floor: Floor, case: Case, seat: Seat) -> str | None:
    """The first check the agent fails, in the order of `Check`: as `first_failing_check`, without making a value of a seat."""
    if seat.intent == "offline" or seat.health == "lost":
        return "signed_in"
    if not seat.present:
        return "connected" if seat.intent == "available" and seat.next_intent is None else "available"
    misfit = reason_against(seat, case.plan.rings[case.ring].signature, floor.policy)
    if misfit is not None:
        return misfit
    if not may_have(floor, case, seat):
        return "exclusion"
    return None if floor.room(seat, case.channel) else "room"


def _winner_key(given: Given) -> AgentKey:
    """The key as it was when the agent was chosen: unpacked, since the agent has the ticket by now."""
    rule, packed, agent = given.because.rule, given.because.value, given.agent
    if rule not in PLACED or rule == "manual":
        return (agent,)
    rank, instant = packed >> RANK_SHIFT & 1, packed & ((1 << 41) - 1)
    if rule == "round_robin":
        return rank, instant, agent
    lead = packed >> LEAD_SHIFT
    if rule == "spread":
        return lead, rank, packed >> 45 & 63, packed >> 41 & 15, instant, agent
    return lead, rank, instant, agent


def _strategy(rule: str) -> Strategy:
    """The strategy of that name; the usual one for rules that are no strategies."""
    return cast(Strategy, rule) if rule in PLACED else "spread"


def _separation(rule: str, winner: AgentKey, runner_up: AgentKey) -> str | None:
    pairs = zip(KEY_FIELDS[rule], winner, runner_up, strict=True)
    return next((name for name, ours, theirs in pairs if ours < theirs), None)


def _better_placed(
    rule: str, winner: AgentKey, passed_over: Sequence[tuple[str, AgentKey]]
) -> tuple[tuple[int, str], ...]:
    better = [(NEAREST_MISS_FIRST.index(why), key) for why, key in passed_over if _beats(rule, key, winner, why)]
    return tuple((key[-1], NEAREST_MISS_FIRST[nearness]) for nearness, key in sorted(better)[:MOST_BETTER_PLACED])


def _beats(rule: str, key: AgentKey, winner: AgentKey, reason: str) -> bool:
    """Whether the key would have won. Of a full agent only rank and flexibility count: the rest is their fullness."""
    if reason == "room":
        kept = [at for at, name in enumerate(KEY_FIELDS[rule]) if name in ("rank", "flexibility")]
        return [key[at] for at in kept] < [winner[at] for at in kept]
    return key < winner


SENTENCES = {
    "en": {
        "given": "Given to {agent}: {how}{better}.",
        "only": "the only agent free{having}",
        "best": "{superlative} of {count} agents{having}",
        "pick": "the first to have room{having}",
        "guard": "had room, and it had waited longest of all",
        "emergency": "an emergency, and the first to have room{having}",
        "sticky": "knows it from before",
        "picked": "took it out of turn",
        "override": "a supervisor decided so",
        "having": " with {reqs}",
        "better_one": "; {name} was better placed but {check}",
        "better_some": "; better placed were {names}",
        "cannot": "{agent} cannot take this ticket: {check}.",
        "can": "{agent} can take this ticket.",
    },
    "es": {
        "given": "Asignado a {agent}: {how}{better}.",
        "only": "la única persona libre{having}",
        "best": "{superlative} de {count} agentes{having}",
        "pick": "la primera persona con capacidad libre{having}",
        "guard": "tenía capacidad libre y era el caso que más había esperado",
        "emergency": "una emergencia, y la primera persona con capacidad libre{having}",
        "sticky": "ya conoce el caso",
        "picked": "lo tomó fuera de turno",
        "override": "lo decidió una persona supervisora",
        "having": " con {reqs}",
        "better_one": "; {name} tenía mejor posición, pero {check}",
        "better_some": "; tenían mejor posición {names}",
        "cannot": "{agent} no puede llevar este caso: {check}.",
        "can": "{agent} puede llevar este caso.",
    },
}

SUPERLATIVES = {
    "en": {
        "load": "least busy",
        "rank": "closest match (home team and main skills)",
        "units": "least work in hand",
        "flexibility": "most specialised",
        "idle_since": "longest idle",
        "last_assigned": "next in the round",
        "spare": "most capacity left",
        "items": "fewest items in hand",
        "id": "first by number, all else being equal,",
    },
    "es": {
        "load": "quien menos carga tiene",
        "rank": "a quien más corresponde (su equipo y sus competencias principales)",
        "units": "quien menos trabajo tiene en curso",
        "flexibility": "quien más se especializa",
        "idle_since": "quien lleva más tiempo libre",
        "last_assigned": "a quien le toca en la ronda",
        "spare": "quien más capacidad libre tiene",
        "items": "quien menos casos tiene",
        "id": "quien va primero por número, a igualdad de todo,",
    },
}

# An exclusion may rest on something private (a conflict of interest), so its words give no reason.
CHECKS = {
    "en": {
        "signed_in": "not signed in",
        "available": "away",
        "connected": "without connection",
        "channel": "not taking this channel",
        "pool": "in another team",
        "skill": "without a skill it needs",
        "level": "below the level it needs",
        "exclusion": "not allowed this ticket for now",
        "room": "full",
        "reserve": "kept free for their own team",
        "hold": "waiting for somebody else",
        "other_ticket": "due for a more pressing ticket",
    },
    "es": {
        "signed_in": "no ha iniciado sesión",
        "available": "está ausente",
        "connected": "no tiene conexión",
        "channel": "no atiende este canal",
        "pool": "es de otro equipo",
        "skill": "no tiene una competencia necesaria",
        "level": "no alcanza el nivel necesario",
        "exclusion": "no puede llevar este caso por ahora",
        "room": "está al máximo de su capacidad",
        "reserve": "se reserva para su propio equipo",
        "hold": "en espera de otra persona",
        "other_ticket": "le tocaba un caso más urgente",
    },
}


class Names(Protocol):
    """Who is who, in the language of the sentence."""

    def agent(self, agent_id: int) -> str: ...

    def skill(self, skill_id: int) -> str: ...


def why_this_agent(because: Because, names: Names, language: str) -> str:
    """One sentence, in English ("en", and any language we do not speak) or Spanish ("es").

    It names the winner, what set them apart from the runner-up, and at most two who were better placed. Nobody asks why
    work did not go to somebody who went home, so they are not named.
    """
    words = _in(SENTENCES, language)
    having = words["having"].format(reqs=_reqs(because.reqs, names, language)) if because.reqs else ""
    if because.rule in words:
        how = words[because.rule].format(having=having)
    elif because.separated_by is None:
        how = words["only"].format(having=having)
    else:
        superlative = _in(SUPERLATIVES, language)[because.separated_by]
        how = words["best"].format(superlative=superlative, count=because.qualified, having=having)
    better = _better_words(because, names, language)
    return words["given"].format(agent=names.agent(because.agent), how=how, better=better)


def _better_words(because: Because, names: Names, language: str) -> str:
    words, checks = _in(SENTENCES, language), _in(CHECKS, language)
    better = [(names.agent(agent), checks[check]) for agent, check in because.better_placed if check != "signed_in"]
    if not better:
        return ""
    if len(better) == 1:
        return words["better_one"].format(name=better[0][0], check=better[0][1])
    return words["better_some"].format(
        names=_listed([f"{name} ({check})" for name, check in better[:MOST_NAMED]], language)
    )


def _reqs(reqs: Sequence[Req], names: Names, language: str) -> str:
    return _listed(
        [names.skill(req.skill) + (f" {req.min_level}" if req.min_level > 1 else "") for req in reqs], language
    )


def _listed(items: Sequence[str], language: str) -> str:
    """A, B and C; in Spanish A, B y C, with "e" before the sound of i: Vivienda e Inglés."""
    if len(items) == 1:
        return items[0]
    conjunction = "and"
    if language == "es":
        last = items[-1].lower()
        conjunction = "e" if last.startswith(("i", "í", "hi", "hí")) and not last.startswith(("hie", "hia")) else "y"
    return f"{', '.join(items[:-1])} {conjunction} {items[-1]}"


def why_not(agent: Agent, ticket: Ticket, policy: Policy, now: int, names: Names, language: str) -> str:
    """What keeps one agent from taking the ticket now, in one sentence; or that nothing does."""
    words = _in(SENTENCES, language)
    failing = first_failing_check(agent, ticket, policy, now)
    if failing is None:
        return words["can"].format(agent=names.agent(agent.id))
    return words["cannot"].format(agent=names.agent(agent.id), check=_in(CHECKS, language)[failing])


def _in(tables: Mapping[str, Mapping[str, str]], language: str) -> Mapping[str, str]:
    return tables.get(language, tables["en"])
