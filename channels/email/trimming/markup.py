"""The structure that mail programs give their HTML: what is quoted, who wrote it, where the signature stands.

The HTML is a stranger's. It is only searched, in time that grows with its length, and shown nowhere.
"""

import re

from selectolax.lexbor import LexborHTMLParser

from channels.email import html as pages
from channels.email.trimming.decision import DOUBT
from channels.email.trimming.letters import comparable, letter_of
from channels.email.trimming.plain import Trimmed, of_rows

# Letter: the elements whose rows are known to be so. q: indented, which is quoted only below an attribution.
ENCLOSED = {
    "Q": "blockquote[type=cite], blockquote.gmail_quote, blockquote[class*=cite], .yahoo_quoted, .protonmail_quote, .tutanota_quote,"
    "div[name=quote], [name=messageReplySection], .zmail_extra, .freshdesk_quote, .front-blockquote, .missive_quote, .hs_reply,"
    ".ms-outlook-mobile-reference-message, #mail-editor-reference-message-container, #isReplyContent, #OLK_SRC_BODY_SECTION",
    "q": "blockquote",
    "W": ".gmail_attr, .moz-cite-prefix, #reply-intro",
    "S": ".gmail_signature, .moz-signature, .ms-outlook-mobile-signature, #ms-outlook-mobile-signature, #Signature,"
    "#AppleMailSignature, #composer_signature, .protonmail_signature_block, [name=messageSignatureSection],"
    ".bloop_sign, #ymail_android_signature, #_rc_sig, .zmail_signature, #ntes-pcmac-signature, .sh-signature,"
    "#lineBreakAtBeginningOfSignature + div",
}
# Letter: the elements before which a row of that letter stands.
BEFORE = {"D": "#divRplyFwdMsg", "R": "hr, div[style*='border-top'], div[style*='BORDER-TOP'], #appendonsend"}

# Noncharacters (Unicode 23.7): taken out of the HTML first, they mark places in its text.
MARKS = {letter: chr(0xFDD0 + number) for number, letter in enumerate("QqWSDR")}
CLOSED = chr(0xFDD8)
FREE = dict.fromkeys(range(0xFDD0, 0xFDF0))
LETTERS = {mark: letter for letter, mark in MARKS.items()}
SIGNATURE_ROWS, SIGNATURE_CHARACTERS = 20, 1000
GAPS = re.compile(r"\n{3,}")


def trimmed_html(html: str) -> Trimmed:
    """Trim a mail's HTML as it was sent; ``visible`` is plain text. Raises nothing; too big or too deep is not trimmed."""
    if len(html) > pages.SIZE or pages.is_too_deep(html):
        return Trimmed(None, DOUBT)
    rows, known = known_rows(pages.as_text(marked(html.translate(FREE))).split("\n"))
    found = of_rows(rows, known)
    if found.visible is None:
        return found
    return Trimmed(GAPS.sub("\n\n", found.visible).strip(), found.confidence, found.signature)


def marked(html: str) -> str:
    page = LexborHTMLParser(html)
    for letter, selector in ENCLOSED.items():
        for node in page.css(selector):
            node.insert_before(f"{pages.BREAK}{MARKS[letter]}{pages.BREAK}")
            node.insert_after(f"{pages.BREAK}{CLOSED}{pages.BREAK}")
    for letter, selector in BEFORE.items():
        for node in page.css(selector):
            node.insert_before(f"{pages.BREAK}{MARKS[letter]}{pages.BREAK}")
    return page.html or ""


def known_rows(lines: list[str]) -> tuple[list[str], str]:
    """The rows without the marks, and a letter for each that is known."""
    rows: list[str] = []
    known: list[str] = []
    around: list[str] = []
    entered = False
    for line in lines:
        letter = LETTERS.get(line, "")
        if line == CLOSED:
            around[-1:] = []
        elif letter in ("D", "R"):
            rows.append("")
            known.append(letter if not quoted(around) else "E")
        elif letter:
            around.append(letter)
            entered = True
        else:
            if line and entered and letter_of(comparable(line)) == "F":
                around = [" " for _ in around]  # a forwarded mail is the matter itself
            entered = entered and not line
            rows.append(line.translate(FREE))  # written as "&#xfdd0;"
            known.append(letter_within(around) if line else "E")
    return rows, "".join(known) if is_signature(rows, known) else "".join(known).replace("S", " ")


def is_signature(rows: list[str], known: list[str]) -> bool:
    """People write on below their signature, and their program takes the words for a part of it."""
    signed = [len(row) for row, letter in zip(rows, known, strict=True) if letter == "S"]
    return len(signed) <= SIGNATURE_ROWS and sum(signed) <= SIGNATURE_CHARACTERS


def quoted(around: list[str]) -> bool:
    return "Q" in around or "q" in around


def letter_within(around: list[str]) -> str:
    return next((letter for letter in "QqSW" if letter in around), " ")
