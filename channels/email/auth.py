"""What our own mail server found out about the sender (RFC 8601, Authentication-Results)."""

import re
from collections.abc import Collection, Iterator
from typing import Literal

from channels.email.headers import Head

Auth = Literal["pass_aligned", "fail", "none", "unknown"]
DMARC = re.compile(r"dmarc\s*=\s*([a-z]+)", re.I)
HEADER_FROM = re.compile(r"header\.from\s*=\s*\"?([^\s;\"]+)", re.I)


def authentication(head: Head, from_domain: str, trusted: Collection[str]) -> Auth:
    """Believe only the topmost stamp, and only of a server we trust: those below may be the sender's own.

    ``pass_aligned`` needs dmarc=pass for exactly the domain in From; SPF alone says nothing about it.
    """
    stamp = next(iter(head.all("authentication-results")), "")
    server, *results = statements(stamp)
    if not server.split() or server.split()[0].lower() not in trusted:
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
