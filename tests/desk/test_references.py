"""What citizens hold in their hands: references they read out over the phone, and reply addresses nobody can make up."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactcenter.desk.references import (
    ALPHABET,
    new_reference,
    read_reference,
    read_reply_token,
    reply_token,
)

SECRET, OTHER = b"a" * 32, b"b" * 32
references = st.builds(lambda _n: new_reference("RV"), st.integers())
ids = st.integers(1, 2**53)


@given(references)
def test_every_single_wrong_sign_is_caught(reference: str) -> None:
    for place in range(3, len(reference)):
        if reference[place] == "-":
            continue
        for wrong in set(ALPHABET) - {reference[place]}:
            assert read_reference(reference[:place] + wrong + reference[place + 1 :]) is None


@given(references)
def test_every_exchange_of_neighbours_is_caught(reference: str) -> None:
    signs = reference[3:7] + reference[8:]
    for place in range(7):
        a, b = signs[place], signs[place + 1]
        if a != b:
            changed = signs[:place] + b + a + signs[place + 2 :]
            assert read_reference(f"RV-{changed[:4]}-{changed[4:]}") is None


@given(references)
def test_a_reference_is_read_however_a_person_types_it(reference: str) -> None:
    bare = reference.replace("-", "")
    for typed in (
        reference.lower(),
        f"  {reference} ",
        bare.lower(),
        " ".join(bare.lower()),
        reference.replace("-", " "),
    ):
        assert read_reference(typed) == reference


@pytest.mark.parametrize(
    "nonsense", ["", "RV", "RV-", "-K4M7-92TX", "RV-O0I1-LLEE", "12345678", "R2-AAAA-AAAA", "é" * 9]
)
def test_what_cannot_be_a_reference_is_none(nonsense: str) -> None:
    assert read_reference(nonsense) is None


@given(st.text(max_size=40))
def test_any_text_is_read_without_a_fault(written: str) -> None:
    found = read_reference(written)
    assert found is None or read_reference(found) == found


@given(ids, ids)
def test_our_own_token_leads_back_to_ticket_and_endpoint(ticket: int, endpoint: int) -> None:
    token = reply_token(SECRET, ticket, endpoint)
    assert read_reply_token(SECRET, token) == read_reply_token(SECRET, token.upper()) == (ticket, endpoint)


@given(ids, ids, st.integers(0, 15), st.sampled_from(string.ascii_lowercase + "234567"))
def test_a_forged_token_is_nothing(ticket: int, endpoint: int, place: int, sign: str) -> None:
    token = reply_token(SECRET, ticket, endpoint)
    head, _, mac = token.rpartition(".")
    forged = mac[:place] + sign + mac[place + 1 :]
    if forged != mac:
        assert read_reply_token(SECRET, f"{head}.{forged}") is None


@given(ids, ids, ids)
def test_a_token_of_another_ticket_endpoint_or_installation_does_not_fit(
    ticket: int, endpoint: int, other: int
) -> None:
    mac = reply_token(SECRET, ticket, endpoint).rpartition(".")[2]
    if other != ticket:
        assert read_reply_token(SECRET, f"r.{other}.{endpoint}.{mac}") is None
    if other != endpoint:
        assert read_reply_token(SECRET, f"r.{ticket}.{other}.{mac}") is None
    assert read_reply_token(OTHER, reply_token(SECRET, ticket, endpoint)) is None


def test_digits_cannot_wander_between_ticket_and_endpoint() -> None:
    mac = reply_token(SECRET, 1, 23).rpartition(".")[2]
    assert read_reply_token(SECRET, f"r.12.3.{mac}") is None


@given(st.text(max_size=80))
def test_any_hint_is_read_without_a_fault(hint: str) -> None:
    assert read_reply_token(SECRET, hint) is None


def test_references_cannot_be_counted_up() -> None:
    made = {new_reference("RV") for _ in range(500)}
    assert len(made) == 500
    assert all(set(reference[3:]) <= {*ALPHABET, "-"} for reference in made)
