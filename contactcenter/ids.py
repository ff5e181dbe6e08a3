"""Ids that are made before the row is."""

import os
import time
from uuid import UUID


def uuid7() -> UUID:
    """A time-ordered UUID (RFC 9562, section 5.7): 48 bits of Unix milliseconds, then random."""
    stamp = int(time.time() * 1000).to_bytes(6, "big")
    raw = bytearray(stamp + os.urandom(10))
    raw[6] = raw[6] & 0x0F | 0x70
    raw[8] = raw[8] & 0x3F | 0x80
    return UUID(bytes=bytes(raw))
