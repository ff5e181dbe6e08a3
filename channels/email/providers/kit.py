"""What the files beside share: what they are given, and what they give."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from channels.base import BadSignature
from channels.email.oauth import MailboxAway, secret


@dataclass(frozen=True, slots=True)
class Desk:
    """``fetch``: gets a small file from a provider's own host, off this thread; None until it is here."""

    now: datetime
    fetch: Callable[[str], bytes | None]


@dataclass(frozen=True, slots=True)
class Enclosed:
    """A mail as it stood on the wire, and its envelope as the provider saw it."""

    body: bytes
    sender: str
    recipients: tuple[str, ...]


def setting(config: Mapping[str, str], name: str) -> str:
    """What ``name`` or the file ``name_file`` says. Raises BadSignature 404 where neither is set: no secret, no door."""
    try:
        found = config.get(name, "") or secret(config, name)
    except MailboxAway as error:
        raise BadSignature(str(error), 503) from error  # our fault: the provider must come again
    if not found:
        raise BadSignature(f"{name} is not set for this inbox", 404)
    return found


def by_content(body: bytes, recipients: str) -> str:
    """A key for providers that give none: the same mail to the same people."""
    return sha256(sha256(body).digest() + recipients.encode("utf-8", "replace")).hexdigest()
