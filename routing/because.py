"""Why this agent: recorded with the decision, and put into words when somebody asks."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from routing.choosing import first_failing_check
from routing.model import KEY_FIELDS, Agent, AgentKey, Because, Policy, Req, Ticket

MOST_BETTER_PLACED = 5
MOST_NAMED = 2
NEAREST_MISS_FIRST = ("other_ticket", "room", "exclusion", "connected", "available", "signed_in")

SENTENCES = {
    "en": {
        "given": "Given to {agent}: {how}{better}.",
        "only": "the only agent free{having}",
        "best": "{superlative} of {count} agents{having}",
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
        "id": "first by number, all else being equal,",
    },
    "es": {
        "load": "quien menos carga tiene",
        "rank": "a quien más corresponde (su equipo y sus competencias principales)",
        "units": "quien menos trabajo tiene en curso",
        "flexibility": "quien más se especializa",
        "idle_since": "quien lleva más tiempo libre",
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
        "other_ticket": "le tocaba un caso más urgente",
    },
}


class Names(Protocol):
    """Who is who, in the language of the sentence."""

    def agent(self, agent_id: int) -> str: ...

    def skill(self, skill_id: int) -> str: ...


def because_of(
    ticket: Ticket,
    keys: Sequence[AgentKey],
    passed_over: Sequence[tuple[str, AgentKey]],
    ruled_out: Mapping[str, int],
    policy: Policy,
) -> Because:
    """Record a choice. `keys` are those of the agents who could take the ticket, ascending.

    `passed_over` has reason and key of the other eligible agents; `ruled_out` counts those who are not eligible, by
    their first failing check.
    """
    excluded = dict(ruled_out)
    for reason, _ in passed_over:
        excluded[reason] = excluded.get(reason, 0) + 1
    runner_up = keys[1] if len(keys) > 1 else None
    return Because(
        rule="spread",
        winner_key=keys[0],
        runner_up=runner_up[-1] if runner_up else None,
        separated_by=_separation(keys[0], runner_up) if runner_up else None,
        qualified=len(keys),
        excluded=tuple(sorted(excluded.items())),
        better_placed=_better_placed(keys[0], passed_over),
        reqs=ticket.reqs,
        policy_revision=policy.revision,
    )


def _separation(winner: AgentKey, runner_up: AgentKey) -> str:
    return next(name for name, ours, theirs in zip(KEY_FIELDS, winner, runner_up, strict=True) if ours != theirs)


def _better_placed(winner: AgentKey, passed_over: Sequence[tuple[str, AgentKey]]) -> tuple[tuple[int, str], ...]:
    better = [(NEAREST_MISS_FIRST.index(reason), key) for reason, key in passed_over if _beats(key, winner, reason)]
    return tuple((key[-1], NEAREST_MISS_FIRST[nearness]) for nearness, key in sorted(better)[:MOST_BETTER_PLACED])


def _beats(key: AgentKey, winner: AgentKey, reason: str) -> bool:
    """Whether the key would have won. Of a full agent only rank and flexibility count: the rest is their fullness."""
    if reason == "room":
        return (key[1], key[3]) < (winner[1], winner[3])
    return key < winner


def why_this_agent(because: Because, names: Names, language: str) -> str:
    """One sentence, in English ("en", and any language we do not speak) or Spanish ("es").

    It names the winner, what set them apart from the runner-up, and at most two who were better placed. Nobody asks why
    work did not go to somebody who went home, so they are not named.
    """
    words = _in(SENTENCES, language)
    having = words["having"].format(reqs=_reqs(because.reqs, names, language)) if because.reqs else ""
    if because.separated_by is None:
        how = words["only"].format(having=having)
    else:
        superlative = _in(SUPERLATIVES, language)[because.separated_by]
        how = words["best"].format(superlative=superlative, count=because.qualified, having=having)
    better = _better_words(because, names, language)
    return words["given"].format(agent=names.agent(because.winner_key[-1]), how=how, better=better)


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
