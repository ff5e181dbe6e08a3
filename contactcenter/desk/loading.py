"""Loads an agency from its description (TOML): queues, hours, skills, inboxes, staff. Loading again updates, never deletes."""

from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from channels.base import Address, Channel, Inbound, Proof
from contactcenter.desk import book, inbox
from contactcenter.desk.holidays import holiday_dates
from contactcenter.desk.kit import Kit
from contactcenter.desk.sessions import hash_password
from contactcenter.events import plain
from contactcenter.models import Inbox, RawEvent
from contactcenter.settings import PREFIX


class BadDescription(Exception):
    """The description cannot be loaded; the message names the entry."""


async def load(tx: AsyncSession, described: dict[str, Any], passwords: dict[str, str]) -> int:
    """Write the agency; gives its id. ``passwords``: for people who are new, by username."""
    agency_id = await _agency(tx, described)
    skills = {one["slug"]: await _skill(tx, agency_id, one) for one in described.get("skills", [])}
    queues = {one["slug"]: await _queue(tx, agency_id, one, skills) for one in described.get("queues", [])}
    for day in described.get("holidays", []):
        await _upsert(
            tx, "holiday", {"agency_id": agency_id, "day": day["day"], "name": day["name"]}, ("agency_id", "day")
        )
    await _public_holidays(tx, agency_id, described["agency"])
    for one in described.get("inboxes", []):
        await _inbox(tx, agency_id, one, queues)
    for one in described.get("wordings", []):
        await _wording(tx, agency_id, one, queues)
    for one in described.get("staff", []):
        await _staff(tx, agency_id, one, queues, skills, described["channels"], passwords)
    await tx.execute(text("UPDATE staff SET version = version + 1 WHERE agency_id = :id"), {"id": agency_id})
    book.forget()
    return agency_id


async def _agency(tx: AsyncSession, described: dict[str, Any]) -> int:
    own = described["agency"]
    values = {key: own[key] for key in ("slug", "name", "prefix", "timezone", "languages")}
    return await _upsert(tx, "agency", {**values, "channels": described["channels"]}, ("slug",))


async def _public_holidays(tx: AsyncSession, agency_id: int, own: dict[str, Any]) -> None:
    """The public holidays of this year and the next two, where the description says which ones the agency keeps."""
    place = own.get("public_holidays")
    if place is None:
        return
    year = datetime.now(ZoneInfo(own["timezone"])).year
    try:
        days = holiday_dates(place["country"], place.get("subdivision"), range(year, year + 3), own["languages"][0])
    except ValueError as unknown:
        raise BadDescription(str(unknown)) from None
    for day, name in days.items():
        await tx.execute(
            text("INSERT INTO holiday (agency_id, day, name) VALUES (:a, :day, :name) ON CONFLICT DO NOTHING"),
            {"a": agency_id, "day": day, "name": name},
        )


async def _skill(tx: AsyncSession, agency_id: int, one: dict[str, Any]) -> int:
    values = {"agency_id": agency_id, "slug": one["slug"], "names": one["names"], "language": one.get("language")}
    return await _upsert(tx, "skill", values, ("agency_id", "slug"))


async def _queue(tx: AsyncSession, agency_id: int, one: dict[str, Any], skills: dict[str, int]) -> int:
    values = {
        "agency_id": agency_id, "slug": one["slug"], "name": one["name"], "topics": one.get("topics", {}),
        "reply_minutes": one.get("reply_minutes", 960), "reopen_days": one.get("reopen_days", 7),
        "undo_s": one.get("undo_s", 10),
    }  # fmt: skip
    queue_id = await _upsert(tx, "queue", values, ("agency_id", "slug"))
    for table in ("queue_skill", "queue_hours"):
        await tx.execute(text(f"DELETE FROM {table} WHERE queue_id = :queue"), {"queue": queue_id})  # noqa: S608 - constants
    for slug, level in one.get("skills", {}).items():
        skill = _known(skills, slug, f"queue {one['slug']}: skill")
        await _insert(tx, "queue_skill", {"queue_id": queue_id, "skill_id": skill, "min_level": level})
    for span in one.get("hours", []):
        for day in span["days"]:
            opens, closes = time.fromisoformat(span["opens"]), time.fromisoformat(span["closes"])
            await _insert(tx, "queue_hours", {"queue_id": queue_id, "weekday": day, "opens": opens, "closes": closes})
    for channel, target in one.get("targets", {}).items():
        await _upsert(
            tx, "service_target", {"queue_id": queue_id, "channel": channel, **target}, ("queue_id", "channel")
        )
    return queue_id


async def _inbox(tx: AsyncSession, agency_id: int, one: dict[str, Any], queues: dict[str, int]) -> None:
    values = {
        "agency_id": agency_id, "queue_id": _known(queues, one["queue"], f"inbox {one['slug']}: queue"), "slug": one["slug"],
        "channel": one["channel"], "address": one["address"].lower(), "name": one["name"],
        "language": one.get("language", "en"), "config": one.get("config", {}),
    }  # fmt: skip
    await _upsert(tx, "inbox", values, ("slug",))


async def _wording(tx: AsyncSession, agency_id: int, one: dict[str, Any], queues: dict[str, int]) -> None:
    """A signature or template of the agency's own, for one queue or all of them."""
    queue = one.get("queue")
    values = {
        "agency_id": agency_id, "queue_id": _known(queues, queue, "wordings: queue") if queue else None,
        "language": one["language"], "key": one["key"], "body": one["body"],
    }  # fmt: skip
    await _upsert(tx, "wording", values, ("agency_id", "queue_id", "language", "key"))


