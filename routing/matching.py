"""Who may serve what: skills, pools and channels of an agent against what a line of tickets asks for."""

from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from routing.model import Check, Policy, Req, Signature


class Profile(Protocol):
    """What decides whom an agent may serve."""

    @property
    def skills(self) -> Mapping[int, int]: ...
    @property
    def pools(self) -> Collection[int]: ...
    @property
    def channels_on(self) -> Collection[str]: ...


def reason_against(seat: Profile, signature: Signature, policy: Policy) -> Check | None:
    """Why an agent, signed in or not, is not one who can serve such tickets; None when they are."""
    if signature.channel not in seat.channels_on or signature.channel not in policy.channels:
        return "channel"
    if signature.pool not in seat.pools:
        return "pool"
    skills = seat.skills
    for req in signature.reqs:
        if req.skill not in skills:
            return "skill"
    return "level" if any(skills[req.skill] < req.min_level for req in signature.reqs) else None


class Holders:
    """Who has a skill, so that a new line asks only those and not everybody."""

    __slots__ = ("_of_agent", "_of_skill")

    def __init__(self) -> None:
        self._of_skill: dict[int, dict[int, int]] = {}
        self._of_agent: dict[int, tuple[int, ...]] = {}

    def add(self, agent: int, skills: Mapping[int, int]) -> None:
        self._of_agent[agent] = tuple(skills)
        for skill, level in skills.items():
            self._of_skill.setdefault(skill, {})[agent] = level

    def remove(self, agent: int) -> None:
        for skill in self._of_agent.pop(agent, ()):
            del self._of_skill[skill][agent]

    def able(self, reqs: tuple[Req, ...], everybody: Iterable[int]) -> list[int]:
        """Those who have all the skills at their levels; without a skill everybody."""
        if not reqs:
            return list(everybody)
        holders = [(self._of_skill.get(req.skill, {}), req.min_level) for req in reqs]
        (rarest, least), *others = sorted(holders, key=lambda one: len(one[0]))
        able = [agent for agent, level in rarest.items() if level >= least]
        for levels, minimum in others:
            able = [agent for agent in able if levels.get(agent, 0) >= minimum]
        return able
