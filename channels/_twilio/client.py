"""The official client with what it lacks: a time limit, another base URL, ``Retry-After``, and errors in our words."""

import asyncio
import json
import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

from requests import RequestException
from requests.exceptions import ConnectionError as NoConnection
from twilio.base.exceptions import TwilioException  # type: ignore[import-untyped]  # ships no types
from twilio.http.http_client import TwilioHttpClient  # type: ignore[import-untyped]  # ships no types
from twilio.http.response import Response  # type: ignore[import-untyped]  # ships no types
from twilio.rest import Client  # type: ignore[import-untyped]  # ships no types
from urllib3.exceptions import MaxRetryError, NewConnectionError

from channels._twilio.words import FRAUD_GUARD, FRAUD_GUARD_PAUSE
from channels.base import ChannelError, ErrorClass, SendError, TryLater, Undeliverable, Unsure

API = "https://api.twilio.com"
CALL_SECONDS = 10.0
ANSWER_LIMIT = 12.0  # shorter than the desk's lease of 15 s, longer than the client's own 10

Got = TypeVar("Got")


class ApiClient(TwilioHttpClient):  # type: ignore[misc]  # the twilio package has no types
    """Twilio's HTTP client with a time limit, no retries of its own, another base URL, and ``Retry-After`` kept."""

    def __init__(self, base_url: str, seconds: float = CALL_SECONDS) -> None:
        super().__init__(timeout=seconds, max_retries=0)
        self.base_url = base_url.rstrip("/")
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
        return self.base_url + parts.path + (f"?{parts.query}" if parts.query else "")


def made_client(account: str, token: str, http: ApiClient) -> Client:
    """A client that looks at nothing but this: without an environment it would read region and edge from the process."""
    return Client(account, token, http_client=http, environment={"settings": "given"})


async def order(call: Callable[[], Got], http: ApiClient, errors: Mapping[str, ErrorClass]) -> Got:
    """Have something done. Raises TryLater, Undeliverable, or Unsure where it may have been done."""

    def called() -> Got:
        try:
            return call()
        except TwilioException as refusal:
            raise refused(refusal, http.retry_after, errors) from refusal
        except RequestException as lost:
            raise _lost(lost) from lost
        except (ValueError, TypeError, AttributeError) as odd:  # accepted, but the answer is no message
            raise Unsure("an answer that cannot be read") from odd

    try:
        async with asyncio.timeout(ANSWER_LIMIT):
            return await asyncio.to_thread(called)
    except TimeoutError as late:
        raise Unsure("no answer in time") from late


class NotThere(TryLater):
    """The provider knows no such thing, which of a list or an account means that our settings are wrong."""


async def question(call: Callable[[], Got], http: ApiClient, seconds: float = ANSWER_LIMIT) -> Got:
    """Ask something. Raises TryLater."""

    def called() -> Got:
        try:
            return call()
        except TwilioException as refusal:
            kind = NotThere if getattr(refusal, "status", None) == 404 else TryLater
            raise kind(_unasked(refusal), http.retry_after) from refusal
        except (RequestException, ValueError, TypeError, AttributeError) as lost:
            raise TryLater(SendError(ErrorClass.UNKNOWN, text=str(lost))) from lost

    try:
        async with asyncio.timeout(seconds):
            return await asyncio.to_thread(called)
    except TimeoutError as late:
        raise TryLater(SendError(ErrorClass.UNKNOWN, text="no answer in time")) from late


def refused(refusal: TwilioException, after: float | None, errors: Mapping[str, ErrorClass]) -> ChannelError:
    """What Twilio's exception means. Its two kinds share no base with a status, and some carry none at all."""
    status, code, text = _told(refusal)
    if status is None or status >= 500 or code == "20500":
        return Unsure(text)
    kind = errors.get(code, ErrorClass.UNKNOWN)
    if status == 429 or kind is ErrorClass.THROTTLED:
        pause = FRAUD_GUARD_PAUSE if code in FRAUD_GUARD else after
        return TryLater(SendError(ErrorClass.THROTTLED, code, text), pause)
    return Undeliverable(SendError(ErrorClass.SENDER if status in (401, 403) else kind, code, text))


def _unasked(refusal: TwilioException) -> SendError:
    status, code, text = _told(refusal)
    return SendError(ErrorClass.SENDER if status in (401, 403, 404) else ErrorClass.UNKNOWN, code, text)


def _told(refusal: TwilioException) -> tuple[int | None, str, str]:
    """Status, code and words. A refused list carries its answer unread, among the arguments."""
    status = getattr(refusal, "status", None)
    code = str(getattr(refusal, "code", None) or "")
    text = str(getattr(refusal, "msg", None) or getattr(refusal, "detail", None) or refusal)
    answer = next((one for one in refusal.args if isinstance(one, Response)), None)
    if answer is None:
        return status if isinstance(status, int) else None, code, text
    try:
        body = json.loads(answer.text)
        return answer.status_code, str(body["code"]), str(body["message"])
    except (ValueError, TypeError, KeyError):
        return answer.status_code, code, f"the provider answered {answer.status_code}"


def _lost(error: RequestException) -> ChannelError:
    """A connection that never came about carried nothing; whatever broke later may have been accepted."""
    cause = error.args[0] if isinstance(error, NoConnection) and error.args else None
    if isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError):
        return TryLater(SendError(ErrorClass.UNKNOWN, text="no connection to the provider"))
    return Unsure(str(error))


def _seconds(value: str | None) -> float | None:
    return float(value) if value and value.isascii() and value.isdigit() else None
