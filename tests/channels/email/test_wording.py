"""Letters of all alphabets, subjects of all mail programs, and marks that deceive the eye."""

import time
import tomllib
from pathlib import Path

import pytest

from channels.email.charsets import Decoder, charset
from channels.email.headers import bare_subject
from channels.email.subjects import is_forwarded
from channels.email.wording import decode_words, readable, visible_marks
from tests.channels.email.mails import mail, multipart, read

SAID = tomllib.loads((Path(__file__).parent / "languages.toml").read_text("utf-8"))
WRITTEN_IN = SAID["written_in"]
CASES = [(one["text"], name) for one in SAID["texts"].values() for name in one["names"]]
# Shifts between alphabets are lost in a header that says nothing of them.
IN_HEADERS = [(text, name) for text, name in CASES if name not in ("hz-gb-2312", "iso-2022-kr")]


@pytest.mark.parametrize(("text", "name"), CASES)
def test_every_usual_alphabet_is_read_by_every_name_it_has(text: str, name: str) -> None:
    data = text.encode(WRITTEN_IN.get(name, name))
    assert read(mail(data, content_type=f'text/plain; charset="{name}"')).text == text


@pytest.mark.parametrize(("text", "name"), IN_HEADERS)
def test_bare_letters_in_a_subject_are_read_by_the_alphabet_of_the_body(text: str, name: str) -> None:
    data = text.encode(WRITTEN_IN.get(name, name))
    whole = mail(data, content_type=f"text/plain; charset={name}", subject="@@").replace(b"@@", data)
    if b"\n" not in data and b"\r" not in data:
        assert read(whole).subject == text


def test_text_that_is_utf_8_is_read_so_whatever_it_claims() -> None:
    for name in ("iso-8859-1", "windows-1251", "us-ascii", "iso-8859-15", "nonsense", ""):
        assert Decoder().decode("Grüße aus Würzburg".encode(), name) == "Grüße aus Würzburg"


def test_circled_figures_in_japanese_mail_are_read() -> None:
    data = b"\x1b$B-!!!3$\x1b(B ABC \x1b(I1\x1b(B"
    assert Decoder().decode(data, "iso-2022-jp") == "①　海 ABC ｱ"


@pytest.mark.parametrize(
    "name", ["utf-7", "UTF7", "punycode", "unicode_escape", "zlib", "hex", "\x00", "x" * 500, "idna"]
)
def test_what_is_no_alphabet_changes_nothing(name: str) -> None:
    assert Decoder().decode(b"+ADw-script+AD4- \\u003c", name) == "+ADw-script+AD4- \\u003c"
    assert charset(name) in ("", "zlib", "hex")


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ("=?utf-8?Q?How are you??=", "How are you?"),
        ("=?utf-8?Q?with spaces in it?=", "with spaces in it"),
        ("=?utf-8?B?SsO2\r\n cmc=?=", "Jörg"),
        ("=?UTF-8*de?Q?J=C3=B6rg?=", "Jörg"),
        ("=?iso-2022-jp?B?GyRCOSk=?= =?iso-2022-jp?B?OzYbKEI=?=", "工散"),
        ("=?utf-8?Q?a?=x=?utf-8?Q?b?=", "axb"),
        ("=?utf-8?Q?a=3?=", "a=3"),
        ("=?utf-8?B?4oKs?==?utf-8?B?4oKs?=", "€€"),
        ("=?utf-8?X?abc?=", "=?utf-8?X?abc?="),
        ("=?utf-8?Q?a?b?c?=", "a?b?c"),
    ],
)
def test_encoded_words_are_read_as_programs_write_them(sent: str, text: str) -> None:
    assert decode_words(readable(sent)) == text


