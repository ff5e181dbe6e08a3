"""Invitations: what, when and where, in one line, and the answer to one of ours."""

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from channels.email.charsets import Decoder
from channels.email.wording import one_line, visible_marks

SIZE = 64 * 1024
COMPONENTS = 200
METHOD = re.compile(rb"^METHOD[^:\r\n]{0,100}:\s*([A-Za-z]{1,20})", re.I | re.M)
EVENT = re.compile(rb"^BEGIN:(VEVENT|VTODO|VJOURNAL)\r?$.*?(?:^END:\1|\Z)", re.I | re.M | re.S)


@dataclass(frozen=True, slots=True)
class Invitation:
    """The first event of a calendar file; each field may be empty."""

    method: str = ""
    summary: str = ""
    time: str = ""
    place: str = ""

    @property
    def line(self) -> str:
        return " · ".join(part for part in (self.summary, self.time, self.place) if part)

    @property
    def is_answer(self) -> bool:
        """Accepted, declined, counter-proposed: sent by a calendar, not written by a person (RFC 5546 section 1.4)."""
        return self.method in ("REPLY", "COUNTER", "DECLINECOUNTER", "REFRESH")


def invitation(data: bytes, described: str = "") -> Invitation:
    """What a text/calendar part says. ``described``: its Content-Type, which may name the method (RFC 6047). Raises nothing."""
    found = METHOD.search(data[:SIZE])
    method = found[1].decode() if found else (re.search(r"method=\"?([a-z]{1,20})", described, re.I) or ["", ""])[1]
    with suppress(Exception):  # the reader raises many things on odd files; the file itself is kept
        event = first_event(data)
        return Invitation(method.upper(), said(event.get("summary")), when(event), said(event.get("location")))
    return Invitation(method.upper())


def first_event(data: bytes) -> Any:
    """Only its lines are given to the reader: time zones and a thousand further events would cost time and tell nothing."""
    from icalendar import Calendar  # here, because most mails hold no invitation

    found = EVENT.search(data[: SIZE * 4])
    lines = found[0][:SIZE] if found else b""
    kind = (found[1] if found else b"VEVENT").upper()
    if not lines.rstrip().upper().endswith(b"END:" + kind):
        lines = lines.rpartition(b"\n")[0] + b"\nEND:" + kind
    text = Decoder(1).decode(lines).replace("\r\n", "\n").replace("\n", "\r\n")
    calendar: Any = Calendar.from_ical(f"BEGIN:VCALENDAR\r\n{text}\r\nEND:VCALENDAR\r\n")
    return calendar.subcomponents[0]


def said(value: Any) -> str:
    first = value[0] if isinstance(value, list) and value else value
    return visible_marks(one_line(str(first or "")))[:300]


def when(event: Any) -> str:
    """``2026-03-04 10:00-11:00 Europe/Berlin``, as the sender wrote it."""
    start, end = moment(event, "dtstart"), moment(event, "dtend")
    if start is None:
        return ""
    if not isinstance(start, datetime):
        return f"{start:%Y-%m-%d}"
    shown = f"{start:%Y-%m-%d %H:%M}"
    if isinstance(end, datetime):
        shown += f"{end:-%H:%M}" if end.date() == start.date() else f" - {end:%Y-%m-%d %H:%M}"
    return f"{shown} {zone(event)}".strip()


def moment(event: Any, name: str) -> date | None:
    try:
        value = event[name].dt
    except Exception:  # missing, or a time that is none: the reader raises an error of its own
        return None
    return value if isinstance(value, date) else None


def zone(event: Any) -> str:
    """The zone's name as written; UTC for times that end in Z."""
    start = event["dtstart"]
    named = start.params.get("TZID", "")
    return said(named)[:60] if named else "UTC" if start.dt.tzinfo else ""
