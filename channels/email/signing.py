"""Our signature on what leaves (DKIM, RFC 6376), so that the citizen's mail server can tell that it is ours."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import dkim  # type: ignore[import-untyped]  # ships no types

# Signed once more than they occur: a second one added on the way breaks the signature (RFC 6376 section 8.15).
OVERSIGNED = (b"from", b"subject", b"date", b"to", b"cc", b"reply-to", b"message-id")
ALSO = (
    b"in-reply-to",
    b"references",
    b"mime-version",
    b"content-type",
    b"content-transfer-encoding",
    b"auto-submitted",
)


@dataclass(frozen=True, slots=True)
class Seal:
    """A key of ours: ``selector._domainkey.domain`` publishes the other half. ``key``: an RSA key as PEM."""

    domain: bytes
    selector: bytes
    key: bytes

    def sign(self, wire: bytes) -> bytes:
        """``wire`` with a signature before it. The body's length is not named: nothing may be added below."""
        line: bytes = dkim.sign(
            wire, self.selector, self.domain, self.key, canonicalize=(b"relaxed", b"relaxed"), include_headers=signed(wire)
        )  # fmt: skip
        return line + wire


def signed(wire: bytes) -> list[bytes]:
    """The names to sign, each as often as it is there, the important ones once more."""
    head = wire.partition(b"\r\n\r\n")[0].lower().split(b"\r\n")
    there = [line.partition(b":")[0] for line in head if not line.startswith((b" ", b"\t"))]
    return [name for name in there if name in OVERSIGNED or name in ALSO] + list(OVERSIGNED)


def seal_of(settings: Mapping[str, str]) -> Seal | None:
    """From DKIM_DOMAIN, DKIM_SELECTOR and DKIM_KEY_FILE (PEM); None where no key is set. Raises ValueError, OSError."""
    names = ("DKIM_DOMAIN", "DKIM_SELECTOR", "DKIM_KEY_FILE")
    given = [settings.get(name, "").strip() for name in names]
    if not any(given):
        return None
    if not all(given):
        raise ValueError(f"to sign mail, set all of {', '.join(names)}")
    key = Path(given[2]).read_bytes()
    seal = Seal(given[0].encode("idna"), given[1].encode("ascii"), key)
    try:
        seal.sign(b"From: a@b.invalid\r\n\r\n\r\n")
    except (dkim.DKIMException, ValueError) as error:
        raise ValueError(f"DKIM_KEY_FILE {given[2]} holds no RSA key in PEM form") from error
    return seal
