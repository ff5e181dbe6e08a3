"""One form for every number: what is told by its look alone is what the library says of it."""

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels import _phones


@given(st.integers(2 * 10**9, 10**10 - 1), st.sampled_from(["US", "GB", "ZZ"]))
def test_a_north_american_number_as_networks_send_it_is_canonical_already(digits: int, region: str) -> None:
    written = f"+1{digits}"
    number = phonenumbers.parse(written, region)
    assert phonenumbers.is_possible_number(number)
    library = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    assert _phones.canonical_number(written, region) == library


@pytest.mark.parametrize(
    "written", ["+11234567890", "+1202555014", "+120255501420", "+1202555014x", "+\N{FULLWIDTH DIGIT ONE}2025550142"]
)
def test_what_only_looks_like_one_is_read_by_the_library(written: str) -> None:
    assert not _phones.NORTH_AMERICAN.fullmatch(written)