@pytest.mark.parametrize("sign", ["=?", "=?a?q?", "=?a?q?=", "?=", "=?a?b?====", "=?a?q?" + "=" * 50, "=?\u00fc?q?a?="])
def test_64_kib_of_words_that_do_not_end_cost_nothing(sign: str) -> None:
    start = time.perf_counter()
    decode_words(sign * (65536 // len(sign)))
    assert time.perf_counter() - start < 2


@pytest.mark.parametrize(
    ("coded", "name"),
    [
        ("filename*=UTF-7''+ADw-.pdf", "+ADw-.pdf"),
        ("filename*=''f%C3%BCr.pdf", "für.pdf"),
        ("filename*0*=gb18030''%C4; filename*1*=%E3.pdf", "你.pdf"),
        ('filename*0="=?utf-8?B?w7xh"; filename*1="YmM=?="', "üabc"),
        ("filename==?utf-8?Q?f=C3=BCr_x.pdf?=", "für x.pdf"),
        ("filename*=iso-8859-1'de'f%FCr.pdf", "für.pdf"),
        ("filename*=utf-8''%00%0A%E2%80%AEfdp.exe", "[U+202E]fdp.exe"),
    ],
)
def test_names_of_files_are_read_as_programs_write_them(coded: str, name: str) -> None:
    part = f"Content-Type: application/pdf\r\nContent-Disposition: attachment; {coded}\r\n\r\n%PDF"
    kind, body = multipart("mixed", part)
    (one,) = read(mail(body, content_type=kind)).files
    assert one.name_raw == name
    assert "\u202e" not in one.name


# --- subjects ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", SAID["subjects"]["prefixes"])
@pytest.mark.parametrize(
    "form", ["{}: ", "{}:", "{} : ", "{}[2]: ", "{}(3): ", "{}\uff1a", "{}: Re: ", "Re: [EXTERNAL] {}: "]
)
def test_what_programs_put_before_a_subject_is_taken_off(prefix: str, form: str) -> None:
    assert bare_subject(form.format(prefix.strip(":")) + "Bins in Lake Road") == "Bins in Lake Road"


@pytest.mark.parametrize(
    "subject", ["Residents: parking", "I am here: come", "Bins: not emptied", "", "Re", ":", "Reference: 12"]
)
def test_a_word_of_the_citizen_is_no_prefix(subject: str) -> None:
    assert bare_subject(subject) == subject


def test_a_long_row_of_prefixes_costs_nothing() -> None:
    start = time.perf_counter()
    assert bare_subject("Re: " * 100_000 + "Bins") == "Bins"
    bare_subject(" " * 100_000)
    bare_subject("re" * 100_000)
    bare_subject("Re[" * 100_000)
    assert time.perf_counter() - start < 2


@pytest.mark.parametrize("prefix", SAID["passed_on"])
def test_a_mail_passed_on_is_known_in_many_languages(prefix: str) -> None:
    body = f"Please see below.\n\n{SAID['passed_on'][prefix]}\nThe lamp is dark."
    assert is_forwarded(f"{prefix}: Lamp", body)
    assert not is_forwarded("Lamp", body)
    assert not is_forwarded("Re: Lamp", body)
    assert not is_forwarded(f"{prefix}: Lamp", "Only words of mine.\nNote: none\nBye")
    assert read(mail(body, subject=f"{prefix}: Lamp", content_type="text/plain; charset=utf-8")).forwarded


def test_an_answer_in_finnish_is_not_taken_for_a_mail_passed_on() -> None:
    assert not is_forwarded("VS: Lamppu", "Kiitos!\n\n" + SAID["passed_on"]["VL"])


# --- marks ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("invoice\u202efdp.exe", "invoice[U+202E]fdp.exe"),
        ("pay\u200bpal.com", "pay[U+200B]pal.com"),
        ("a\u2066b\u2069c", "a[U+2066]b[U+2069]c"),
        ("a\u200d\u200db", "a[U+200D][U+200D]b"),
        ("\u05e9\u05dc\u202eabc", "\u05e9\u05dc[U+202E]abc"),
        ("preview \u200c \u200c \u200c text", "preview \u200c \u200c \u200c text"),
        ("plain", "plain"),
    ],
)
def test_marks_that_deceive_are_shown(sent: str, shown: str) -> None:
    assert visible_marks(sent) == shown
    assert visible_marks(shown) == shown


@pytest.mark.parametrize("language", SAID["marks"])
def test_marks_that_a_script_needs_are_left(language: str) -> None:
    assert visible_marks(SAID["marks"][language]) == SAID["marks"][language]


def test_they_are_shown_everywhere_in_a_mail() -> None:
    sent = "pay\u202elap"
    kind, body = multipart("mixed", f"Content-Type: text/html; charset=utf-8\r\n\r\n<p>{sent}&#8238;x</p>")
    got = read(
        mail(body, content_type=kind, subject=sent, cc=f"{sent} <b@x.example>", **{"from": f"{sent} <a@x.example>"})
    )
    assert "\u202e" not in repr(got)
    assert {got.subject, got.sender.name, got.cc[0].name} == {"pay[U+202E]lap"}
    assert got.html == "<p>pay[U+202E]lap[U+202E]x</p>"
    assert got.text == "pay[U+202E]lap[U+202E]x"
