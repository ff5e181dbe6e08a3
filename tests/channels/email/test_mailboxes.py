"""A mailbox that another server keeps: what lies in it comes once, whatever happens to the line."""

import asyncio
import contextlib
import random
import shutil
import socket
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from channels.base import Arrival, ChannelError, Health, Inbox, Post, StoreAway
from channels.email import imap, mailboxes
from tests.channels.email.mailserver import PASSWORD, USER, MailServer, mail_server, wire_to

pytestmark = pytest.mark.skipif(
    shutil.which("dovecot") is None and not Path("/usr/sbin/dovecot").exists(),
    reason="no dovecot on this machine: tests/need.sh installs it on Debian",
)


@pytest.fixture(scope="module")
def running() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture
def server(running: MailServer) -> MailServer:
    """Each test has a folder of its own."""
    running.folder = f"Desk{random.randrange(10**9)}"
    running.make()
    running.signs_in.says, running.signs_in.lifetime = None, 3600
    running.signs_in.asked.clear()
    return running


class Shelf(Post):
    """Keeps what comes, as the desk does: a key once, and the cursor with it."""

    def __init__(self) -> None:
        self.kept: dict[str, Arrival] = {}
        self.at: Mapping[str, Any] = {}
        self.batches: list[int] = []
        self.health: list[Health] = []
        self.away = False
        self.changed = asyncio.Event()

    async def cursor(self) -> Mapping[str, Any]:
        return self.at

    async def keep(self, arrivals: Sequence[Arrival], cursor: Mapping[str, Any]) -> None:
        if self.away:
            raise StoreAway("the database is away")
        self.batches.append(len(arrivals))
        for one in arrivals:
            self.kept.setdefault(one.source_key, one)
        self.at = cursor

    async def report(self, health: Health) -> None:
        self.health.append(health)
        self.changed.set()

    async def until(self, count: int) -> None:
        """Wait for a whole look at the mailbox after which so many mails are here."""
        while len(self.kept) < count or not self.health or self.health[-1].backlog != 0:
            self.changed.clear()
            await asyncio.wait_for(self.changed.wait(), 20)

    @property
    def words(self) -> list[str]:
        return sorted(one.body.partition(b"\r\n\r\n")[2].decode().strip() for one in self.kept.values())


def inbox(server: MailServer, tmp_path: Path, **config: str) -> Inbox:
    password = tmp_path / "password"
    password.write_text(PASSWORD + "\n")
    given = {
        "imap_host": "127.0.0.1", "imap_port": str(server.port), "imap_security": "none", "imap_folder": server.folder,
        "imap_password_file": str(password), "imap_since": "all",
    }  # fmt: skip
    return Inbox(1, "help", "email", USER, "Riverton", {k: v for k, v in (given | config).items() if v})


def by_token(server: MailServer, tmp_path: Path, refresh: str = "refresh-1") -> dict[str, str]:
    kept = tmp_path / "refresh"
    kept.write_text(refresh)
    return {
        "imap_password_file": "", "oauth_token_url": f"http://127.0.0.1:{server.signs_in.port}/token",
        "oauth_client_id": "desk", "oauth_refresh_token_file": str(kept),
    }  # fmt: skip


def mail(word: str) -> bytes:
    return f"From: ann@lake.example\r\nMessage-ID: <{word}@lake.example>\r\nSubject: Bins\r\n\r\n{word}\r\n".encode()


@contextlib.asynccontextmanager
async def watching(box: Inbox, shelf: Shelf) -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.create_task(mailboxes.watch(box, shelf))
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, ChannelError):
            await asyncio.wait_for(task, 10)


async def test_a_mail_is_here_as_soon_as_it_lies_in_the_mailbox_and_stays_unread(
    server: MailServer, tmp_path: Path
) -> None:
    shelf = Shelf()
    async with watching(inbox(server, tmp_path), shelf):
        await shelf.until(0)
        began = asyncio.get_running_loop().time()
        await asyncio.to_thread(server.put, mail("lamp"))
        await shelf.until(1)
        assert asyncio.get_running_loop().time() - began < mailboxes_poll() / 2, (
            "woken, not found by the look once a minute"
        )
    assert shelf.words == ["lamp"]
    assert not any(b"Seen" in one or b"Deleted" in one for one in server.flags())


