"""Files that came with a message and lie with Twilio."""

import mimetypes
import re
from urllib.parse import urlsplit

from twilio.rest import Client  # type: ignore[import-untyped]  # ships no types

from channels import _egress
from channels._files import sniffed, without_traces
from channels._twilio.client import API
from channels._twilio.forms import MOST_MEDIA
from channels.base import ErrorClass, File, Media, SendError, TryLater, Undeliverable

API_HOST = re.compile(r"api(\.[a-z0-9-]{1,20}){0,2}\.twilio\.com")
MOST_BYTES = 10 * 1024 * 1024
LISTED = re.compile(
    r"/2010-04-01/Accounts/(?P<account>\w+)/Messages/(?P<message>\w+)/Media(\.json)?#(?P<nth>\d{1,2})", re.ASCII
)
ONE = re.compile(r"/2010-04-01/Accounts/(?P<account>\w+)/Messages/\w+/Media/\w+", re.ASCII)


def listed_at(ref: str, account: str) -> tuple[str, int] | None:
    """The message and the place in its list of files, where that is all we know (a message found in Twilio's list)."""
    found = LISTED.fullmatch(ref)
    if found is None or found["account"] != account:
        return None
    return found["message"], int(found["nth"])


def look_up(client: Client, message: str, nth: int, base_url: str) -> str:
    """The address of a message's nth file, empty if it has none. Blocks."""
    files = sorted(client.messages(message).media.list(limit=MOST_MEDIA), key=lambda one: (one.date_created, one.sid))
    return base_url + str(files[nth].uri).removesuffix(".json") if nth < len(files) else ""


def check_address(url: str, account: str, base_url: str) -> None:
    """Raise Undeliverable unless ``url`` is a file of our account at Twilio's API, or at the API address in our settings."""
    parts = urlsplit(url) if url.isascii() and "[" not in url else urlsplit("")
    at_twilio = parts.scheme == "https" and API_HOST.fullmatch(parts.netloc)
    path = ONE.fullmatch(parts.path)
    home = f"{parts.scheme}://{parts.netloc}" == base_url
    if not (at_twilio or home) or not path or path["account"] != account or parts.query or parts.fragment:
        raise Undeliverable(SendError(ErrorClass.CONTENT, text="not a file of our account"))


async def fetch_file(url: str, media: Media, credentials: tuple[str, str], base_url: str) -> File:
    """The file, by what its bytes say it is, and without the place and time that a camera wrote into it."""
    got = await _fetched(url, credentials, base_url)
    declared = media.type or got.type
    kind = sniffed(got.body, declared, media.name)
    name = media.name or f"{_noun(kind)}{mimetypes.guess_extension(kind) or ''}"
    return File(name, kind, without_traces(got.body, kind), media.name, type_declared=declared)


async def _fetched(url: str, credentials: tuple[str, str], base_url: str) -> _egress.Fetched:
    host = urlsplit(url).hostname or ""
    try:
        return await _egress.fetched(
            url,
            credentials=credentials,
            credential_hosts=frozenset((host,)),
            most=MOST_BYTES,
            may=lambda origin: origin == base_url and base_url != API,
        )
    except _egress.NotNow as away:
        raise TryLater(SendError(ErrorClass.UNKNOWN, str(away.status or ""), str(away))) from away
    except _egress.Refused as refusal:
        raise _no(refusal) from refusal


def _no(refusal: _egress.Refused) -> TryLater | Undeliverable:
    """A file is often not there yet when its message is: 404 may change, and so may a wrong token."""
    code, text = str(refusal.status or ""), str(refusal)
    if refusal.status == 404:
        return TryLater(SendError(ErrorClass.UNKNOWN, code, text))
    if refusal.status in (401, 403):
        return TryLater(SendError(ErrorClass.SENDER, code, text))
    return Undeliverable(SendError(ErrorClass.CONTENT, code, text))


def _noun(kind: str) -> str:
    major = kind.partition("/")[0]
    return {"image": "picture", "audio": "recording", "video": "video"}.get(major, "file")
