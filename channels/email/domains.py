"""How many mails at once one receiving domain gets, and rest for a domain that asked for it."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic

from channels.base import ErrorClass, SendError, TryLater

AT_ONCE = 3
REST, LONGEST_REST = 60.0, 1800.0  # seconds
REMEMBERED = 2000


@dataclass(slots=True)
class Domain:
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    rests_until: float = 0.0
    rest: float = REST


class Domains:
    """Receiving domains of one event loop. A domain that throttles us is left alone, each time for twice as long."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Domain] = OrderedDict()

    @asynccontextmanager
    async def turn(self, address: str) -> AsyncIterator[None]:
        """Wait for a place; raise TryLater while the domain rests. What is raised inside tells how the domain does."""
        domain = self._of(address.rpartition("@")[2])
        left = domain.rests_until - monotonic()
        if left > 0:
            raise TryLater(SendError(ErrorClass.THROTTLED, text="this mail server asked us to slow down"), left)
        async with domain.places:
            try:
                yield
            except TryLater as wait:
                if " 4.7." in wait.error.code:  # policy (RFC 3463); a bare 421 is the relay closing its door
                    domain.rests_until = monotonic() + domain.rest
                    domain.rest = min(LONGEST_REST, domain.rest * 2)
                raise
            domain.rest = REST

    def _of(self, name: str) -> Domain:
        domain = self._known.pop(name, None) or Domain()
        self._known[name] = domain
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return domain
