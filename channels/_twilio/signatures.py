"""Which requests come from Twilio, and for us."""

import hmac
from collections.abc import Iterable, Iterator

from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # ships no types

from channels.base import BadSignature, Form, WebhookRequest, form_fields

FORM_TYPE = "application/x-www-form-urlencoded"
SIGNATURE = "x-twilio-signature"


def check_signature(request: WebhookRequest, tokens: Iterable[str], algorithm: str) -> None:
    """Raise BadSignature unless one of ``tokens`` signed this form for this URL.

    https://www.twilio.com/docs/usage/security. Twilio posts messages and receipts as forms only. A JSON body is refused
    unseen: its signature covers the URL alone, and the body only where a ``bodySHA256`` stands in the query.
    """
    if not is_form(request.headers.get("content-type") or FORM_TYPE):
        raise BadSignature("not a form")
    if tuple(request.form.pairs()) != pairs(request.body):
        raise BadSignature("the form and the body disagree")
    signature = request.headers.get(SIGNATURE)
    if not signature or not any(_signed(request, token, signature, algorithm) for token in tokens):
        raise BadSignature("no valid signature")


def is_form(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == FORM_TYPE


def pairs(body: bytes) -> tuple[tuple[str, str], ...]:
    """The fields of a form's body."""
    return form_fields(body.decode("utf-8", "replace"))


def _signed(request: WebhookRequest, token: str, signature: str, algorithm: str) -> bool:
    """First the address as it is, which nearly all requests fit; Twilio signs some with a port that was never written."""
    validator, form = RequestValidator(token), _Signed(request.form)
    try:
        exact = validator.compute_signature(request.url, form, algorithm)
        if hmac.compare_digest(exact.encode(), signature.encode()):
            return True
        return bool(validator.validate(request.url, form, signature, algorithm))
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
