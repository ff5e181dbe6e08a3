"""Signing in and out, and what a person sets for themselves."""

from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy import text

from contactcenter.api.deps import HouseDep, Tx, Who, cookie_name
from contactcenter.desk import agents, sessions, shown
from contactcenter.errors import Conflict
from contactcenter.models import Staff
from contactcenter.schemas import IntentIn, Me, PreferencesIn, SignIn, SocketTicketOut

router = APIRouter(prefix="/api", tags=["you"])


@router.post("/session", response_model=Me)
async def sign_in(request: Request, response: Response, form: SignIn, house: HouseDep) -> Any:
    """Sign in. The attempt is counted and committed before the password is looked at."""
    address = request.client.host if request.client else ""
    async with house.database.transaction() as tx:
        await sessions.count_attempt(tx, form.username, address)
        staff = await sessions.find_by_username(tx, form.username)
    if not await sessions.password_fits(staff, form.password) or staff is None:
        async with house.database.transaction() as tx:
            await sessions.refuse(tx, staff, address)
        raise sessions.wrong()
    async with house.database.transaction() as tx:
        staff = await tx.get_one(Staff, staff.id)
        key = await sessions.open_session(tx, staff, address, house.kit.now())
        me = await shown.me(tx, staff)
    response.set_cookie(
        cookie_name(house), key, path="/", secure=house.settings.https, httponly=True, samesite="strict",
        max_age=int(sessions.LONGEST.total_seconds()),
    )  # fmt: skip
    return me


@router.delete("/session", status_code=204)
async def sign_out(response: Response, tx: Tx, who: Who, house: HouseDep) -> None:
    await sessions.end_session(tx, who.staff, who.key)
    response.delete_cookie(cookie_name(house), path="/", secure=house.settings.https, httponly=True, samesite="strict")


@router.get("/me", response_model=Me)
async def me(tx: Tx, who: Who) -> Any:
    return await shown.me(tx, who.staff)


@router.put("/me/intent", response_model=Me)
async def set_intent(tx: Tx, who: Who, wanted: IntentIn) -> Any:
    """Say whether you take work. Going away never takes work from you; only new work stops."""
    if who.staff.role != "agent":
        raise Conflict("Only agents take work from the queues.", slug="not-an-agent")
    await agents.set_intent(
        tx, who.staff, wanted.intent, wanted.reason or ("other" if wanted.intent == "away" else None)
    )
    await tx.refresh(who.staff)
    return await shown.me(tx, who.staff)


@router.put("/me/preferences", response_model=Me)
async def set_preferences(tx: Tx, who: Who, wanted: PreferencesIn) -> Any:
    await tx.execute(
        text(
            "UPDATE staff SET language = coalesce(:language, language), theme = coalesce(:theme, theme), "
            "version = version + 1 WHERE id = :id"
        ),
        {"language": wanted.language, "theme": wanted.theme, "id": who.staff.id},
    )
    await tx.refresh(who.staff)
    return await shown.me(tx, who.staff)


@router.post("/socket-tickets", response_model=SocketTicketOut)
async def socket_ticket(tx: Tx, who: Who) -> Any:
    """A one-time key for the socket handshake, good for 30 seconds."""
    return {"ticket": await sessions.issue_socket_ticket(tx, who.key)}
