"""Phone numbers and the one-word texts that switch a sender off and on."""

import re
from functools import lru_cache
from typing import Literal

import phonenumbers

from channels.base import Address, Proof

# Twilio acts on the English words by itself (https://help.twilio.com/articles/223134027); the Spanish ones are ours.
STOP_WORDS = frozenset(
    {
        *("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "OPTOUT", "REVOKE", "ARRET"),
        *("ALTO", "BAJA", "CANCELAR", "DETENER", "PARAR", "PARE"),
    }
)
START_WORDS = frozenset(("START", "YES", "UNSTOP", "ALTA", "COMENZAR", "INICIAR"))

SHORT_CODE = re.compile(r"[0-9]{3,8}")
NAMED_SENDER = re.compile(r"[A-Za-z0-9 ]{1,11}")


@lru_cache(10_000)  # the same few numbers of ours, and people who write again
def canonical_number(value: str, region: str) -> str:
    """E.164 where the number is possible, else a short code or named sender as it is. Raises ValueError."""
    value = value.strip()
    if SHORT_CODE.fullmatch(value):
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


def wish(text: str) -> Literal["given", "revoked"] | None:
    """What a text says about writing to its sender. One word alone: "please stop the charge" says nothing."""
    words = re.findall(r"[^\W_]+", text.upper())
    word = "".join(words).translate(str.maketrans("ÁÉÍÓÚÊ", "AEIOUE"))
    if len(words) != 1 and word != "OPTOUT":
        return None
    if word in STOP_WORDS:
        return "revoked"
    return "given" if word in START_WORDS else None


def _possible(value: str, region: str) -> phonenumbers.PhoneNumber | None:
    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        return None
    return number if phonenumbers.is_possible_number(number) else None
