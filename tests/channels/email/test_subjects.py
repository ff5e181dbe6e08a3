"""Subjects as the mail programs of the world write them, and what they say of a mail: answered, or passed on."""

# ruff: noqa: RUF001 - the colons of other scripts are what this is about

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.subjects import FORWARDS, REPLIES, bare_subject, is_forwarded, is_passed_on
from tests.channels.email.mails import mail, read

OUTLOOK = (
    "Please see to it.\r\n\r\nBo\r\n\r\n"
    "From: Ann Lake <ann@lake.example>\r\nSent: Monday, 2 March 2026 10:15\r\nTo: Bo\r\nSubject: Lamp\r\n\r\n"
    "The lamp at the corner is dark.\r\n"
)
DANISH = "Se nedenfor\n\nFra: Ann <ann@lake.example>\nSendt: 2. marts 2026\nTil: Bo\nEmne: Lampe\n\nLampen er slukket."


@pytest.mark.parametrize(
    "subject",
    [
        "Lamp",
        "Re: Lamp",
        "RE : Lamp",
        "re:Lamp",
        "Re: Re: RE: Lamp",
        "AW: WG: Lamp",
        "Re[2]: Lamp",
        "Re (3): Lamp",
        "Re^2: Lamp",
        "SV: VS: Lamp",
        "回复：Lamp",
        "转发: 答复: Lamp",
        "Antwort: Lamp",
        "TR: RE: Lamp",
        "RV: Lamp",
        "Odp: PD: Lamp",
        "İLT: Ynt: Lamp",
        "Отв: Lamp",
        "[EXTERNAL] Re: Lamp",
        "[EXT] Lamp",
        "Lamp (fwd)",
        "  Re:   Lamp  ",
        "ΑΠ: Lamp",
        "RÉF: Lamp",
        "TR : Re : Lamp",
    ],
)
def test_answers_of_all_programs_have_the_subject_of_the_first_mail(subject: str) -> None:
    assert bare_subject(subject) == "Lamp"


@pytest.mark.parametrize(
    "subject",
    ["Reset: my password", "Ref 12/2026", "Return of my bin", "Invoice: March", "Question: when?", "[Riverton] Lamp", "Area: north"],
)  # fmt: skip
def test_words_that_only_look_like_a_prefix_stay(subject: str) -> None:
    assert bare_subject(subject) == subject


@pytest.mark.parametrize("subject", ["", "Re:", "Fwd: ", "Re: Fwd: AW:"])
def test_a_subject_of_prefixes_alone_is_empty(subject: str) -> None:
    assert bare_subject(subject) == ""


@pytest.mark.parametrize("word", [*REPLIES, *FORWARDS])
def test_every_prefix_is_known_in_capitals_and_with_a_counter(word: str) -> None:
    assert bare_subject(f"{word.capitalize()}: {word}[3]: Lamp") == "Lamp"


@given(st.text(max_size=80))
def test_taking_prefixes_off_twice_is_taking_them_off_once(subject: str) -> None:
    bare = bare_subject(subject)
    assert bare in subject
    if not bare.endswith(")"):  # one trailer is taken off
        assert bare_subject(bare) == bare


@pytest.mark.parametrize(
    "prefix", ["FW", "Fwd", "WG", "TR", "RV", "I", "ENC", "Doorst", "VB", "PD", "İLT", "转发", "転送", "Пересл"]
)
def test_a_mail_passed_on_from_outlook_is_shown_as_a_whole(prefix: str) -> None:
    got = read(mail(OUTLOOK, subject=f"{prefix}: Lamp"))
    assert got.text_visible is None
    assert got.forwarded


@pytest.mark.parametrize("subject", ["AW: Lamp", "Re: Fwd: Lamp", "AW: WG: Lamp"])
def test_an_answer_is_trimmed_though_the_first_mail_was_passed_on(subject: str) -> None:
    got = read(mail(OUTLOOK, subject=subject))
    assert got.text_visible == "Please see to it.\n\nBo"
    assert not got.forwarded


def test_a_prefix_of_two_meanings_is_told_by_the_language_of_the_head() -> None:
    assert is_forwarded("VS: Lampe", DANISH)
    assert not is_passed_on("VS: Lamppu", DANISH.replace("Fra:", "Lähettäjä:"))


def test_a_tag_of_the_gateway_does_not_hide_that_a_mail_was_passed_on() -> None:
    assert is_forwarded("[EXTERNAL] Fwd: Lamp", OUTLOOK)


@pytest.mark.parametrize("subject", ["Lamp", "Re: Lamp", "Forward planning: when?"])
def test_a_head_in_the_text_alone_does_not_make_it_passed_on(subject: str) -> None:
    assert not is_forwarded(subject, OUTLOOK)


def test_a_prefix_without_another_mail_below_is_not_taken_at_its_word() -> None:
    assert not is_forwarded("Fwd: Lamp", "The lamp is dark. See you: tomorrow")
