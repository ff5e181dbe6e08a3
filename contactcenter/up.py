"""Runs the whole desk on one machine: stores, processes, and the demo's outside world; restarts what dies."""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from contactcenter.settings import PREFIX, Settings
from contactcenter.stores import EmbeddedPostgres, EmbeddedRedis

ROLES = ("router", "web", "worker", "intake")
READY_S = 60
STOP_S = 8
PARENT, AT_THE_DOOR = "CONTACTCENTER_PARENT", "CONTACTCENTER_AT_THE_DOOR"


class CannotStart(Exception):
    """The desk cannot start here; the message says what to do."""


class Desk:
    """The stores and processes of ``contactcenter up``."""

    def __init__(self, settings: Settings, *, demo: bool) -> None:
        self.settings, self.demo = settings, demo
        self._postgres: EmbeddedPostgres | None = None
        self._redis: EmbeddedRedis | None = None
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        self._born: dict[str, float] = {}
        self._stopping = False
        self.environment = dict(os.environ)

    def start_stores(self) -> None:
        """Start the embedded stores where no URL is set, and hand their addresses to the processes."""
        folder = self.settings.data_dir.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        self.environment |= {PREFIX + "DATA_DIR": str(folder), PARENT: str(os.getpid())}
        if not self.settings.redis_url:
            self._redis = EmbeddedRedis(folder / "redis")
            self.environment[PREFIX + "REDIS_URL"] = self._redis.start()
        if not self.settings.database_url:
            self._postgres = EmbeddedPostgres(folder / "postgres")
            self.environment[PREFIX + "DATABASE_URL"] = self._postgres.start()

    def prepare(self) -> None:
        """Migrate, and load the demo agency where it is asked for."""
        if self.demo:
            from contactcenter.demo import world

            self.environment |= world.environment(self.settings)
        for role in self._roles:
            self._spawn(role, at_the_door=True)
        done = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-m", "contactcenter", "prepare", *(["--demo"] if self.demo else [])],
            env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise CannotStart(f"The database could not be prepared:\n{done.stderr[-2000:] or done.stdout[-2000:]}")

    @property
    def _roles(self) -> tuple[str, ...]:
        return (*ROLES, *(("sandbox",) if self.demo else ()))

    def start_processes(self) -> None:
        """Let those in who wait at the door."""
        for child in self.children.values():
            assert child.stdin is not None
            with contextlib.suppress(BrokenPipeError):  # it ended at once: `wait_until_ready` says so
                child.stdin.write(b"\n")
                child.stdin.close()

    def _spawn(self, role: str, *, at_the_door: bool = False) -> None:
        """Start a process. `at_the_door`: it loads its code and waits for a word, while the database is being prepared."""
        environment = {**self.environment, AT_THE_DOOR: "1"} if at_the_door else self.environment
        logs = self.settings.data_dir / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        with (logs / f"{role}.log").open("ab") as log:
            self.children[role] = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", "contactcenter", role], env=environment, stdout=log, stderr=log, start_new_session=True,
                stdin=subprocess.PIPE if at_the_door else subprocess.DEVNULL,
            )  # fmt: skip
        self._born[role] = time.monotonic()

    def wait_until_ready(self) -> None:
        until = time.monotonic() + READY_S
        while time.monotonic() < until and not self._stopping:
            if self._answers("/readyz"):
                return
            for role, child in self.children.items():
                if child.poll() is not None:
                    raise CannotStart(f"The {role} process ended at once. {self._last_words(role)}")
            time.sleep(0.1)
        if not self._stopping:
            raise CannotStart(f"The desk was not ready within {READY_S} seconds. {self._last_words('web')}")

    def _answers(self, path: str) -> bool:
        try:
            with urllib.request.urlopen(f"http://{self.settings.host}:{self.settings.port}{path}", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _last_words(self, role: str) -> str:
        path = self.settings.data_dir / "logs" / f"{role}.log"
        lines = path.read_text("utf-8", "replace").strip().splitlines()[-4:] if path.exists() else []
        return f"Its log ({path}) ends:\n" + "\n".join(lines)

    def watch(self) -> None:
        """Restart what dies, until told to stop. A process that keeps dying is restarted more slowly."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._told_to_stop)
        while not self._stopping:
            for role, child in list(self.children.items()):
                if child.poll() is not None and time.monotonic() - self._born[role] > 0.5:
                    self._spawn(role)
            if self._redis is not None and not self._redis.alive():
                self._redis.start()
            time.sleep(0.1)

    def _told_to_stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True

    def stop(self) -> None:
        """Tell everybody to finish, wait, then stop the stores."""
        for child in self.children.values():
            with contextlib.suppress(ProcessLookupError):
                child.terminate()
        until = time.monotonic() + STOP_S
        for child in self.children.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(max(0.1, until - time.monotonic()))
            if child.poll() is None:
                child.kill()
                child.wait(2)
        if self._redis is not None:
            self._redis.stop()
        if self._postgres is not None:
            self._postgres.stop()


@contextlib.contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """One desk per data folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CannotStart(f"A desk is already running on the data folder {folder}. Stop it first.") from None
        yield
