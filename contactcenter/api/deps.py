"""What routes ask for: the house, a unit of work, the signed-in person."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from contactcenter.desk import sessions
from contactcenter.desk.access import Scope, scope_of
from contactcenter.errors import Forbidden, NotSignedIn
from contactcenter.models import Staff
from contactcenter.wiring import House


def house_of(request: Request) -> House:
    house: House = request.app.state.house
    return house


HouseDep = Annotated[House, Depends(house_of)]


async def unit_of_work(house: HouseDep) -> AsyncIterator[AsyncSession]:
    async with house.database.transaction() as tx:
        yield tx


Tx = Annotated[AsyncSession, Depends(unit_of_work, scope="function")]  # committed before the answer leaves


@dataclass(frozen=True)
class Person:
    """Who asks, and what they may see."""

    staff: Staff
    scope: Scope
    key: str


def cookie_name(house: House) -> str:
    """With the ``__Host-`` prefix wherever there is HTTPS, which that prefix needs."""
    return "__Host-cc" if house.settings.https else "cc"


async def signed_in(request: Request, tx: Tx, house: HouseDep) -> Person:
    key = request.cookies.get(cookie_name(house), "")
    if not key:
        raise NotSignedIn("Sign in first.")
    staff = await sessions.signed_in(tx, key)
    await sessions.touch(tx, sessions.digest(key))
    return Person(staff, await scope_of(tx, staff), key)


Who = Annotated[Person, Depends(signed_in, scope="function")]


async def reporting(who: Who) -> Person:
    if not who.scope.may("read:report"):
        raise Forbidden("Only supervisors and administrators see this.")
    return who


Supervisor = Annotated[Person, Depends(reporting, scope="function")]


async def auditing(who: Who) -> Person:
    if not who.scope.may("read:audit"):
        raise Forbidden("Only administrators see this.")
    return who


Auditor = Annotated[Person, Depends(auditing, scope="function")]
