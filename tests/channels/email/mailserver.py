"""A real IMAP server (dovecot) on this machine, a sign-in service beside it, and a line that can be cut."""

import asyncio
import contextlib
import imaplib
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

USER, PASSWORD = "help@riverton.example", "lamp-post-7"
DOVECOT = shutil.which("dovecot") or "/usr/sbin/dovecot"

CONFIG = """
base_dir = {base}/run
log_path = {base}/dovecot.log
state_dir = {base}/state
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain xoauth2
mail_location = maildir:{base}/mail/%u
default_internal_user = {internal}
default_login_user = {login}
default_internal_group = {group}
mail_max_userip_connections = 50
first_valid_uid = 1
first_valid_gid = 1
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {base}/oauth2.conf
}}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={base}/mail/%u
}}
"""
TOKENS = """
introspection_mode = post
introspection_url = http://127.0.0.1:{port}/introspect
username_attribute = email
active_attribute = active
active_value = true
"""


@dataclass
class SignInService:
    """Gives tokens for a refresh token, and tells the mail server which are good."""

    port: int = 0
    good: set[str] = field(default_factory=set)
    refresh: str = "refresh-1"
    given: int = 0
    lifetime: int = 3600
    says: tuple[int, dict[str, str]] | None = None
    asked: list[dict[str, str]] = field(default_factory=list)

    def token(self, form: dict[str, str]) -> tuple[int, dict[str, object]]:
        self.asked.append(form)
        if self.says is not None:
            return self.says[0], dict(self.says[1])
        if form.get("refresh_token") != self.refresh:
            return 400, {"error": "invalid_grant"}
        self.given += 1
        token = f"token-{self.given}"
        self.good.add(token)
        return 200, {"access_token": token, "expires_in": self.lifetime, "token_type": "Bearer"}

    def introspect(self, form: dict[str, str]) -> tuple[int, dict[str, object]]:
        active = form.get("token") in self.good
        return 200, {"active": "true" if active else "false", "email": USER}


@contextlib.contextmanager
def sign_in_service() -> Iterator[SignInService]:
    service = SignInService()

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            status, said = service.token(form) if self.path == "/token" else service.introspect(form)
            data = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    service.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@dataclass
class MailServer:
    """``folder``: where our mails lie. Mail is put in and looked at over IMAP, as any other program would."""

    port: int
    signs_in: SignInService
    folder: str = "Desk"

    def client(self) -> imaplib.IMAP4:
        client = imaplib.IMAP4("127.0.0.1", self.port, timeout=10)
        client.login(USER, PASSWORD)
        return client

    def make(self) -> None:
        with self.client() as client:
            client.create(self.folder)

    def put(self, *mails: bytes) -> None:
        with self.client() as client:
            for mail in mails:
                status, _ = client.append(self.folder, "", "", mail)
                assert status == "OK"

    def renumber(self, *mails: bytes) -> None:
        """What a restored or migrated mailbox looks like: the same folder with new numbers."""
        with self.client() as client:
            client.delete(self.folder)
            client.create(self.folder)
        self.put(*mails)

    def flags(self) -> list[bytes]:
        with self.client() as client:
            client.select(self.folder, readonly=True)
            return [bytes(one) for one in client.fetch("1:*", "(FLAGS)")[1] if isinstance(one, bytes)]


@contextlib.contextmanager
def mail_server() -> Iterator[MailServer]:
    base = Path(tempfile.mkdtemp(prefix="desk-imap-"))
    port = free_port()
    root = os.getuid() == 0
    me = pwd.getpwuid(os.getuid()).pw_name
    owner = pwd.getpwnam("nobody") if root else pwd.getpwuid(os.getuid())
    with sign_in_service() as service:
        for name in ("run", "state", "mail"):
            (base / name).mkdir()
        os.chmod(base, 0o755)
        if root:
            os.chown(base / "mail", owner.pw_uid, owner.pw_gid)
        config = base / "dovecot.conf"
        config.write_text(
            CONFIG.format(
                base=base, port=port, password=PASSWORD, uid=owner.pw_uid, gid=owner.pw_gid,
                internal="dovecot" if root else me, login="dovenull" if root else me,
                group="dovecot" if root else str(os.getgid()),
            )
        )  # fmt: skip
        (base / "oauth2.conf").write_text(TOKENS.format(port=service.port))
        process = subprocess.Popen([DOVECOT, "-F", "-c", str(config)], stderr=subprocess.PIPE)
        server = MailServer(port, service)
        try:
            wait_for(server, process, base)
            server.make()
            yield server
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(10)
            if process.stderr is not None:
                process.stderr.close()
            shutil.rmtree(base, ignore_errors=True)


def wait_for(server: MailServer, process: "subprocess.Popen[bytes]", base: Path) -> None:
    ends = time.monotonic() + 20
    while time.monotonic() < ends:
        if process.poll() is not None:
            assert process.stderr is not None
            raise AssertionError(process.stderr.read().decode())
        try:
            server.client().logout()
            return
        except (OSError, imaplib.IMAP4.error):
            time.sleep(0.05)
    log = base / "dovecot.log"
    raise AssertionError(log.read_text() if log.exists() else "dovecot does not answer")


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


class Wire:
    """A line to the server that passes everything on, until it is cut, or goes silent."""

    def __init__(self, there: int) -> None:
        self._there = there
        self.port = 0
        self.opened = 0
        self.cut_after: int | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._there)
        self._writers |= {writer, there_writer}
        await asyncio.wait(
            [asyncio.create_task(self._pass(reader, there_writer, False)), asyncio.create_task(self._pass(there_reader, writer, True))],
            return_when=asyncio.FIRST_COMPLETED,
        )  # fmt: skip
        for end in (writer, there_writer):
            end.close()
            self._writers.discard(end)

    async def _pass(self, source: asyncio.StreamReader, to: asyncio.StreamWriter, answers: bool) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65_536):
                if answers and self.cut_after is not None:
                    data, self.cut_after = data[: self.cut_after], self.cut_after - len(data)
                    if self.cut_after <= 0:
                        to.write(data)
                        await to.drain()
                        self.cut_after = None
                        return
                to.write(data)
                await to.drain()

    def cut(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()


@contextlib.asynccontextmanager
async def wire_to(port: int) -> AsyncIterator[Wire]:
    wire = Wire(port)
    server = await asyncio.start_server(wire._connected, "127.0.0.1", 0)
    wire.port = server.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        server.close()
        wire.cut()
        await asyncio.sleep(0.05)
