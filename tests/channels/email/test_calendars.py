"""Invitations: what a calendar says in one line, also where its file is odd."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.email.calendars import Invitation, invitation

EVENT = (
    "BEGIN:VEVENT\r\nUID:1@lake.example\r\nSUMMARY:Visit of the site\r\nLOCATION:Town hall\\, room 2\r\n"
    "DTSTART;TZID=Europe/Berlin:20260304T100000\r\nDTEND;TZID=Europe/Berlin:20260304T113000\r\nEND:VEVENT\r\n"
)


def calendar(event: str = EVENT, method: str = "REQUEST", before: str = "") -> bytes:
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:{method}\r\n{before}{event}END:VCALENDAR\r\n".encode()


def test_an_invitation_tells_what_when_and_where() -> None:
    told = invitation(calendar())
    assert told.line == "Visit of the site · 2026-03-04 10:00-11:30 Europe/Berlin · Town hall, room 2"
    assert (told.method, told.is_answer) == ("REQUEST", False)


@pytest.mark.parametrize("method", ["REPLY", "COUNTER", "DECLINECOUNTER", "REFRESH", "reply"])
def test_an_answer_of_a_calendar_is_told_from_an_invitation(method: str) -> None:
    assert invitation(calendar(method=method)).is_answer


def test_the_method_may_stand_in_the_type_alone() -> None:
    data = calendar().replace(b"METHOD:REQUEST\r\n", b"")
    assert invitation(data, 'text/calendar; method="REPLY"; charset=utf-8').is_answer
    assert invitation(data, "text/calendar").method == ""


@pytest.mark.parametrize(
    ("lines", "time"),
    [
        ("DTSTART:20260304T090000Z\r\nDTEND:20260304T093000Z", "2026-03-04 09:00-09:30 UTC"),
        ("DTSTART:20260304T090000", "2026-03-04 09:00"),
        ("DTSTART;VALUE=DATE:20260304\r\nDTEND;VALUE=DATE:20260306", "2026-03-04"),
        ("DTSTART:20260304T230000Z\r\nDTEND:20260305T010000Z", "2026-03-04 23:00 - 2026-03-05 01:00 UTC"),
        ("DTSTART;TZID=Riverton Time:20260304T100000", "2026-03-04 10:00 Riverton Time"),
        ("DTSTART:tomorrow", ""),
        ("DTEND:20260304T090000Z", ""),
    ],
)
def test_the_time_is_told_as_it_was_written(lines: str, time: str) -> None:
    assert invitation(calendar(f"BEGIN:VEVENT\r\n{lines}\r\nSUMMARY:Visit\r\nEND:VEVENT\r\n")) == Invitation(
        "REQUEST", "Visit", time
    )


def test_a_summary_folded_over_lines_is_one_line() -> None:
    event = EVENT.replace("Visit of the site", "Visit of \r\n the site\\nand more")
    assert invitation(calendar(event)).summary == "Visit of the site and more"


def test_a_zone_of_a_thousand_rules_before_the_event_costs_nothing() -> None:
    zone = (
        "BEGIN:VTIMEZONE\r\nTZID:X\r\n"
        + "BEGIN:STANDARD\r\nRRULE:FREQ=YEARLY\r\nEND:STANDARD\r\n" * 1000
        + "END:VTIMEZONE\r\n"
    )
    assert invitation(calendar(before=zone)).summary == "Visit of the site"


def test_a_calendar_cut_off_on_its_way_tells_what_is_left() -> None:
    data = calendar()
    assert (
        invitation(data[: data.index(b"DTEND")]).line
        == "Visit of the site · 2026-03-04 10:00 Europe/Berlin · Town hall, room 2"
    )


@pytest.mark.parametrize(
    "data", [b"", b"BEGIN:VCALENDAR", b"BEGIN:VEVENT\r\n", b"\xff" * 100, b"BEGIN:VEVENT\n" * 20_000]
)
def test_what_is_no_calendar_says_nothing(data: bytes) -> None:
    assert invitation(data).line == ""


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 400), st.integers(0, 60), st.binary(max_size=20))
def test_a_damaged_calendar_raises_nothing(start: int, length: int, put: bytes) -> None:
    data = calendar()
    told = invitation(data[:start] + put + data[start + length :])
    assert "\n" not in told.line
    assert "\x00" not in told.line
