"""The demo: a described agency, made-up credentials, and the sandbox that stands for the outside world."""

import tomllib
from hashlib import sha256
from pathlib import Path
from typing import Any

from contactcenter.sandbox.config import SandboxConfig
from contactcenter.settings import PREFIX, Settings

DESCRIPTION = Path(__file__).parent / "riverton.toml"
SANDBOX_PORT, DESK_SMTP_PORT, SINK_PORT = 10, 20, 30
"""Ports of the demo's other doors, above the desk's own."""


def description() -> dict[str, Any]:
    return tomllib.loads(DESCRIPTION.read_text("utf-8"))


def passwords(settings: Settings) -> dict[str, str]:
    """The demo sign-ins. They open nothing but demo data: the demo does not start on a public address."""
    return {one["username"]: f"{one['username']}-riverton-demo" for one in description()["staff"]}


def credentials(settings: Settings) -> tuple[str, str]:
    """The account and token between desk and sandbox, made from this installation's own secret."""
    key = settings.key()
    return "AC" + sha256(key + b"account").hexdigest()[:32], sha256(key + b"token").hexdigest()[:32]


def environment(settings: Settings) -> dict[str, str]:
    """The channel settings that make the desk's adapters talk to the sandbox."""
    account, token = credentials(settings)
    values = {
        "TWILIO_ACCOUNT_SID": account,
        "TWILIO_AUTH_TOKEN": token,
        "TWILIO_API_URL": f"http://{settings.host}:{settings.port + SANDBOX_PORT}",
        "SMTP_RELAY": f"{settings.host}:{settings.port + SINK_PORT}",
        "SMTP_SECURITY": "none",
        "MAIL_LISTEN": f"{settings.host}:{settings.port + DESK_SMTP_PORT}",
        "MAIL_DOMAIN": "riverton.example",
    }
    return {PREFIX + name: value for name, value in (values | description().get("settings", {})).items()}


def sandbox_config(settings: Settings) -> SandboxConfig:
    """Where the sandbox listens and what it knows of the desk: all inboxes of the description, by what they look like."""
    account, token = credentials(settings)
    boxes = description()["inboxes"]
    texted = {
        box["address"]: f"{settings.base_url}/channels/{box['channel']}/{box['slug']}/messages"
        for box in boxes
        if box["address"].startswith("+")
    }
    page = next(box for box in boxes if box["address"] == box["slug"])
    return SandboxConfig(
        host=settings.host,
        http_port=settings.port + SANDBOX_PORT,
        smtp_port=settings.port + SINK_PORT,
        data_file=settings.data_dir / "sandbox.sqlite",
        account_sid=account,
        auth_token=token,
        numbers=texted,
        desk_url=settings.base_url,
        desk_smtp_host=settings.host,
        desk_smtp_port=settings.port + DESK_SMTP_PORT,
        agency_name=description()["agency"]["name"],
        agency_addresses=tuple(box["address"] for box in boxes if "@" in box["address"]),
        visitor_page_url=f"{settings.base_url}/{page['channel']}/{page['slug']}",
    )
