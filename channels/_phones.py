"""Phone numbers: one form for each, how people read it, and where it may be."""

import re
from functools import lru_cache

import phonenumbers

from channels.base import Address, Proof

SHORT_CODE = re.compile(r"[0-9]{3,8}")
NORTH_AMERICAN = re.compile(r"\+1[2-9][0-9]{9}")
"""What the library would give back as it is, without reading its tables."""
NAMED_SENDER = re.compile(r"[A-Za-z0-9 ]{1,11}")


@lru_cache(10_000)  # the same few numbers of ours, and people who write again
def canonical_number(value: str, region: str) -> str:
    """E.164 where the number is possible, else a short code or named sender as it is. Raises ValueError."""
    value = value.strip()
    if NORTH_AMERICAN.fullmatch(value) or SHORT_CODE.fullmatch(value):
        return value
    number = _possible(value, region)
    if number is not None:
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if NAMED_SENDER.fullmatch(value) and any(c.isalpha() for c in value):
        return value
    raise ValueError("not a phone number")


def address(raw: str, region: str) -> Address:
    """Who wrote, as the provider attests. Never refuses: an odd number stays as it came."""
    try:
        canonical = canonical_number(raw, region)
    except ValueError:
        canonical = raw.strip()
    return Address("phone", raw, canonical, Proof.PROVIDER_ATTESTED)


def shown_number(canonical: str, region: str) -> str:
    """The number as people of ``region`` write it; foreign ones with their country code."""
    number = _possible(canonical, region) if canonical.startswith("+") else None
    if number is None:
        return canonical
    home = number.country_code == phonenumbers.country_code_for_region(region)
    form = phonenumbers.PhoneNumberFormat
    return phonenumbers.format_number(number, form.NATIONAL if home else form.INTERNATIONAL)


@lru_cache(10_000)
def zones_of(canonical: str) -> tuple[str, ...]:
    """The time zones where a number is given out, by its area code; a mobile may of course have moved. Empty: unknown."""
    from phonenumbers import timezone  # a table of some megabytes, wanted only where texts go out unasked

    number = _possible(canonical, "ZZ") if canonical.startswith("+") else None
    found = timezone.time_zones_for_number(number) if number is not None else ()
    return tuple(zone for zone in found if zone != timezone.UNKNOWN_TIMEZONE)


def _possible(value: str, region: str) -> phonenumbers.PhoneNumber | None:
    """The number in ``value``. A colon is never part of one: the library would read over the name of another network."""
    bare = value.lower().removeprefix("tel:")
    if ":" in bare:
        return None
    try:
        number = phonenumbers.parse(bare, region)
    except phonenumbers.NumberParseException:
        return None
    return number if phonenumbers.is_possible_number(number) else None
