"""Text records of the domain name system."""

import dns.exception
import dns.resolver

SECONDS = 5.0


def text_record(name: bytes) -> bytes | None:
    """The TXT record of a name, its strings joined; None where there is none. Raises ``dns.exception.DNSException``."""
    try:
        answer = dns.resolver.resolve(name.decode("ascii"), "TXT", lifetime=SECONDS)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer, UnicodeDecodeError):
        return None
    return next((b"".join(record.strings) for record in answer), None)
