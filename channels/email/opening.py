"""From what was stored to the mail in it: as it came, or inside a provider's request."""

from collections.abc import Callable
from dataclasses import replace

from channels.base import ChannelError, Item, Raw, Unreadable
from channels.email import providers, reading


def parse(raw: Raw) -> list[Item]:
    """Read a stored mail, however it was brought. Raises nothing on any bytes."""
    return opened(raw, reading.parse)


def headers_only(raw: Raw) -> list[Item]:
    """What can be told without touching the body, after reading it took too much."""
    return opened(raw, reading.headers_only)


def mail_in(raw: Raw) -> bytes:
    """The bytes of the mail itself; empty where a provider's request holds none."""
    if not providers.is_provided(raw):
        return raw.body
    try:
        return providers.mail(raw).body
    except (ValueError, KeyError, TypeError, AttributeError, ChannelError):
        return b""


def opened(raw: Raw, read: Callable[[Raw], list[Item]]) -> list[Item]:
    if not providers.is_provided(raw):
        return read(raw)
    try:
        found = providers.mail(raw)
    except (ValueError, KeyError, TypeError, AttributeError, ChannelError) as error:
        return [Unreadable(str(error) or "no mail in the provider's request")]
    envelope = {**raw.envelope, "from": found.sender, "to": list(found.recipients)}
    return read(replace(raw, body=found.body, envelope=envelope))
