"""What our own mail server found out about the sender (RFC 8601, Authentication-Results), or what their signature proves."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Literal

from channels.email.headers import Head

Auth = Literal["pass_aligned", "fail", "none", "unknown"]
MAIL = 40 * 1024 * 1024
TAGS = 8 * 1024
SIGNATURES = 5
KEY_BITS = 1024  # RFC 8301 section 3.2
TOPMOST = "*topmost"
DMARC = re.compile(r"dmarc\s*=\s*([a-z]+)", re.I)
HEADER_FROM = re.compile(r"header\.from\s*=\s*\"?([^\s;\"]+)", re.I)


def trusted(config: Mapping[str, str]) -> frozenset[str]:
    """The servers whose stamp counts for an inbox: ids after commas, or ``*topmost`` for a server that writes none."""
    names = config.get("trusted_authserv_ids", "")
    return frozenset(name.strip().lower() for name in names.split(",") if name.strip())


def authentication(head: Head, from_domain: str, servers: Collection[str]) -> Auth:
    """Believe only the topmost stamp, and only of a server we trust: those below may be the sender's own.

    ``pass_aligned`` needs dmarc=pass for exactly the domain in From; SPF alone says nothing about it.
    """
    stamp = next(iter(head.all("authentication-results")), "")
    results = statements(stamp)
    if TOPMOST not in servers:
        server, *results = results
        if not server.split() or server.split()[0].lower() not in servers:
            return "unknown"
    elif not stamp.strip():
        return "unknown"
    for result in results:
        if found := DMARC.match(result):
            return verdict(found[1].lower(), HEADER_FROM.search(result), from_domain)
    return "none"


def verdict(result: str, header_from: re.Match[str] | None, from_domain: str) -> Auth:
    if result == "pass":
        same = header_from is not None and header_from[1].lower().rstrip(".") == from_domain
        return "pass_aligned" if same and from_domain else "unknown"
    if result == "fail":
        return "fail"
    return "none" if result == "none" else "unknown"


def statements(stamp: str) -> list[str]:
    """The parts between semicolons, with comments taken out; quoted text may hold either sign."""
    parts = [""]
    for sign in outside_comments(stamp):
        if sign == ";":
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts]


def outside_comments(stamp: str) -> Iterator[str]:
    """Runs of text; a semicolon outside of quotes comes alone. Quoted text comes without semicolons and equal signs."""
    depth, quoted = 0, False
    for sign in stamp:
        if sign == '"' and not depth:
            quoted = not quoted
        elif quoted:
            yield "_" if sign in ";=" else sign
        elif sign in "()":
            depth = max(0, depth + (1 if sign == "(" else -1))
        elif not depth:
            yield sign


def dkim_aligned(raw: bytes, from_domain: str, dns: Callable[[bytes], bytes | None]) -> Auth:
    """What the sender's own signatures prove (DKIM, RFC 6376), for mail that no server of ours has stamped. Raises nothing.

    ``dns``: the TXT record of a name, joined, or None; it may raise for "cannot be asked now". ``pass_aligned``: a good signature by
    exactly the domain in From over the whole body. A broken one proves nothing (section 6.1): ``none``. ``unknown``: could not be told.
    """
    import dkim  # type: ignore[import-untyped]  # ships no types; here, because only this needs it

    unsure = False

    def ask(name: bytes, timeout: float = 5) -> bytes | None:
        nonlocal unsure
        try:
            return dns(name)
        except Exception:  # whatever the asker raises: its answer is missing
            unsure = True
            raise dkim.DnsTimeoutError(name) from None

    try:
        message = dkim.DKIM(raw[:MAIL], minkey=KEY_BITS)
        for number in signatures(message.headers, from_domain):
            if verified(message, number, ask):
                return "pass_aligned"
    except Exception:  # the library raises many things on odd mail
        return "unknown"
    return "unknown" if unsure else "none"


def signatures(headers: list[tuple[bytes, bytes]], from_domain: str) -> list[int]:
    """The numbers of the signatures that may vouch for the author: theirs, of the whole body, and there is one author."""
    if not from_domain or sum(name.lower() == b"from" for name, _ in headers) != 1:
        return []
    found = [value for name, value in headers if name.lower() == b"dkim-signature"]
    return [number for number, value in enumerate(found[:SIGNATURES]) if vouches(value, from_domain)]


def vouches(signature: bytes, from_domain: str) -> bool:
    tags = dict(re.findall(r"(?:^|;)\s*([a-z]{1,10})\s*=\s*([^;]*)", signature[:TAGS].decode("latin-1")))
    by = "".join(tags.get("d", "").split()).lower()
    signed = [name.strip().lower() for name in tags.get("h", "").split(":")]
    whole = "l" not in tags and len(signature) <= TAGS
    return by == from_domain and whole and "from" in signed and tags.get("a", "").strip().endswith("-sha256")


def verified(message: Any, number: int, ask: Callable[..., bytes | None]) -> bool:
    try:
        return bool(message.verify(idx=number, dnsfunc=ask))
    except Exception:  # a broken signature or key is one that proves nothing
        return False