async def _staff(
    tx: AsyncSession, agency_id: int, one: dict[str, Any], queues: dict[str, int], skills: dict[str, int],
    channels: dict[str, Any], passwords: dict[str, str],
) -> None:  # fmt: skip
    username = one["username"].lower()
    row = (
        await tx.execute(text("SELECT password_hash, agency_id FROM staff WHERE username = :name"), {"name": username})
    ).one_or_none()
    if row is not None and row.agency_id != agency_id:
        raise BadDescription(f"{username} works for another agency of this installation: choose another username")
    known = row.password_hash if row else None
    if known is None and username not in passwords:
        raise BadDescription(f"{username} is new and has no password")
    values = {
        "agency_id": agency_id, "username": username, "name": one["name"], "role": one["role"],
        "password_hash": known or hash_password(passwords[username]), "budget": one.get("budget", 24),
    }  # fmt: skip
    if known is None:
        values["language"] = one.get("language", "en")
    staff_id = await _upsert(tx, "staff", values, ("username",))
    await tx.execute(text("DELETE FROM staff_queue WHERE staff_id = :staff"), {"staff": staff_id})
    await tx.execute(text("DELETE FROM staff_skill WHERE staff_id = :staff"), {"staff": staff_id})
    for slug in one.get("queues", []):
        queue = _known(queues, slug, f"{username}: queue")
        await _insert(tx, "staff_queue", {"staff_id": staff_id, "queue_id": queue, "home": slug == one.get("home")})
    for slug, had in one.get("skills", {}).items():
        of = {"staff_id": staff_id, "skill_id": _known(skills, slug, f"{username}: skill")}
        await _insert(tx, "staff_skill", of | _skill_had(had, f"{username}: skill {slug}"))
    if one["role"] in ("agent", "supervisor"):
        for name, rule in channels.items():
            if not isinstance(rule, dict):
                continue  # a setting beside the channels, such as revoke_all
            cap = one.get("caps", {}).get(name, rule["cap"])
            await _upsert(
                tx, "staff_channel", {"staff_id": staff_id, "channel": name, "cap": cap}, ("staff_id", "channel")
            )


def _skill_had(had: Any, where: str) -> dict[str, Any]:
    """A level, or a table of `level`, `main` (false for a skill the person helps out with) and `until`, the last day."""
    table = had if isinstance(had, dict) else {"level": had}
    if unknown := table.keys() - {"level", "main", "until"}:
        raise BadDescription(f"{where} has {', '.join(sorted(unknown))}: only level, main and until are known")
    level, until = table.get("level"), table.get("until")
    if type(level) is not int or not 1 <= level <= 5:
        raise BadDescription(f"{where} has the level {level!r}: it must be a number from 1 to 5")
    if until is not None and type(until) is not date:
        raise BadDescription(f"{where} ends on {until!r}: write a day, as in 2027-03-31")
    return {"level": level, "main": bool(table.get("main", True)), "until": until}


def _known(ids: dict[str, int], slug: str, where: str) -> int:
    if slug not in ids:
        raise BadDescription(f"{where} {slug!r} is not described")
    return ids[slug]


async def _insert(tx: AsyncSession, table: str, values: dict[str, Any]) -> None:
    names = ", ".join(values)
    marks = ", ".join(f":{name}" for name in values)
    await tx.execute(text(f"INSERT INTO {table} ({names}) VALUES ({marks})"), values)  # noqa: S608 - our own names


async def _upsert(tx: AsyncSession, table: str, values: dict[str, Any], keys: tuple[str, ...]) -> int:
    """Insert or update by ``keys``; gives the id (or 0 for tables without one)."""
    from contactcenter.models import Base

    columns = Base.metadata.tables[table]
    from sqlalchemy.dialects.postgresql import insert

    statement = insert(columns).values(values)
    changed = {name: statement.excluded[name] for name in values if name not in keys}
    statement = statement.on_conflict_do_update(index_elements=list(keys), set_=changed)
    if "id" in columns.c:
        return int((await tx.execute(statement.returning(columns.c.id))).scalar_one())
    await tx.execute(statement)
    return 0


async def write_to_us(tx: AsyncSession, kit: Kit, described: dict[str, Any]) -> int:
    """Let the described tickets arrive, as if they had been sent. Gives how many were new."""
    rows = (await book.open_book(tx)).inboxes
    by_slug = {row.slug: row for row in rows.values()}
    new = 0
    for number, one in enumerate(described.get("tickets", [])):
        box = by_slug[one["inbox"]]
        channel = kit.channels.get(box.channel)
        if channel is None:
            continue
        inbound = _inbound(channel, box, one, number)
        key = f"described/{number}"
        stored = await tx.scalar(
            text("SELECT id FROM raw_event WHERE source = 'description' AND source_key = :key"), {"key": key}
        )
        if stored is not None:
            continue
        raw = RawEvent(
            source="description", source_key=key, inbox_id=box.id, envelope=plain(one), body=one["text"].encode(),
            sha256=b"", state="done",
        )  # fmt: skip
        tx.add(raw)
        await tx.flush()
        await inbox.receive_message(tx, kit, box, raw.id, inbound)
        new += 1
    return new


def _inbound(channel: Channel, box: Inbox, one: dict[str, Any], number: int) -> Inbound:
    sender = Address(
        channel.capabilities.endpoint_kind,
        one["from"],
        channel.canonical(one["from"]),
        Proof.CLAIMED,
        one.get("name", ""),
    )
    return Inbound(
        sender=sender, text=one["text"], external_id=f"<described.{number}@{PREFIX.lower().strip('_')}.invalid>",
        subject=one.get("subject", ""),
        to=(Address(channel.capabilities.endpoint_kind, box.address, channel.canonical(box.address)),),
    )  # fmt: skip
