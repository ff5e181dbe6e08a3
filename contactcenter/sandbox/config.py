"""What the sandbox must be told."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SandboxConfig:
    """Where the sandbox listens and where it finds the desk.

    ``numbers``: each number of the agency with the URL that takes its texts. ``data_file``: one SQLite file, so that a
    restart continues. ``pace``: seconds between two states of a text. ``retries``: seconds between tries to hand
    something to a desk that does not take it.
    """

    host: str
    http_port: int
    smtp_port: int
    data_file: Path
    account_sid: str
    auth_token: str
    numbers: Mapping[str, str]
    desk_url: str
    desk_smtp_host: str
    desk_smtp_port: int
    agency_name: str
    agency_addresses: tuple[str, ...]
    visitor_page_url: str
    pace: float = 0.4
    retries: tuple[float, ...] = (1, 2, 4, 8, 15, 30, 60)

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.http_port}"
