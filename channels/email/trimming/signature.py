"""What stands below the person's words and says nothing new: signature, device line, legal notice.

Only what is certain: two dashes, the line a device adds, a business card under a closing formula, a long legal notice.
"""

import re
from collections.abc import Callable, Sequence

from channels.email.trimming.words import CLOSING, CONTACT, FOOTER, MEANT_FOR, MOBILE, NOTICE, ONESELF, SECRET

ROWS, CHARACTERS = 24, 2000
BARE_ROWS, BARE_CHARACTERS = 10, 600  # where the space after the two dashes is missing
SENTENCE = 60  # characters; a longer row that ends in a full stop is no part of a signature
DEVICE_LINE, LINKED_LINE = 100, 300
LINK = re.compile(r"<[^<>]*>|\[[^][]*\]")
NOTICE_ROWS, NOTICE_LENGTH, NOTICE_READ = 60, 200, 10_000
CARD_ROWS = 8


def end_of_words(lines: Sequence[str], letters: str, end: int, dashes: Callable[[int], bool]) -> int:
    """The row at which a signature begins, ``end`` where none is.

    ``dashes``: whether a row of two dashes ends in a space, as programs write it and people do not.
    """
    end = last_words(letters, end)
    for _ in range(6):  # a device line below a notice below two dashes
        before = end
        for shorter in (without_notice, without_device, without_card):
            end = last_words(letters, shorter(lines, letters, end))
        end = last_words(letters, without_dashes(lines, letters, end, dashes))
        if end == before:
            break
    return end


def last_words(letters: str, end: int) -> int:
    return len(letters[:end].rstrip("ES"))


def without_notice(lines: Sequence[str], letters: str, end: int) -> int:
    """A long last paragraph that says it is confidential, and for whom it is meant."""
    start = max(letters.rfind("E", 0, end) + 1, end - NOTICE_ROWS, 0)
    text = " ".join(lines[start:end])
    length = NOTICE_LENGTH if text.isascii() or text[:1].isupper() else NOTICE_LENGTH // 2  # Chinese needs fewer signs
    if start == 0 or len(text) < length or set(letters[start:end]) - set("THIR"):
        return end
    text = text[:NOTICE_READ]
    if ONESELF.search(text) or "?" in text:  # somebody complains about a confidential letter
        return end
    return start if NOTICE.search(text[:80]) and SECRET.search(text) and MEANT_FOR.search(text) else end


def without_device(lines: Sequence[str], letters: str, end: int) -> int:
    """ "Sent from my iPhone", and what mailing lists and virus scanners add."""
    if not end or letters[end - 1] not in "THI":
        return end
    if (start := start_of_footer(lines, end)) is not None:
        return len(letters[:start].rstrip("ER"))
    return end - 1 if is_device_line(lines[end - 1]) else end


def start_of_footer(lines: Sequence[str], end: int) -> int | None:
    """Also where the address of the scanner's maker stands on a row of its own."""
    if end > 1 and is_contact(lines[end - 1]) and FOOTER.fullmatch(lines[end - 2]):
        return end - 2
    return end - 1 if FOOTER.fullmatch(lines[end - 1]) else None


def is_device_line(line: str) -> bool:
    if len(line) > LINKED_LINE or line.endswith("?"):
        return False
    words = LINK.sub("", line).lstrip("*_ (")
    return len(words) <= DEVICE_LINE and MOBILE.match(words) is not None


def without_card(lines: Sequence[str], letters: str, end: int) -> int:
    """Telephone and web address below a closing formula and a name: the formula and the name stay."""
    start = end
    while start and letters[start - 1] in "THIE" and end - start < CARD_ROWS and is_contact(lines[start - 1]):
        start -= 1
    above = [line.strip(" ,.!").casefold() for line in lines[max(0, start - CARD_ROWS) : start] if line][-4:]
    card = [line for line in lines[start:end] if line]
    is_card = len(card) >= 2 and any("www." in line or "://" in line for line in card)
    return start if is_card and not CLOSING.isdisjoint(above) else end


def is_contact(line: str) -> bool:
    return not line or (len(line) <= DEVICE_LINE and CONTACT.match(line) is not None)


def without_dashes(lines: Sequence[str], letters: str, end: int, dashes: Callable[[int], bool]) -> int:
    at = letters.rfind("G", max(0, end - ROWS - 1), end)
    below = lines[at + 1 : end]
    length = sum(map(len, below))
    if at < 0 or length > CHARACTERS or set(letters[at + 1 : end]) & set("QqWBDF"):
        return end
    if dashes(at):
        return at
    sentences = any(len(line) > SENTENCE and line[-1] in ".?!。" for line in below)
    return end if sentences or len(below) > BARE_ROWS or length > BARE_CHARACTERS else at
