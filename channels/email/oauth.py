"""Access tokens for mailboxes (OAuth 2.0, RFC 6749), kept until shortly before they end.

Microsoft 365: https://learn.microsoft.com/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth
Google: https://developers.google.com/gmail/imap/xoauth2-protocol
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from channels.base import ChannelError

ADDRESSES = {
    "microsoft": "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
    "google": "https://oauth2.googleapis.com/token",
}
APP_ONLY_SCOPE = {"microsoft": "https://outlook.office365.com/.default"}
EARLY = timedelta(minutes=5)
SECONDS = 10.0


class MailboxAway(ChannelError):
    """The mailbox cannot be read, or not signed in to; the text says why, and what an operator can do."""


@dataclass(frozen=True, slots=True)
class Token:
    value: str = field(repr=False)
    until: datetime


class Tokens:
    """Where tokens for one mailbox come from: a refresh token, or (app-only) the client's own secret."""

    def __init__(self, url: str, form: Mapping[str, str]) -> None:
        self._url, self._form = url, dict(form)
        self._lock = threading.Lock()
        self._token: Token | None = None

    def current(self, *, fresh: bool = False) -> Token:
        """A token that is good for minutes yet. ``fresh``: the one we hold was refused. Raises MailboxAway, OSError."""
        with self._lock:
            if fresh or self._token is None or self._token.until - EARLY < datetime.now(UTC):
                self._token = self._asked()
            return self._token

    def _asked(self) -> Token:
        try:
            answer = httpx.post(self._url, data=self._form, timeout=SECONDS, follow_redirects=False, trust_env=False)
        except httpx.HTTPError as error:
            raise ConnectionError(f"no answer from the sign-in service: {type(error).__name__}") from error
        if answer.status_code >= 500 or answer.status_code == 429:
            raise ConnectionError(f"the sign-in service answered {answer.status_code}")
        try:
            given: Any = answer.json()
            return self._taken(given) if answer.status_code == 200 else self._refused(given)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConnectionError("the sign-in service answered something else than a token") from error

    def _taken(self, given: Any) -> Token:
        if renewed := given.get("refresh_token"):  # some services give a new one each time, and end the old one
            self._form["refresh_token"] = str(renewed)
        seconds = min(max(60, int(given.get("expires_in", 3600))), 86_400)
        return Token(str(given["access_token"]), datetime.now(UTC) + timedelta(seconds=seconds))

    def _refused(self, given: Any) -> Token:
        code = str(given.get("error", ""))[:60]
        if code == "invalid_grant":
            raise MailboxAway(
                "The permission to read this mailbox has ended or was withdrawn: connect the mailbox again."
            )
        raise MailboxAway(f"The sign-in service refused us ({code or 'no reason given'}): check client and secret.")


def tokens_of(config: Mapping[str, str]) -> Tokens | None:
    """From oauth_provider (microsoft, google) or oauth_token_url, oauth_client_id, oauth_client_secret_file and, unless
    app-only, oauth_refresh_token_file; None where neither is set. Raises MailboxAway with what is wrong."""
    provider, url = config.get("oauth_provider", ""), config.get("oauth_token_url", "")
    if not provider and not url:
        return None
    if provider and provider not in ADDRESSES:
        raise MailboxAway(f"oauth_provider is one of {', '.join(ADDRESSES)}")
    url = url or ADDRESSES[provider].format(tenant=config.get("oauth_tenant") or "organizations")
    if not is_safe(url):
        raise MailboxAway("oauth_token_url must begin with https://")
    form = {"client_id": config.get("oauth_client_id", ""), "client_secret": secret(config, "oauth_client_secret")}
    refresh = secret(config, "oauth_refresh_token")
    if refresh:
        form |= {"grant_type": "refresh_token", "refresh_token": refresh}
    else:
        form |= {
            "grant_type": "client_credentials",
            "scope": config.get("oauth_scope") or APP_ONLY_SCOPE.get(provider, ""),
        }
    return Tokens(url, {name: value for name, value in form.items() if value})


def is_safe(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost"))


def secret(config: Mapping[str, str], name: str) -> str:
    """What the file ``name_file`` holds; secrets do not lie in the database. Raises MailboxAway where it cannot be read."""
    path = config.get(f"{name}_file", "")
    if not path:
        return ""
    try:
        return Path(path).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise MailboxAway(f"{name}_file cannot be read: {type(error).__name__}") from error
