"""An agent sees first what a citizen newly wrote, and never loses a word of it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.email import html as pages
from channels.email.trimming import Trimmed, newly_written, trimmed, trimmed_html
from tests.channels.email.trimming.made import LANGUAGES, Made, hard, made
from tests.channels.email.trimming.report import lost, read, shown

OUTLOOK = "{}: Maria via Riverton\n{}: Monday, 2 March 2026 12:30\n{}: Ann\n{}: Re: Bins\n\nDear Ann,\nTuesday.\n"
ENGLISH = OUTLOOK.format("From", "Sent", "To", "Subject")
SPANISH = OUTLOOK.format("De", "Enviado el", "Para", "Asunto")
LINES = [
    "> q",
    "",
    "On 1 May 2026 at 10:11 Ann <a@b.example> wrote:",
    "On 1 May Ann wrote:",
    "words",
    "Words, and more.",
    "From: Ann <a@b.example>",
    "Sent: 1 May 2026 10:11",
    "To: c",
    "Subject: bins",
    "--",
    "_____________________________",
    "wrote:",
    "-----Original Message-----",
    "Sent from my iPhone",
    "Kind regards",
    "www.lake.example",
    "+1 555 0100",
    "---------- Forwarded message ---------",
    "see my answers below",
    "2026年11月20日 10:11, Ann <a@b.example> 写道:",
    "Am 20.11.2026 um 10:11 schrieb",
    "Ann <a@b.example>:",
    "-- ",
    "  ",
    "This e-mail is confidential. " * 9 + "intended only for Ann",
]
TAGS = [
    "<div>",
    "</div>",
    "<p>",
    "<br>",
    "<hr>",
    "<blockquote>",
    "<blockquote type=cite>",
    "</blockquote>",
    "<div class=gmail_signature>",
    "<pre>",
    "</pre>",
    "<div id=divRplyFwdMsg>",
    "<div class=gmail_attr>",
    "<table><tr><td>",
    "</table>",
    "&#xfdd0;<br>",
    "\ufdd8<br>",
    "<b>From:</b> a@b.example<br>",
]
OWN = ["My own words.", "The lamp: it is dark.", "I wrote to you.", "", "To: the mayor", "- one", "a > b"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_every_mail_program_sends_in_every_language_is_trimmed(language: str) -> None:
    wrong = [mail.client for mail in made() if mail.language == language and not shown(mail, read(mail))]
    assert wrong == []


@pytest.mark.parametrize("mail", list(hard()), ids=lambda mail: mail.client)
def test_a_hard_case_is_trimmed_rightly(mail: Made) -> None:
    found = read(mail)
    assert shown(mail, found), found
    assert lost(mail, found) == 0


@pytest.mark.parametrize(
    "quoted",
    [
        "On Mon, Mar 2, 2026 at 12:30 PM Maria <help@riverton.example> wrote:\n\n> Dear Ann\n>\n> Tuesday.\n",
        "On Mon, Mar 2, 2026 at 12:30 PM Maria via Riverton\n<help+r.1.abc@riverton.example> wrote:\n> Dear Ann\n",
        "El lun, 2 mar 2026 a las 12:30, Maria vía Riverton (<help@riverton.example>)\nescribió:\n\n> Hola\n> Ann\n\n",
        "> Dear Ann\n>> older\n",
        ENGLISH,
        SPANISH,
        "-----Original Message-----\n" + ENGLISH,
        "-----Mensaje original-----\n" + SPANISH,
        "________________________________\n" + ENGLISH,
        ENGLISH.replace("From:", "*From:*").replace("Sent:", "*Sent:*"),
    ],
)
def test_the_answered_mail_is_folded_away(quoted: str) -> None:
    assert newly_written("Thank you!\n\nAnn\n\n" + quoted) == "Thank you!\n\nAnn"


@pytest.mark.parametrize(
    "text",
    [
        "Only my words.",
        "",
        "> all quoted\n> nothing new",
        ENGLISH,
        "On Monday she wrote:\n> your bins\nand I say no.",
        "> When?\nTomorrow.\n> Where?\nAt home.\n> Dear",
        "See my answers below.\n\n" + ENGLISH,
        "Mis respuestas abajo en rojo\n\n" + SPANISH,
        "From: the lamp\nTo: the corner\nthe street is dark.",
        "From: 12 Lake Road\nDate: 3 March\nI moved.",
        "She wrote:\nplease come",
    ],
)
def test_in_doubt_everything_is_shown(text: str) -> None:
    assert newly_written(text) is None


def test_the_signature_is_told_apart_and_kept() -> None:
    below = "\n\n-- \nAnn Lake\n+1 555 0100\n"
    assert trimmed("The lamp is dark." + below).signature == "-- \nAnn Lake\n+1 555 0100"
    answer = trimmed(
        "Thank you." + below + "\nOn 2 March 2026 at 12:30, Maria <help@riverton.example> wrote:\n> Tuesday\n"
    )
    assert (answer.visible, answer.signature) == ("Thank you.", "-- \nAnn Lake\n+1 555 0100")


def test_we_say_how_sure_we_are() -> None:
    certain = trimmed("Fine.\n\nOn 2 March 2026 at 12:30, Maria <help@riverton.example> wrote:\n> Tuesday?\n")
    unmarked = trimmed("Fine.\n\nOn 2 March 2026 at 12:30, Maria <help@riverton.example> wrote:\n\nTuesday?\n")
    between = trimmed("> Tuesday?\nFine.\n")
    assert (
        trimmed("Only my words.").confidence == 1.0 > certain.confidence > unmarked.confidence > between.confidence > 0
    )


def test_html_that_is_too_deep_or_too_big_is_shown_whole() -> None:
    deep = "<div>" * 300 + "Yes.<blockquote type=cite>q</blockquote>"
    big = "<p>Yes.</p><blockquote type=cite>" + "q" * pages.SIZE
    assert trimmed_html(deep).visible is trimmed_html(big).visible is None


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(LINES), max_size=30))
def test_trimming_adds_nothing_and_keeps_the_beginning(lines: list[str]) -> None:
    text = "\n".join(lines)
    visible = newly_written(text)
    assert visible is None or (visible.strip() and text.startswith(visible) and len(visible) < len(text))


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=400))
def test_any_text_is_read(text: str) -> None:
    found = trimmed(text)
    assert 0 <= found.confidence <= 1
    assert found.visible is None or text.startswith(found.visible)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(TAGS + LINES), max_size=40))
def test_what_is_visible_of_html_stands_in_its_text(pieces: list[str]) -> None:
    html = "\n".join(pieces)
    visible = trimmed_html(html).visible
    whole = "".join(pages.as_text(html).replace("\ufdd8", "").replace("\ufdd0", "").split())  # no characters of Unicode
    assert visible is None or (visible and "".join(visible.split()) in whole)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.sampled_from("<>/= '\"abpdivhr\n&;#x\ufdd0\ufdd8\x1e"), max_size=300))
def test_any_html_is_read(html: str) -> None:
    assert isinstance(trimmed_html(html), Trimmed)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(OWN), max_size=20))
def test_who_quotes_nobody_loses_no_word(lines: list[str]) -> None:
    assert newly_written("\n".join(lines)) is None
