"""Settings, all from the environment with the prefix ``CONTACTCENTER_``."""

import os
import secrets
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "CONTACTCENTER_"


class Settings(BaseSettings):
    """What a process needs to know. Everything that belongs to one channel is read by that channel alone."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore")

    data_dir: Path = Path("data")
    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str = ""
    """The address that citizens and providers see. Signatures and cookies rest on it."""
    database_url: str = ""
    """Empty: the embedded PostgreSQL in ``data_dir``."""
    redis_url: str = ""
    """Empty: the embedded Redis in ``data_dir``."""
    redis_prefix: str = "cc"
    secret: str = ""
    """Key material for reply tokens and links, hex. Empty: made once and kept in ``data_dir``."""
    trusted_proxies: str = ""
    """Addresses (comma separated, or *) whose X-Forwarded-For we believe. Empty: nobody's."""
    metrics_token: str = ""
    """Who may read /metrics from elsewhere than this machine."""
    clamd: str = ""
    """A virus scanner (ClamAV's daemon): ``host:port`` or ``unix:/path``. Set it for intake and worker alike."""
    log_level: str = "info"
    db_pool: int = Field(default=6, ge=1, le=64)
    fail_point: str = ""
    """Name of a point at which the process kills itself. Only for fault tests; refused with a public https URL."""

    @property
    def base_url(self) -> str:
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def https(self) -> bool:
        return self.base_url.startswith("https://")

    def key(self) -> bytes:
        """The installation's secret, made at the first start and readable by its owner alone."""
        if self.secret:
            return bytes.fromhex(self.secret)
        path = self.data_dir / "secret"
        if not path.exists():
            self.data_dir.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_hex(32))
        return bytes.fromhex(path.read_text().strip())


def channel_settings() -> dict[str, str]:
    """The environment as the adapters see it: names without the prefix."""
    return {name.removeprefix(PREFIX): value for name, value in os.environ.items() if name.startswith(PREFIX)}
