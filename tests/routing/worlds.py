"""A small agency for examples, and random ones for properties: few skills and close numbers, so ties are common."""

from typing import Any

from hypothesis import strategies as st

from routing import Agent, ChannelRule, Policy, Req, Ticket

NOW = 10_000_000
MINUTE = 60_000
HOUSING, PARKING, SPANISH, ENGLISH = 1, 2, 3, 4
TEAM, OTHER_TEAM = 1, 2

RIVERTON = Policy(
    revision=7,
    channels={
        "chat": ChannelRule(weight=8, cap=3, live=True, offer_s=20),
        "sms": ChannelRule(weight=4, cap=5, live=True),
        "email": ChannelRule(weight=3, cap=8, live=False),
    },
)


def an_agent(agent_id: int, **changes: Any) -> Agent:
    """Present and idle, in the team, with nothing but what the test says."""
    facts: dict[str, Any] = {
        "skills": ((HOUSING, 3),),
        "primary": (HOUSING,),
        "home_pool": TEAM,
        "pools": (TEAM,),
        "signed_in": True,
        "available": True,
        "connected": True,
        "channels_on": ("chat", "email", "sms"),
        "caps": {},
        "items": {},
        "budget": 24,
        "primary_units": 0,
        "filler_units": 0,
        "idle_since": NOW - 5 * MINUTE,
        "last_assigned": NOW - 9 * MINUTE,
    }
    return Agent(id=agent_id, **{**facts, **changes})


def a_ticket(ticket_id: int, **changes: Any) -> Ticket:
    facts: dict[str, Any] = {
        "queue": 1,
        "pool": TEAM,
        "channel": "chat",
        "reqs": (Req(HOUSING, 2),),
        "priority": 0,
        "vulnerable": False,
        "arrived_at": NOW - 6 * MINUTE,
        "va": NOW - 6 * MINUTE,
    }
    return Ticket(id=ticket_id, **{**facts, **changes})


class Riverton:
    """Names as the console would give them."""

    def __init__(self, language: str = "en") -> None:
        self.skills = {
            "en": {HOUSING: "Housing", PARKING: "Parking", SPANISH: "Spanish", ENGLISH: "English"},
            "es": {HOUSING: "Vivienda", PARKING: "Aparcamiento", SPANISH: "Español", ENGLISH: "Inglés"},
        }[language]

    def agent(self, agent_id: int) -> str:
        return {1: "Ana", 2: "Ben", 3: "Cruz", 4: "Inés"}.get(agent_id, f"agent {agent_id}")

    def skill(self, skill_id: int) -> str:
        return self.skills[skill_id]


mostly = st.sampled_from([True, True, True, True, False])
levels = st.sampled_from([1, 2, 3])
skills = st.integers(1, 3)
pools = st.integers(1, 2)
channels = st.sampled_from(["chat", "sms", "email"])


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    rules = {
        "chat": ChannelRule(8, draw(st.integers(1, 3)), True, 20),
        "sms": ChannelRule(4, draw(st.integers(1, 3)), True),
        "email": ChannelRule(3, draw(st.integers(1, 3)), False),
    }
    return Policy(1, rules, secondary_weight=draw(st.sampled_from([20, 50, 100])))


@st.composite
def agents(draw: st.DrawFn, agent_id: int) -> Agent:
    levels_of = draw(st.dictionaries(skills, levels, max_size=3))
    items = draw(st.dictionaries(channels, st.integers(0, 2), max_size=2))
    home = draw(pools)
    return an_agent(
        agent_id,
        skills=tuple(sorted(levels_of.items())),
        primary=tuple(sorted(draw(st.sets(skills, max_size=2)))),
        home_pool=home,
        pools=tuple(sorted({home, draw(pools)})),
        signed_in=draw(mostly),
        available=draw(mostly),
        connected=draw(mostly),
        channels_on=tuple(sorted(draw(st.sets(channels, min_size=2)))),
        caps=draw(st.dictionaries(channels, st.integers(0, 3), max_size=1)),
        items=items,
        budget=draw(st.sampled_from([8, 16, 24])),
        primary_units=8 * items.get("chat", 0) + 4 * items.get("sms", 0),
        filler_units=3 * items.get("email", 0),
        idle_since=NOW - draw(st.integers(0, 2)),
    )


@st.composite
def tickets(draw: st.DrawFn, ticket_id: int, team: int) -> Ticket:
    needed = draw(st.dictionaries(skills, levels, max_size=2))
    arrived_at = NOW - draw(st.integers(-1, 5))
    return a_ticket(
        ticket_id,
        pool=draw(pools),
        channel=draw(channels),
        reqs=tuple(Req(skill, level) for skill, level in sorted(needed.items())),
        arrived_at=arrived_at,
        va=arrived_at - draw(st.integers(0, 2)),
        excluded=tuple(draw(st.lists(st.tuples(st.integers(1, team), st.integers(NOW, NOW + 1)), max_size=1))),
    )


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Ticket], list[Agent], Policy]:
    team = draw(st.integers(1, 5))
    waiting = draw(st.integers(0, 9))
    return (
        [draw(tickets(ticket_id, team)) for ticket_id in range(1, waiting + 1)],
        [draw(agents(agent_id)) for agent_id in range(1, team + 1)],
        draw(policies()),
    )
