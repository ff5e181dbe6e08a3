"""An agent sees first what a citizen newly wrote, and never loses a word of it."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.email.trimming import newly_written

OUTLOOK = "{}: Maria via Riverton\n{}: Monday, 2 March 2026 12:30\n{}: Ann\n{}: Re: Bins\n\nDear Ann,\nTuesday.\n"
ENGLISH = OUTLOOK.format("From", "Sent", "To", "Subject")
SPANISH = OUTLOOK.format("De", "Enviado el", "Para", "Asunto")


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
        "x > y\n-- \nAnn",
    ],
)
def test_in_doubt_everything_is_shown(text: str) -> None:
    assert newly_written(text) is None


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["> q", "", "On 1 May Ann wrote:", "words", "From: a", "Sent: b", "To: c", "-- ", "_" * 30, "wrote:"]
        ),
        max_size=30,
    )
)
def test_trimming_adds_nothing_and_keeps_the_beginning(lines: list[str]) -> None:
    text = "\n".join(lines)
    visible = newly_written(text)
    assert visible is None or (visible.strip() and text.startswith(visible) and len(visible) < len(text))


@pytest.mark.parametrize(
    "line", ["> x", ">" * 300, "wrote:", "On 1 x wrote:", "From: a\nSent: b\nTo: c", "_" * 500, "On " * 99, "", "*"]
)
def test_a_quarter_of_a_megabyte_is_trimmed_in_no_time(line: str) -> None:
    text = (line + "\n") * (256 * 1024 // (len(line) + 1))
    start = time.perf_counter()
    newly_written(text)
    newly_written(text + "and words")
    assert time.perf_counter() - start < 1.5
