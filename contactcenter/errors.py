"""Errors of the desk: each carries its status and a sentence that a person can act on."""

from typing import Any, ClassVar


class DeskError(Exception):
    """Base of everything the desk says no with. Served as problem+json (RFC 9457)."""

    status: ClassVar[int] = 400
    slug: str = "bad-request"
    title: str = "That did not work"

    def __init__(self, detail: str, *, slug: str = "", headers: dict[str, str] | None = None, **extras: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.slug = slug or type(self).slug
        self.headers = headers or {}
        self.extras = extras


class NotSignedIn(DeskError):
    status = 401
    slug = "not-signed-in"
    title = "Sign in first"


class WrongCredentials(DeskError):
    status = 401
    slug = "wrong-credentials"
    title = "Name or password is not right"


class Forbidden(DeskError):
    status = 403
    slug = "forbidden"
    title = "You may not do this"


class NotFound(DeskError):
    status = 404
    slug = "not-found"
    title = "Not found"


class Conflict(DeskError):
    """The world changed meanwhile; ``extras`` say what."""

    status = 409
    slug = "changed-meanwhile"
    title = "This changed meanwhile"


class Refused(DeskError):
    """The input cannot be taken; the sentence says what would be."""

    status = 422
    slug = "refused"
    title = "This cannot be taken"


class TooMany(DeskError):
    status = 429
    slug = "too-many-attempts"
    title = "Too many attempts"

    def __init__(self, detail: str, retry_after: int) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


class StoreAway(DeskError):
    status = 503
    slug = "store-away"
    title = "We cannot store this now"

    def __init__(self) -> None:
        super().__init__("The database cannot be reached. Try again in a moment.", headers={"Retry-After": "5"})
