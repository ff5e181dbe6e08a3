"""Public references and reply tokens: what citizens hold in their hands."""

import base64
import hmac
import re
import secrets
from hashlib import sha256

ALPHABET = "23456789ABCDFGHJKMNPQRSTVWXYZ"
"""29 signs that are not mistaken for one another, also when read out. 29 is prime, so the check below is exact."""

_WEIGHTS = (2, 3, 4, 5, 6, 7, 8)
_TOKEN = re.compile(r"^r\.([0-9]{1,18})\.([0-9]{1,18})\.([a-z2-7]{16})$")


def new_reference(prefix: str) -> str:
    """A reference such as ``RV-K4M7-92TX``: seven random signs (1.7e10 of them) and a check sign."""
    number, body = secrets.randbelow(len(ALPHABET) ** 7), ""
    for _ in range(7):
        number, sign = divmod(number, len(ALPHABET))
        body += ALPHABET[sign]
    signs = body + check_sign(body)
    return f"{prefix}-{signs[:4]}-{signs[4:]}"


def check_sign(body: str) -> str:
    """Weighted sum modulo the prime 29: one wrong sign, or two neighbours exchanged, never fits (as in ISBN-10)."""
    total = sum(weight * ALPHABET.index(sign) for weight, sign in zip(_WEIGHTS, body, strict=True))
    return ALPHABET[total % len(ALPHABET)]


def read_reference(written: str) -> str | None:
    """The reference as we print it, from what somebody typed in any case and spacing; None if it cannot be one."""
    bare = re.sub(r"[^0-9A-Za-z]", "", written).upper()
    prefix, signs = bare[:-8], bare[-8:]
    if not prefix.isalpha() or len(signs) != 8 or not all(sign in ALPHABET for sign in signs):
        return None
    return f"{prefix}-{signs[:4]}-{signs[4:]}" if check_sign(signs[:7]) == signs[7] else None


def reply_token(secret: bytes, ticket_id: int, endpoint_id: int) -> str:
    """``r.<ticket>.<endpoint>.<mac>``: leads an answer of this endpoint back to this ticket. The mac has 80 bits."""
    return f"r.{ticket_id}.{endpoint_id}.{_mac(secret, ticket_id, endpoint_id)}"


def read_reply_token(secret: bytes, token: str) -> tuple[int, int] | None:
    """(ticket id, endpoint id) of a token that is ours, else None."""
    match = _TOKEN.match(token.lower())
    if not match:
        return None
    ticket_id, endpoint_id = int(match[1]), int(match[2])
    return (ticket_id, endpoint_id) if hmac.compare_digest(match[3], _mac(secret, ticket_id, endpoint_id)) else None


def _mac(secret: bytes, ticket_id: int, endpoint_id: int) -> str:
    digest = hmac.digest(secret, f"reply:{ticket_id}:{endpoint_id}".encode(), sha256)
    return base64.b32encode(digest[:10]).decode().lower()
