"""Citizens who write at a set rate, through the same doors as everybody, and notice whether anybody answers.

Texts go by the sandbox's phones (signed webhooks), mails by its mailboxes (SMTP), visitors by Socket.IO to the desk.
"""

import asyncio
import contextlib
import json
import logging
import random
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from contactcenter.sandbox import letters, network
from contactcenter.sandbox.matters import MATTERS
from contactcenter.sandbox.stories import Story
from contactcenter.sandbox.visits import Visit, hold

log = logging.getLogger(__name__)

MOST_PER_MINUTE, MOST_MINUTES = 600, 60
VISITORS_AT_ONCE = 200
CALLS_AT_ONCE = 16
PATIENCE = 60.0  # seconds in which a citizen wants a sign; after it the message counts as lost

NAMES = ("Alma", "Ben", "Carla", "Dora", "Elias", "Flor", "Gus", "Hana", "Ivo", "Julia", "Leo", "Mina", "Nico", "Rosa")
# Area codes of the North American plan; 555-0100 to 555-0199 is kept for fiction in each of them.
AREAS = [code for code in range(201, 990) if code % 100 != 11]
PHONES = len(AREAS) * 100


@dataclass(frozen=True, slots=True)
class Doors:
    """Where the doors are. Leave ``numbers``, ``addresses`` or ``site`` empty to keep that door shut."""

    sandbox_url: str
    desk_url: str
    numbers: Sequence[str] = ()
    addresses: Sequence[str] = ()
    site: str = ""

    def open(self) -> list[str]:
        there = {"phone": self.numbers, "mail": self.addresses, "visitor": self.site}
        return [door for door, where in there.items() if where]


@dataclass(frozen=True, slots=True)
class DoorReport:
    """``lost``: the desk accepted it, yet no acknowledgement, reference or answer came in time."""

    sent: int
    accepted: int
    acknowledged: int
    answered: int
    lost: int


@dataclass(frozen=True, slots=True)
class Report:
    seconds: float
    doors: dict[str, DoorReport]

    @property
    def sent(self) -> int:
        return sum(door.sent for door in self.doors.values())

    @property
    def lost(self) -> int:
        return sum(door.lost for door in self.doors.values())

    def table(self) -> Table:
        table = Table("Door", "Sent", "Accepted", "Acknowledged", "Answered", "Lost")
        for name, door in self.doors.items():
            counts = (door.sent, door.accepted, door.acknowledged, door.answered, door.lost)
            table.add_row(name, *map(str, counts))
        return table


async def simulate(
    per_minute: int,
    minutes: float,
    doors: Doors,
    seed: int | None = None,
    *,
    patience: float = PATIENCE,
    console: Console | None = None,
) -> Report:
    """Let citizens write at this rate and count what became of it.

    Ends ``patience`` seconds after the last of them wrote, or sooner when all got a sign. Raises ValueError beyond 600
    a minute or 60 minutes, or where no door is open.
    """
    if not (1 <= per_minute <= MOST_PER_MINUTE and 0 < minutes <= MOST_MINUTES):
        raise ValueError(f"from 1 to {MOST_PER_MINUTE} a minute, for at most {MOST_MINUTES} minutes")
    if not doors.open():
        raise ValueError("no door is open")
    began = time.monotonic()
    async with httpx.AsyncClient(base_url=doors.sandbox_url, timeout=30, trust_env=False) as http:
        town = _Town(doors, http, random.Random(seed), patience)  # noqa: S311 - a play, nothing secret
        with _progress(console) as progress:
            await town.live(max(round(per_minute * minutes), 1), 60 / per_minute, progress)
    return Report(time.monotonic() - began, {door: _report(door, town.stories) for door in doors.open()})


def _progress(console: Console | None) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console)


def _report(door: str, stories: Sequence[Story]) -> DoorReport:
    mine = [story for story in stories if story.door == door]
    return DoorReport(
        sent=len(mine),
        accepted=sum(story.accepted for story in mine),
        acknowledged=sum(story.acknowledged for story in mine),
        answered=sum(story.answers > 0 for story in mine),
        lost=sum(story.lost for story in mine),
    )


