"""Names of files as programs write them into mail, and what is left of those that would deceive or do harm."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels._files import NAME_BYTES, safe_name
from tests.channels.email.mails import mail, multipart, read


def name_of(disposition: str, kind: str = "application/pdf") -> str:
    head = f"Content-Type: {kind}\r\n" + (f"Content-Disposition: {disposition}\r\n" if disposition else "")
    content_type, body = multipart("mixed", f"{head}\r\n%PDF-1.4")
    (one,) = read(mail(body, content_type=content_type)).files
    return one.name


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ("attachment; filename*=iso-8859-1'de'Stra%DFe.pdf", "Straße.pdf"),
        ("attachment; filename*=gb2312''%C4%FA%BA%C3.pdf", "您好.pdf"),
        (
            "attachment; filename*0*=utf-8''Bescheid%20; filename*1*=%C3%BCber; filename*2=%20.pdf",
            "Bescheid über%20.pdf",
        ),
        ('attachment; filename*0="a long "; filename*1="name in "; filename*2="three.pdf"', "a long name in three.pdf"),
        ("attachment; filename*1=b.pdf; filename*0=a", "ab.pdf"),
        ("attachment; filename*=Gr%C3%BC%C3%9Fe.pdf", "Grüße.pdf"),
        ("attachment; filename*=x-none''Gr%C3%BC%C3%9Fe.pdf", "Grüße.pdf"),
        ('attachment; filename="=?iso-8859-1?Q?Stra=DFe.pdf?="', "Straße.pdf"),
        ("attachment; filename==?utf-8?B?w7xiZXIucGRm?=", "über.pdf"),
        ('attachment; filename="=?utf-8?q?=C3=BCber?=\r\n =?utf-8?q?_uns.pdf?="', "über uns.pdf"),
        ('attachment; filename="plan \\"final\\".pdf"', "plan _final_.pdf"),
        ("attachment; filename=two words.pdf", "two words.pdf"),
        ("attachment; filename=plan.pdf; filename*=utf-8''pl%C3%A4ne.pdf", "pläne.pdf"),
        ("attachment;\r\n\tfilename=plan.pdf", "plan.pdf"),
        ("ATTACHMENT; FILENAME=Plan.PDF", "Plan.PDF"),
    ],
)
def test_a_name_is_read_however_it_was_coded(disposition: str, name: str) -> None:
    assert name_of(disposition) == name


def test_the_name_may_stand_in_the_type() -> None:
    assert name_of("", 'application/pdf; name="plan.pdf"') == "plan.pdf"
    assert name_of("attachment", "application/pdf; name*=utf-8''pl%C3%A4ne.pdf") == "pläne.pdf"
    assert name_of("attachment; filename=right.pdf", "application/pdf; name=wrong.pdf") == "right.pdf"


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("../../etc/passwd", "____etc_passwd"),
        ("C:\\Windows\\calc.exe", "C__Windows_calc.exe"),
        ("invoice\u202egnp.exe", "invoicegnp.exe"),
        ("a\u2066b\u2069\u200b.pdf", "ab.pdf"),
        ("plan\x00.pdf", "plan.pdf"),
        ("plan\r\nX: y.pdf", "planX_ y.pdf"),
        ("plan\u2028.pdf", "plan.pdf"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("com1.tar.gz", "_com1.tar.gz"),
        ("lpt9", "_lpt9"),
        ("contract.pdf", "contract.pdf"),
        (" plan.pdf. ", "plan.pdf"),
        ("...", "_"),
        ("", ""),
        ("\u202e\u200b", ""),
        ("a:b*c?d<e>f|g", "a_b_c_d_e_f_g"),
        ("cafe\u0301.pdf", "caf\u00e9.pdf"),
    ],
)
def test_a_name_can_be_shown_and_saved_without_harm(sent: str, shown: str) -> None:
    assert safe_name(sent) == shown


@pytest.mark.parametrize("letter", ["a", "ü", "请", "😀"])
def test_a_long_name_is_cut_between_letters_and_keeps_its_ending(letter: str) -> None:
    name = safe_name(letter * 900 + ".pdf")
    assert name.endswith(f"{letter}.pdf")
    assert NAME_BYTES - 4 < len(name.encode()) <= NAME_BYTES


def test_an_ending_of_endless_length_is_cut_as_well() -> None:
    assert len(safe_name("plan." + "x" * 900).encode()) <= NAME_BYTES


@given(st.text(max_size=300))
def test_no_name_leads_out_of_its_folder(sent: str) -> None:
    name = safe_name(sent)
    assert not set(name) & set('/\\:*?"<>|')
    assert ".." not in name
    assert all(unicodedata.category(sign) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for sign in name)
    assert name == name.strip(" .")
    assert len(name.encode()) <= NAME_BYTES


@given(st.text(max_size=300))
def test_a_safe_name_is_safe_already(sent: str) -> None:
    assert safe_name(safe_name(sent)) == safe_name(sent)
