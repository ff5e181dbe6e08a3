"""A mailbox on somebody else's server, read by an intake that is killed: every mail becomes one matter, and none is marked as read."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.channels.email.mailserver import PASSWORD, MailServer, mail_server
from tests.running_desk import WholeDesk, soon

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.skipif(
        shutil.which("dovecot") is None and not Path("/usr/sbin/dovecot").exists(),
        reason="no dovecot on this machine: tests/need.sh installs it on Debian",
    ),
    pytest.mark.skipif(
        not os.environ.get("CONTACTCENTER_LONG_TESTS"),
        reason="the leases of a dead intake take a minute to run out: set CONTACTCENTER_LONG_TESTS=1",
    ),
]


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as made:
        yield made


def mail(number: int) -> bytes:
    return (
        f"From: Ann {number} <ann{number}@lake.example>\r\nTo: housing@riverton.example\r\nSubject: Rent help {number}\r\n"
        f"Message-ID: <rent{number}@lake.example>\r\n\r\nI need help with my rent, number {number}.\r\n"
    ).encode()


async def test_an_intake_killed_in_the_middle_of_a_mailbox_loses_and_doubles_nothing(
    desk: WholeDesk, server: MailServer, tmp_path: Path
) -> None:
    server.put(*(mail(number) for number in range(30)))
    password = tmp_path / "password"
    password.write_text(PASSWORD)
    config = {
        "imap_host": "127.0.0.1", "imap_port": str(server.port), "imap_security": "none", "imap_folder": server.folder,
        "imap_user": "help@riverton.example", "imap_password_file": str(password), "imap_since": "all",
    }  # fmt: skip
    await desk.rows(
        "UPDATE inbox SET config = $1::jsonb WHERE address = 'housing@riverton.example'", json.dumps(config)
    )
    await soon(lambda: kept(desk, 1), 30, "the first mails to be brought in")
    desk.kill("intake")
    server.put(*(mail(number) for number in range(30, 45)))
    await soon(lambda: filed(desk, 45), 100, "every mail to be a matter, after the lease of the dead one has run out")
    assert not any(b"Seen" in one for one in server.flags())
    (health,) = await desk.rows(
        "SELECT h.ok_at, h.problem FROM inbox_health h JOIN inbox i ON i.id = h.inbox_id WHERE i.address LIKE 'housing@%'"
    )
    assert health["ok_at"] is not None and health["problem"] == ""


async def kept(desk: WholeDesk, count: int) -> bool:
    return int(await desk.value("SELECT count(*) FROM raw_event WHERE source_key LIKE 'imap:%'")) >= count


async def filed(desk: WholeDesk, count: int) -> bool:
    sql = "SELECT m.external_id, count(*) AS times FROM message m WHERE m.external_id LIKE '<rent%' GROUP BY 1"
    found = await desk.rows(sql)
    assert all(row["times"] == 1 for row in found)
    return len(found) == count