class _Town:
    def __init__(self, doors: Doors, http: httpx.AsyncClient, dice: random.Random, patience: float) -> None:
        self.stories: list[Story] = []
        self._doors, self._http, self._dice, self._patience = doors, http, dice, patience
        self._by_news: dict[str, Story] = {}
        self._next_phone = dice.randrange(PHONES)
        # Looking never waits behind writing: a desk that is slow to accept must not hide what it has answered.
        self._writes, self._looks = asyncio.Semaphore(CALLS_AT_ONCE), asyncio.Semaphore(CALLS_AT_ONCE)
        self._visits = asyncio.Semaphore(VISITORS_AT_ONCE)
        self._over = asyncio.Event()
        self._topics: list[str] = []

    async def live(self, many: int, every: float, progress: Progress) -> None:
        """Start ``many`` citizens, one each ``every`` seconds, and wait until all got a sign or lost patience."""
        self._wrote, self._signs = (progress.add_task(words, total=many) for words in ("Wrote", "Got a sign"))
        self._topics = await self._topics_of_site()
        async with self._watching(), asyncio.TaskGroup() as visits:
            began = time.monotonic()
            async with asyncio.TaskGroup() as citizens:
                for number in range(many):
                    await asyncio.sleep(max(began + number * every - time.monotonic(), 0))
                    citizens.create_task(self._one(self._somebody(), visits, progress))
            self._over.set()

    async def _topics_of_site(self) -> list[str]:
        """Queues that a visitor may choose; none where the desk does not say."""
        if not self._doors.site:
            return []
        try:
            answer = await self._http.get(f"{self._doors.desk_url}/api/sites/{self._doors.site}")
        except httpx.HTTPError:
            return []
        return [topic["slug"] for topic in answer.json()["topics"]] if answer.is_success else []

    def _somebody(self) -> Story:
        story = Story(self._dice.choice(self._doors.open()), self._dice.choice(MATTERS))
        if story.door == "phone":
            self._next_phone = (self._next_phone + 1) % PHONES
            area, last = divmod(self._next_phone, 100)
            story.address = f"+1{AREAS[area]}55501{last:02}"
            self._by_news[network.topic(story.address)] = story
        elif story.door == "mail":
            # A domain for each of them: a desk bounds its automatic answers per domain.
            story.address = f"{self._name().lower()}@home-{self._dice.randrange(16**8):08x}.example"
            self._by_news[letters.topic(story.address)] = story
        self.stories.append(story)
        return story

    def _name(self) -> str:
        return self._dice.choice(NAMES)

    async def _one(self, story: Story, visits: asyncio.TaskGroup, progress: Progress) -> None:
        if story.door == "visitor":
            await self._visit(story, visits)
        else:
            await (self._text(story) if story.door == "phone" else self._mail(story))
        progress.advance(self._wrote)
        try:
            async with asyncio.timeout(self._patience):
                await story.sign.wait()
        except TimeoutError:
            await self._look(story)  # the news may have been missed
        if story.sign.is_set():
            progress.advance(self._signs)

    # --- writing ------------------------------------------------------------------------------------------------------

    async def _text(self, story: Story) -> None:
        story.sid = network.new_sid()
        number = self._dice.choice(self._doors.numbers)
        text = {"to": number, "body": story.matter.short, "sid": story.sid}
        await self._post(f"/sandbox/phone/{story.address}/texts", text)
        await self._look(story)

    async def _mail(self, story: Story) -> None:
        to = self._dice.choice(self._doors.addresses)
        letter = {"to": to, "subject": story.matter.subject, "text": story.matter.long}
        await self._post(f"/sandbox/mailbox/{story.address}", letter)
        await self._look(story)

    async def _post(self, path: str, body: dict[str, str]) -> None:
        try:
            async with self._writes:
                (await self._http.post(path, json=body)).raise_for_status()
        except httpx.HTTPError as lost:
            log.warning("a citizen could not write: %s", lost)

    async def _visit(self, story: Story, visits: asyncio.TaskGroup) -> None:
        await self._visits.acquire()
        visit = Visit(self._doors.desk_url, self._doors.site, story)
        await visit.speak(self._name(), self._dice.choice(self._topics) if self._topics else "")
        visits.create_task(self._stay(visit))

    async def _stay(self, visit: Visit) -> None:
        try:
            await hold(visit, self._over, self._patience)
        finally:
            self._visits.release()

    # --- noticing -----------------------------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def _watching(self) -> AsyncIterator[None]:
        listening = asyncio.Event()
        watch = asyncio.create_task(self._watch(listening))
        try:
            async with asyncio.timeout(10):
                await listening.wait()
            yield
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)

    async def _watch(self, listening: asyncio.Event) -> None:
        """Follow the sandbox's news; look at the phone or mailbox to which something came."""
        while True:
            try:
                async with self._http.stream("GET", "/sandbox/events") as news:
                    listening.set()
                    await self._catch_up()
                    async for line in news.aiter_lines():
                        await self._noticed(line)
            except httpx.HTTPError:
                await asyncio.sleep(0.5)  # the sandbox restarts: listen again

    async def _catch_up(self) -> None:
        """What came while nobody listened."""
        waiting = [story for story in self._by_news.values() if not story.sign.is_set()]
        await asyncio.gather(*map(self._look, waiting))

    async def _noticed(self, line: str) -> None:
        topic = json.loads(line[6:]) if line.startswith("data: ") else None
        story = self._by_news.get(topic) if isinstance(topic, str) else None
        if story:
            await self._look(story)

    async def _look(self, story: Story) -> None:
        if story.door == "visitor":
            return
        kind = f"phone/{story.address}/texts" if story.door == "phone" else f"mailbox/{story.address}"
        try:
            async with self._looks:
                seen = (await self._http.get(f"/sandbox/{kind}")).raise_for_status().json()
        except httpx.HTTPError:
            return
        if story.door == "phone":
            story.saw_phone(seen["texts"])
        else:
            story.saw_mailbox(seen["letters"])
