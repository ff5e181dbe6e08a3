"""What all channels over Twilio share: signatures, forms and an HTTP client that keeps what the official one drops."""

import threading
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from twilio.http.http_client import TwilioHttpClient  # type: ignore[import-untyped]  # ships no types
from twilio.http.response import Response  # type: ignore[import-untyped]  # ships no types
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # ships no types

from channels.base import BadSignature, Form, WebhookRequest

API = "https://api.twilio.com"
FORM_TYPE = "application/x-www-form-urlencoded"
SIGNATURE = "x-twilio-signature"
MOST_FIELDS = 1000


def check_signature(request: WebhookRequest, tokens: Iterable[str], algorithm: str) -> None:
    """Raise BadSignature unless one of ``tokens`` signed this form for this URL.

    https://www.twilio.com/docs/usage/security. Twilio posts messages and receipts as forms only. A JSON body is refused
    unseen: its signature covers the URL alone, and the body only where a ``bodySHA256`` stands in the query.
    """
    if not is_form(request.headers.get("content-type", FORM_TYPE)):
        raise BadSignature("not a form")
    if list(request.form.pairs()) != pairs(request.body):
        raise BadSignature("the form and the body disagree")
    signature = request.headers.get(SIGNATURE, "")
    if not signature or not any(_signed(request, token, signature, algorithm) for token in tokens):
        raise BadSignature("no valid signature")


def is_form(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == FORM_TYPE


def pairs(body: bytes) -> list[tuple[str, str]]:
    """The fields of a form in the order sent, blanks and repeats kept; none where there are too many to read."""
    try:
        return parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        return []


def _signed(request: WebhookRequest, token: str, signature: str, algorithm: str) -> bool:
    try:
        return bool(RequestValidator(token).validate(request.url, _Signed(request.form), signature, algorithm))
    except (TypeError, ValueError, AttributeError):  # the validator trips over odd URLs and lone surrogates
        return False


class _Signed:
    """A form as Twilio's validator wants to see it: names to go through, and ``getlist`` so that repeats count."""

    def __init__(self, form: Form) -> None:
        self._names = {name for name, _ in form.pairs()}
        self.getlist = form.getlist

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def only_once(form: Form, names: Iterable[str]) -> None:
    """Raise BadSignature where a name we read is repeated: names and values are signed without borders between them."""
    for name in names:
        if len(form.getlist(name)) > 1:
            raise BadSignature(f"{name} is repeated")


class ApiClient(TwilioHttpClient):  # type: ignore[misc]  # the twilio package has no types
    """Twilio's HTTP client with a time limit, no retries of its own, another base URL, and ``Retry-After`` kept."""

    def __init__(self, base_url: str, seconds: float = 10) -> None:
        super().__init__(timeout=seconds, max_retries=0)
        self._base_url = base_url.rstrip("/")
        self._answer = threading.local()

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        self._answer.retry_after = None
        response = super().request(method, self._rebased(url), *args, **kwargs)
        self._answer.retry_after = _seconds(response.headers.get("Retry-After"))
        return response

    @property
    def retry_after(self) -> float | None:
        """Seconds the last answer to *this thread* asked us to wait: the client's own exceptions do not carry it."""
        seconds: float | None = getattr(self._answer, "retry_after", None)
        return seconds

    def close(self) -> None:
        self.session.close()

    def _rebased(self, url: str) -> str:
        parts = urlsplit(url)
        if f"{parts.scheme}://{parts.netloc}" != API:
            return url
        return self._base_url + parts.path + (f"?{parts.query}" if parts.query else "")


def _seconds(value: str | None) -> float | None:
    return float(value) if value and value.isascii() and value.isdigit() else None
