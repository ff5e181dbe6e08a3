"""A report of a mail server tells which of our mails did not arrive, with whom, and what it means for the address."""

import pytest

from channels.base import DeliveryState, ErrorClass, Receipt
from channels.email.bounces import reports
from channels.email.headers import Head
from channels.email.structure import tree
from tests.channels.email.bounces.formats import FORMS, status_of
from tests.channels.email.bounces.making import OWN, US
from tests.channels.email.bounces.oddities import SAMPLES as ODD
from tests.channels.email.bounces.oddities import Sample

TO = "ann.lake@town.example.org"
# What servers say, and what it means. A code alone never proves a wrong address.
SAID = {
    "550 5.1.1 User unknown": ErrorClass.BAD_ADDRESS,
    "550 No such user here": ErrorClass.BAD_ADDRESS,
    "552 5.2.2 Mailbox over quota": ErrorClass.UNREACHABLE,
    "554 5.7.1 Message rejected as spam by content filter": ErrorClass.SENDER,
    "550 5.2.1 The account is disabled": ErrorClass.UNREACHABLE,
    "552 5.3.4 Message size exceeds fixed limit": ErrorClass.CONTENT,
    "550 5.1.1 Blocked by policy, your IP is listed": ErrorClass.SENDER,
    "550 Requested action not taken": ErrorClass.UNKNOWN,
}
SAMPLES = [(form, said) for form in FORMS for said in SAID]


def read(raw: bytes) -> list[Receipt]:
    whole = tree(raw)
    return reports(whole.root, Head(whole.root), lambda address: address == US, [US])


@pytest.mark.parametrize(("form", "said"), SAMPLES)
def test_a_report_names_recipient_reason_and_our_mail(form: str, said: str) -> None:
    raw = FORMS[form](TO, said)
    (got,) = read(raw)
    assert got.recipient == TO
    assert got.state == DeliveryState.UNDELIVERED
    assert got.error is not None
    assert got.error.kind == SAID[said]
    told = {status_of(said), said[:3]} if status_of(said) == "5.0.0" else {status_of(said)}
    assert got.error.code in told or form == "ironport"
    assert said.split(maxsplit=2)[2] in got.error.text
    assert got.own_id == (OWN if OWN.encode() in raw else "")


@pytest.mark.parametrize("sample", ODD, ids=[sample.name for sample in ODD])
def test_a_report_of_its_own_kind_is_read_too(sample: Sample) -> None:
    got = read(sample.raw)
    assert {one.recipient: one.error.kind if one.error else None for one in got} == sample.expected
    assert {one.own_id for one in got} == {sample.own_id}
    assert {one.delayed for one in got} == {sample.delayed}
    for one in got:
        failed = sample.expected[one.recipient] is not None and not sample.delayed
        assert (one.state == DeliveryState.UNDELIVERED) == failed
