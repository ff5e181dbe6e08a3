"""Changing a password from the command line."""

from sqlalchemy import text

from contactcenter import events
from contactcenter.db import Database
from contactcenter.desk.sessions import find_by_username, hash_password


async def change(url: str, username: str, password: str) -> bool:
    """Set it and end the person's sessions; False when there is no such person."""
    database = Database(url, pool=1)
    try:
        async with database.transaction() as tx:
            staff = await find_by_username(tx, username)
            if staff is None:
                return False
            staff.password_hash = hash_password(password)
            await tx.flush()
            await tx.execute(
                text("UPDATE staff_session SET ended_at = clock_timestamp() WHERE staff_id = :id AND ended_at IS NULL"),
                {"id": staff.id},
            )
            await events.record_beside(tx, "password.changed", staff.agency_id, events.DESK, staff=staff.id)
        return True
    finally:
        await database.close()