def mailboxes_poll() -> float:
    return imap.POLL


async def test_after_an_absence_everything_comes_in_batches_and_only_once(server: MailServer, tmp_path: Path) -> None:
    words = sorted(f"word{n:03}" for n in range(130))
    server.put(*map(mail, words))
    shelf = Shelf()
    async with watching(inbox(server, tmp_path), shelf):
        await shelf.until(130)
    assert shelf.words == words
    assert max(shelf.batches) <= imap.BATCH
    server.put(mail("later"))
    again = Shelf()
    again.at = shelf.at
    async with watching(inbox(server, tmp_path), again):
        await again.until(1)
    assert again.words == ["later"]


async def test_a_newly_connected_mailbox_leaves_its_old_mail_alone(server: MailServer, tmp_path: Path) -> None:
    server.put(mail("old"))
    shelf = Shelf()
    async with watching(inbox(server, tmp_path, imap_since=""), shelf):
        await shelf.until(0)
        await asyncio.to_thread(server.put, mail("new"))
        await shelf.until(1)
    assert shelf.words == ["new"]


async def test_a_renumbered_mailbox_loses_nothing_and_floods_nobody(server: MailServer, tmp_path: Path) -> None:
    server.put(mail("known"))
    shelf = Shelf()
    async with watching(inbox(server, tmp_path), shelf):
        await shelf.until(1)
    kept = dict(shelf.at)
    with server.client() as client:  # years of mail whose dates say so, and one that came while nobody looked
        client.delete(server.folder)
        client.create(server.folder)
        for n in range(40):
            client.append(server.folder, "", '"01-Mar-2019 10:00:00 +0000"', mail(f"ancient{n}"))
    server.put(mail("known"), mail("missed"))
    again = Shelf()
    again.at = kept
    async with watching(inbox(server, tmp_path), again):
        await again.until(2)
        assert again.words == ["known", "missed"], (
            "what we have comes again under a new number and is told by its content"
        )
        with server.client() as client:  # moved in later: old by its date, new by its number
            client.append(server.folder, "", '"02-Mar-2019 10:00:00 +0000"', mail("moved"))
        await again.until(3)
    assert "moved" in again.words


async def test_a_line_cut_anywhere_costs_no_mail_and_doubles_none(server: MailServer, tmp_path: Path) -> None:
    words = sorted(f"word{n:02}" for n in range(45))
    server.put(*map(mail, words))
    shelf = Shelf()
    dice = random.Random(7)
    async with wire_to(server.port) as wire:
        box = inbox(server, tmp_path, imap_port=str(wire.port))
        for _ in range(12):
            wire.cut_after = dice.randrange(1, 12_000)
            with contextlib.suppress(ChannelError, TimeoutError):
                async with watching(box, shelf) as task:
                    await asyncio.wait([task], timeout=0.5)
        wire.cut_after = None
        async with watching(box, shelf):
            await shelf.until(45)
    assert shelf.words == words


async def test_while_the_database_is_away_nothing_counts_as_fetched(server: MailServer, tmp_path: Path) -> None:
    server.put(mail("lamp"))
    shelf = Shelf()
    shelf.away = True
    with pytest.raises(StoreAway):
        await asyncio.wait_for(mailboxes.watch(inbox(server, tmp_path), shelf), 10)
    assert shelf.at == {}
    shelf.away = False
    async with watching(inbox(server, tmp_path), shelf):
        await shelf.until(1)


