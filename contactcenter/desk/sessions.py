"""Signing in: argon2id, attempts counted before the password is checked, sessions as rows that can be ended."""

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from hashlib import sha256

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from contactcenter import events
from contactcenter.errors import NotSignedIn, TooMany, WrongCredentials
from contactcenter.models import SocketTicket, Staff, StaffSession

HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)  # argon2id as OWASP recommends it
NOBODY = HASHER.hash(secrets.token_hex(16))
"""Checked when there is no such person, so that it takes as long."""

WINDOW_S, PER_ACCOUNT, PER_ADDRESS = 900, 5, 40
IDLE, LONGEST = timedelta(hours=2), timedelta(hours=12)
SOCKET_TICKET_S = 30
_pool = ThreadPoolExecutor(2, thread_name_prefix="argon2")
_hashing = asyncio.Semaphore(40)


def hash_password(password: str) -> str:
    return HASHER.hash(password)


async def count_attempt(tx: AsyncSession, username: str, address: str) -> None:
    """Count before the hash is touched, so that parallel guesses are bounded. Raises TooMany. Commit this by itself."""
    for key, limit in ((f"account:{username.lower()[:100]}", PER_ACCOUNT), (f"address:{address}", PER_ADDRESS)):
        count = await tx.scalar(
            text(
                """
                INSERT INTO login_attempt (key, count) VALUES (:key, 1) ON CONFLICT (key) DO UPDATE SET
                  count = CASE WHEN login_attempt.since < clock_timestamp() - make_interval(secs => :window)
                          THEN 1 ELSE login_attempt.count + 1 END,
                  since = CASE WHEN login_attempt.since < clock_timestamp() - make_interval(secs => :window)
                          THEN clock_timestamp() ELSE login_attempt.since END
                RETURNING count
                """
            ),
            {"key": key, "window": WINDOW_S},
        )
        if count > limit:
            raise TooMany("There were too many attempts. Wait a quarter of an hour, then try again.", WINDOW_S)


async def find_by_username(tx: AsyncSession, username: str) -> Staff | None:
    found: Staff | None = await tx.scalar(select(Staff).where(Staff.username == username.strip().lower()))
    return found


async def password_fits(staff: Staff | None, password: str) -> bool:
    """Unknown, disabled and wrong all take the time of one hash."""
    hashed = staff.password_hash if staff is not None else NOBODY
    async with _hashing:
        fits = await asyncio.get_running_loop().run_in_executor(_pool, _verify, hashed, password[:128])
    return fits and staff is not None and staff.disabled_at is None


def _verify(hashed: str, password: str) -> bool:
    try:
        return HASHER.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False


async def open_session(tx: AsyncSession, staff: Staff, address: str, now: datetime) -> str:
    """A new session; gives the cookie's value. Good sign-ins forget the account's failures."""
    key = secrets.token_urlsafe(32)
    tx.add(StaffSession(id_hash=digest(key), staff_id=staff.id, expires_at=now + LONGEST, address=address))
    await tx.execute(
        text("DELETE FROM login_attempt WHERE key = :key"), {"key": f"account:{staff.username.lower()[:100]}"}
    )
    await events.record_beside(
        tx, "session.opened", staff.agency_id, events.Actor("staff", staff.id), staff=staff.id, address=address
    )
    return key


async def refuse(tx: AsyncSession, staff: Staff | None, address: str) -> None:
    """Leave a trace of a refused sign-in; commit it before raising."""
    if staff is not None:
        await events.record_beside(tx, "session.refused", staff.agency_id, events.DESK, staff=staff.id, address=address)


def wrong() -> WrongCredentials:
    return WrongCredentials("The name or the password is not right. Check both and try again.")


async def signed_in(tx: AsyncSession, key: str) -> Staff:
    """Who this cookie belongs to; NotSignedIn when it ended, ran out, or the person was disabled."""
    staff: Staff | None = await tx.scalar(
        select(Staff)
        .join(StaffSession, StaffSession.staff_id == Staff.id)
        .where(
            StaffSession.id_hash == digest(key), StaffSession.ended_at.is_(None), Staff.disabled_at.is_(None),
            text("staff_session.expires_at > clock_timestamp()"),
            text("staff_session.seen_at > clock_timestamp() - make_interval(secs => :idle)").bindparams(
                idle=IDLE.total_seconds()
            ),
        )
    )  # fmt: skip
    if staff is None:
        raise NotSignedIn("Your session has ended. Sign in again.")
    return staff


async def touch(tx: AsyncSession, key_hash: bytes) -> None:
    """The person is still here. At most one write a minute."""
    await tx.execute(
        text(
            "UPDATE staff_session SET seen_at = clock_timestamp() WHERE id_hash = :id "
            "AND seen_at < clock_timestamp() - interval '1 minute'"
        ),
        {"id": key_hash},
    )


async def end_session(tx: AsyncSession, staff: Staff, key: str) -> None:
    await tx.execute(
        text("UPDATE staff_session SET ended_at = clock_timestamp() WHERE id_hash = :id AND ended_at IS NULL"),
        {"id": digest(key)},
    )
    await events.record_beside(tx, "session.ended", staff.agency_id, events.Actor("staff", staff.id), staff=staff.id)


async def issue_socket_ticket(tx: AsyncSession, key: str) -> str:
    """A one-time key for opening the socket within 30 seconds."""
    ticket = secrets.token_urlsafe(32)
    await tx.execute(
        text(
            "INSERT INTO socket_ticket (id_hash, session_hash, expires_at) VALUES (:id, :session, clock_timestamp() + "
            "make_interval(secs => :life))"
        ),
        {"id": digest(ticket), "session": digest(key), "life": SOCKET_TICKET_S},
    )
    return ticket


async def redeem_socket_ticket(tx: AsyncSession, ticket: str) -> tuple[Staff, bytes] | None:
    """The person and session of a socket ticket, which is then used up."""
    session_hash = await tx.scalar(
        text("DELETE FROM socket_ticket WHERE id_hash = :id AND expires_at > clock_timestamp() RETURNING session_hash"),
        {"id": digest(ticket)},
    )
    if session_hash is None:
        return None
    staff = await session_staff(tx, session_hash)
    return (staff, session_hash) if staff is not None else None


async def session_staff(tx: AsyncSession, session_hash: bytes) -> Staff | None:
    """The person of a live session, for sockets that ask again."""
    row: SocketTicket | Staff | None = await tx.scalar(
        select(Staff)
        .join(StaffSession, StaffSession.staff_id == Staff.id)
        .where(
            StaffSession.id_hash == session_hash, StaffSession.ended_at.is_(None), Staff.disabled_at.is_(None),
            text("staff_session.expires_at > clock_timestamp()"),
        )
    )  # fmt: skip
    return row if isinstance(row, Staff) else None


def digest(key: str) -> bytes:
    return sha256(key.encode()).digest()
