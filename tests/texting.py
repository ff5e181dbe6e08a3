"""A citizen's phone in a desk in hand: texts in, what the desk answered out."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from channels.base import Address, ConsentChange, Inbound, Item, Proof
from contactcenter.models import Ticket
from tests.desk_rig import Rig

NOON = 16
"""Hour in UTC at which it is day in the test agency's zone, and in all of the United States' mainland."""


def at_noon(rig: Rig) -> None:
    """Set the test's clock to the next noon, so that quiet hours decide nothing by chance."""
    noon = rig.clock.at.replace(hour=NOON, minute=0)
    rig.clock.at = noon if noon > rig.clock.at else noon + timedelta(days=1)


@dataclass
class Texter:
    rig: Rig
    number: str = "+12025550117"
    box: str = "text"
    _count: int = field(default=0)

    def address(self) -> Address:
        return Address("phone", self.number, self.number, Proof.PROVIDER_ATTESTED)

    async def say(self, words: str, **more: Any) -> list[str]:
        """Text the desk; gives what the desk itself wrote back."""
        before = {message_id for (message_id,) in await self.rig.rows("SELECT id FROM message")}
        self._count += 1
        item = Inbound(self.address(), words, f"SM{self.number}{self._count}", **more)
        await self.rig.receive(await self.rig.inbox(self.box), [item])
        rows = await self.rig.rows(
            "SELECT m.id, m.body_text FROM message m JOIN delivery d ON d.message_id = m.id JOIN endpoint e ON e.id = d.endpoint_id "
            "WHERE e.canonical = :number ORDER BY d.id",
            number=self.number,
        )
        return [body for message_id, body in rows if message_id not in before]

    async def wish(self, words: str, state: str) -> None:
        """STOP, START, or words that may mean it, as the adapter reads them."""
        self._count += 1
        change = ConsentChange(self.address(), state, words)  # type: ignore[arg-type]  # the test's own word
        items: list[Item] = [change, Inbound(self.address(), words, f"SM{self.number}{self._count}")]
        await self.rig.receive(await self.rig.inbox(self.box), items)

    async def tickets(self) -> list[Ticket]:
        """All tickets of this phone, the oldest first."""
        rows = await self.rig.rows(
            "SELECT t.reference FROM ticket t JOIN endpoint e ON e.id = t.endpoint_id WHERE e.canonical = :number ORDER BY t.id",
            number=self.number,
        )
        return [await self.rig.ticket(reference) for (reference,) in rows]

    async def two_matters(self, language: str = "en") -> list[Ticket]:
        """This phone has two open matters: a street light, and (moved there by the desk) housing."""
        first, second = (
            ("The street light is out on my street", "My rent is too high, I need help with the rent")
            if language == "en"
            else ("Hola, no hay luz en mi calle, por favor ayuda", "Necesito ayuda con la renta de mi casa, por favor")
        )
        await self.say(first)
        (light,) = await self.tickets()
        await self.rig.run(
            "UPDATE ticket SET inbox_id = (SELECT id FROM inbox WHERE slug = 'mail') WHERE id = :id", id=light.id
        )
        await self.say(second)
        await self.rig.run(
            "UPDATE ticket SET inbox_id = (SELECT id FROM inbox WHERE slug = 'text') WHERE id = :id", id=light.id
        )
        rent = (await self.tickets())[-1]
        assert rent.id != light.id
        await self.rig.run(
            "UPDATE ticket SET queue_id = (SELECT id FROM queue WHERE slug = 'housing') WHERE id = :id", id=rent.id
        )
        return await self.tickets()