async def test_a_silent_server_is_given_up_after_its_deadline(
    server: MailServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap, "DEADLINE", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # the system answers the call, nobody ever speaks
        port = silent.getsockname()[1]
        health = await asyncio.wait_for(mailboxes.test(inbox(server, tmp_path, imap_port=str(port))), 10)
    assert health.problem == "The mail server did not answer in time."


async def test_a_mail_that_is_too_large_leaves_its_head(
    server: MailServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap, "LARGEST", 100_000)
    monkeypatch.setattr(mailboxes, "LARGEST", 100_000)
    server.put(mail("x" * 150_000), mail("small"))
    shelf = Shelf()
    async with watching(inbox(server, tmp_path), shelf):
        await shelf.until(2)
    big = next(one for one in shelf.kept.values() if "too_large" in one.envelope)
    assert big.body.startswith(b"From: ann@lake.example")
    assert len(big.body) < 160_000 and int(big.envelope["too_large"]) > 150_000


# --- signing in -------------------------------------------------------------------------------------------------------


async def test_a_mailbox_is_read_with_a_token_that_is_renewed_before_it_ends(
    server: MailServer, tmp_path: Path
) -> None:
    server.signs_in.lifetime = 120  # within the five minutes that we keep clear of
    shelf = Shelf()
    box = inbox(server, tmp_path, **by_token(server, tmp_path))
    server.put(mail("lamp"))
    async with watching(box, shelf):
        await shelf.until(1)
    assert shelf.health[-1].token_until is not None
    assert server.signs_in.asked[0] == {
        "client_id": "desk",
        "grant_type": "refresh_token",
        "refresh_token": "refresh-1",
    }


async def test_a_token_withdrawn_before_its_time_is_replaced_once(server: MailServer, tmp_path: Path) -> None:
    where = mailboxes.where_of(inbox(server, tmp_path, **by_token(server, tmp_path)))
    assert where.tokens is not None
    server.signs_in.good.discard(where.tokens.current().value)
    line = imap.Line(where)
    await asyncio.to_thread(line.open)
    await asyncio.to_thread(line.close)
    assert len(server.signs_in.asked) == 2


@pytest.mark.parametrize(
    ("says", "words"),
    [
        ((400, {"error": "invalid_grant"}), "connect the mailbox again"),
        ((401, {"error": "invalid_client"}), "check client and secret"),
        ((503, {}), "sign-in service answered 503"),
        ((200, {"token": "x"}), "something else than a token"),
    ],
)
async def test_a_lost_sign_in_is_said_in_words(
    server: MailServer, tmp_path: Path, says: tuple[int, dict[str, str]], words: str
) -> None:
    server.signs_in.says = says
    health = await mailboxes.test(inbox(server, tmp_path, **by_token(server, tmp_path)))
    assert words in health.problem
    assert "refresh-1" not in health.problem


async def test_an_app_signs_in_with_its_own_secret(server: MailServer, tmp_path: Path) -> None:
    key = tmp_path / "client"
    key.write_text("s3cret")
    config = by_token(server, tmp_path) | {
        "oauth_provider": "microsoft", "oauth_refresh_token_file": "", "oauth_client_secret_file": str(key)
    }  # fmt: skip
    await mailboxes.test(inbox(server, tmp_path, **config))
    assert server.signs_in.asked[0] == {
        "client_id": "desk", "client_secret": "s3cret", "grant_type": "client_credentials",
        "scope": "https://outlook.office365.com/.default",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"imap_user": USER}, ""),
        ({"imap_folder": "Nowhere"}, "folder"),
        ({"imap_port": "1"}, "cannot be reached"),
        ({"imap_port": "x"}, "imap_port is a number"),
        ({"imap_security": "ssl"}, "imap_security is one of"),
        ({"imap_password_file": ""}, "set imap_password_file"),
        ({"imap_password_file": "/nowhere/at-all"}, "imap_password_file cannot be read"),
        ({"oauth_provider": "acme"}, "oauth_provider is one of"),
        ({"oauth_token_url": "http://elsewhere.example/token"}, "https://"),
    ],
)
async def test_the_button_beside_the_settings_says_what_is_wrong(
    server: MailServer, tmp_path: Path, config: dict[str, str], words: str
) -> None:
    health = await mailboxes.test(inbox(server, tmp_path, **config))
    assert words in health.problem
    assert bool(words) == bool(health.problem)


async def test_a_wrong_password_is_told_from_a_dead_server(server: MailServer, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("guess")
    health = await mailboxes.test(inbox(server, tmp_path, imap_password_file=str(wrong)))
    assert health.problem.startswith("The mail server refused the sign-in")
