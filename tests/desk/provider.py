"""A provider at the border of the product: does what the test says, and remembers what it was asked."""

from collections.abc import Mapping
from itertools import count
from typing import Any, Self

from channels.base import Capabilities, Channel, Measure, Outbound, Sent, Tools
from tests.desk_rig import Rig

Answer = Exception | Sent | None
_minted = count(1)


class Provider(Channel):
    """Each ``send`` and ``find`` takes the next answer; the last one stays. ``asked``: what was called, in order."""

    name = "sms"
    capabilities = Capabilities(endpoint_kind="phone", max_text=1600, pace="soon", receipts=True)
    can_find = True

    def __init__(self, sends: list[Answer] | None = None, finds: list[Answer] | None = None) -> None:
        self.sends, self.finds = sends or [Sent("SM1")], finds or [None]
        self.asked: list[str] = []
        self.wires: list[Outbound] = []

    @classmethod
    def from_env(cls, settings: Mapping[str, str], tools: Tools) -> Self | None:
        return cls()

    def parse(self, raw: Any) -> list[Any]:
        return []

    def measure(self, outbound: Outbound) -> Measure:
        return Measure(1, len(outbound.text))

    def render(self, outbound: Outbound) -> Outbound:
        return outbound

    async def send(self, outbound: Outbound, wire: Outbound) -> Sent:
        self.asked.append("send")
        self.wires.append(wire)
        answer = _next(self.sends)
        assert answer is not None
        return answer

    async def find(self, outbound: Outbound) -> Sent | None:
        self.asked.append("find")
        return _next(self.finds)


class MailProvider(Provider):
    """Cannot be asked what became of a mail."""

    name = "email"
    capabilities = Capabilities(endpoint_kind="email", max_text=100_000, pace="later", subjects=True)
    can_find = False

    def mint_id(self, inbox: Any) -> str:
        return f"<c.{next(_minted)}@riverdale.example>"


def _next(answers: list[Answer]) -> Sent | None:
    answer = answers.pop(0) if len(answers) > 1 else answers[0]
    if isinstance(answer, Exception):
        raise answer
    return answer


def stand_in(rig: Rig, provider: Provider) -> Provider:
    """Put the provider in the place of the channel of its name."""
    object.__setattr__(rig.house.kit, "channels", {**rig.house.kit.channels, provider.name: provider})
    return provider


async def time_passes(rig: Rig, seconds: float) -> None:
    """For deliveries, all that happened happened so much earlier."""
    values = {"s": seconds}
    await rig.run(
        "UPDATE delivery SET due_at = due_at - make_interval(secs => :s), rung_at = rung_at - make_interval(secs => :s), "
        "updated_at = updated_at - make_interval(secs => :s), lease_until = lease_until - make_interval(secs => :s), "
        "deadline = deadline - make_interval(secs => :s)",
        **values,
    )
    await rig.run("UPDATE delivery_attempt SET started_at = started_at - make_interval(secs => :s)", **values)
