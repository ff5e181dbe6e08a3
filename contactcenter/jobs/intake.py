"""The intake: listens where channels listen, keeps what comes before it is read, and reads it in killable children."""

import asyncio

from channels._guard import Guard
from channels.base import Arrival, Channel, Raw, StoreAway, UnknownRecipient
from contactcenter import events, metrics
from contactcenter.desk import inbox as desk_inbox
from contactcenter.desk.book import channel_inbox, kept_book
from contactcenter.errors import StoreAway as DatabaseAway
from contactcenter.ids import uuid7
from contactcenter.jobs.reading import Reading
from contactcenter.jobs.watching import Watching
from contactcenter.models import Inbox
from contactcenter.wiring import House


class Intake:
    """Runs until cancelled."""

    def __init__(self, house: House, guards: dict[str, Guard]) -> None:
        self._house = house
        self._readings = [Reading(house.database, house.kit, guard) for guard in guards.values()]

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for channel in self._house.kit.channels.values():
                if channel.listens:
                    group.create_task(self._listen(channel))
            for reading in self._readings:
                group.create_task(reading.run())
            group.create_task(Watching(self._house.database, self._house.kit, self._wake).run())

    def _wake(self) -> None:
        for reading in self._readings:
            reading.wake()

    async def _listen(self, channel: Channel) -> None:
        async def knows(address: str) -> bool:
            return await self._inbox(channel.name, address) is not None

        async def accept(arrival: Arrival) -> None:
            await self._keep(channel, arrival)
            self._wake()

        await channel.listen(accept, knows)

    async def _inbox(self, name: str, address: str) -> Inbox | None:
        try:
            book = await kept_book(self._house.database)
        except DatabaseAway as error:
            raise StoreAway(error.detail) from error
        return book.inbox_by_address(name, address.strip().lower())

    async def _keep(self, channel: Channel, arrival: Arrival) -> None:
        """Store the raw bytes with their key; returns once committed. The other side may then forget them."""
        box = await self._inbox(channel.name, arrival.recipient)
        if box is None:
            raise UnknownRecipient(arrival.recipient)
        source, now = f"{box.channel}:{box.slug}", self._house.kit.now()
        raw = Raw(source, arrival.source_key, channel_inbox(box), arrival.envelope, now, arrival.body)
        token = events.correlation.set(uuid7().hex[:16])
        try:
            kept = await desk_inbox.keep(self._house.database, self._house.kit, raw)
        except (DatabaseAway, OSError) as error:  # the folder of large mails counts as much as the database
            raise StoreAway(str(error)) from error
        finally:
            events.correlation.reset(token)
        metrics.inbound.labels(channel=box.channel, result="accepted" if kept else "repeat").inc()
