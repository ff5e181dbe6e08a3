"""Mail that a provider takes in for us and hands over by HTTP: one file each, and nobody else knows their names.

A file has ``verify(request, house)``, ``key(request)`` and ``mail(raw)``; ``reply(request)`` where the provider wants a special
word. The address is ``/channels/{this channel}/{inbox}/{file's name}``.
"""

import importlib
import pkgutil
from functools import cache
from types import ModuleType

from channels.base import BadSignature, Raw, WebhookReply, WebhookRequest
from channels.email.providers.kit import Desk, Enclosed


def verify(request: WebhookRequest, desk: Desk) -> None:
    """Raise BadSignature unless the provider signed this for this inbox; 404 where the provider is not set up."""
    if request.method != "POST":
        raise BadSignature("only POST brings mail", 404)
    provider(request.rest).verify(request, desk)


def key(request: WebhookRequest) -> str:
    """The dedupe key, by what the provider says or the mail itself. Raises whatever an odd request makes it raise."""
    found: str = provider(request.rest).key(request)
    return f"{name_in(request.rest)}:{found}"


def reply(request: WebhookRequest) -> WebhookReply:
    answer = getattr(provider(request.rest), "reply", None)
    return answer(request) if answer else WebhookReply()


def mail(raw: Raw) -> Enclosed:
    """The mail inside a stored request. Raises ValueError where there is none."""
    found: Enclosed = provider(str(raw.envelope.get("rest", ""))).mail(raw)
    return found


def is_provided(raw: Raw) -> bool:
    return name_in(str(raw.envelope.get("rest", ""))) in names()


def name_in(rest: str) -> str:
    return rest.partition("/")[0]


def provider(rest: str) -> ModuleType:
    name = name_in(rest)
    if name not in names():
        raise BadSignature("no such provider", 404)
    return importlib.import_module(f"channels.email.providers.{name}")


@cache
def names() -> frozenset[str]:
    return frozenset(one.name for one in pkgutil.iter_modules(__path__) if one.name not in ("kit", "forms"))
