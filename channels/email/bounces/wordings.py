# ruff: noqa: RUF001 - words of many languages look like each other
"""Whom a report in free words is about.

Half of all servers send no machine-readable part. Nearly all of them put the address on a line of its own or at the start of a
line, with the reason behind or below it; the others name it in a sentence, or show how they spoke with the other server.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from channels.email.bounces.verdict import ENHANCED, REPLY

LINES = 4000
LINE = 1000
REASON = 12  # lines
FOUND = 200

ADDRESS = re.compile(r"(?<![\w.%+/=-])([\w][\w!#$%&'*+/=?^`{|}~.-]{0,63}@[\w](?:[\w-]{0,62}\.?){1,20})", re.A)
EAI = re.compile(r"(?<![\w.%+/=-])([\w][\w!#$%&'*+/=?^`{|}~.-]{0,63}@[\w](?:[\w-]{0,62}\.?){1,20})")
LABEL = re.compile(
    r"^[\s>*•·|-]*(?:(?:failed|failing|invalid|unknown|bad|intended|undelivered|original|final|rejected|the"
    r"|your)[ -])*(?:recipients?|recipient[ -]address(?:es)?|rcpt[ -]to|to|user|mailbox|address(?:es)?|addressee"
    r"|e-?mail(?:[ -]address)?|envelope[ -]to|deliver(?:y|ed)? to|forward[ -]path|final-recipient|original-recipient"
    r"|x-failed-recipients"
    r"|empf(?:ä|ae)nger(?:adresse)?|an|destinataires?|à|destinatarios?|para|destinatari[oa]?|a|ontvangers?|aan"
    r"|mottagare|modtager|mottaker|vastaanottaja|odbiorca|adresat|do|příjemce|komu|címzett|alıcı|kime|получател[ьи]"
    r"|адресат|кому|отримувач|παραλήπτης|προς"
    r"|收件人(?:地址)?|收信人|收件者|宛先|受信者|受取人|送信先|받는 ?사람"
    r"|수신자|수신인|người nhận|إلى|المستلم|נמען|אל)[ \t]*(?:\((?:s|es"
    r"|en)\))?[ \t]*[:：=＝][ \t]*(?:rfc822[ \t]*;)?",
    re.I,
)
# Aliases: the address that we wrote to stands behind the one that failed.
BEHIND = re.compile(r"(?:generated|expanded|forwarded) from:? <?([^\s<>()]{3,320}@[^\s<>()]{1,253})")
OPENS = re.compile(r"^[\s>*•·|+-]{0,40}(?:\d{1,3}[.)][ \t])?[<\"'«「【\[({]*(?:mailto:|smtp:|rfc822;)?[ \t]*$", re.I)
CLOSES = re.compile(r"^[>\"'»」】\])}]*[ \t]*(?:$|[:;：,(\[]|\.{2,}|-{1,3}>?[ \t]|\bon[ \t]\S|\t|\bat\b|=>|\|)", re.I)
NOT_THEM = re.compile(
    r"contact|question|assist|help ?desk|complain|abuse|forward this|administrat(?:or|eur)|further information"
    r"|more information|support|send (?:an? )?(?:e-?mail|message) to|inquir|mail from|from:|sender|return-path"
    r"|reply-to|message-?id|subject:|von:|de :|absender|expéditeur|remitente|mittente"
    r"|отправител|发件人|寄件|送信者|差出人"
    r"|보낸|wenden sie sich|kontakt|contacter|contacte|contattare|references:|in-reply-to",
    re.I,
)
ABOUT_THEM = re.compile(
    r"deliver|recipient|undeliver|rcpt|user|mailbox|unknown|does not exist|doesn't exist|rejected|fail|not found"
    r"|invalid|no such|quota|full|unable|couldn't|could not|cannot|can't|bounced|refused|account|inbox|address"
    r"|returned|zugestellt|zustell|empfänger|postfach|unbekannt"
    r"|remis|distribu|destinataire|inconnu|entreg|destinat|no existe|não existe|buz[oó]n|caixa|consegn|recapit"
    r"|sconosciut|bezorg|ontvang|levere|mottag|toimit|dostarcz|odbiorc|doruč|достав|получател|ящик|адрес|teslim|ilet"
    r"|kézbes|címzett|livrat|παρ[αά]δ|送达|收件|投递|投遞|不存在|退信"
    r"|配信|宛先|届け|送信でき|見つかり|전송|배달|수신|받는|không|تسليم|المستلم|למסור|נמען",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Named:
    """An address a report names, and what it says of it."""

    address: str
    words: str


def named(text: str, foreign: Callable[[str], bool]) -> list[Named]:
    """The recipients in the best place that names any. ``foreign``: whether an address may be a recipient at all."""
    lines = [line[:LINE] for line in text.split("\n", LINES)[:LINES]]
    for place in (on_their_own, behind_labels, in_replies, in_sentences):
        found: dict[str, Named] = {}
        for number, address in place(lines):
            if foreign(address) and address not in found and len(found) < FOUND:
                found[address] = Named(address, reason(lines, number))
        if found:
            return list(found.values())
    return []


def on_their_own(lines: list[str]) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(lines):
        if "@" not in line or (NOT_THEM.search(before(lines, number)) and not ABOUT_THEM.search(before(lines, number))):
            continue
        found = list(matches(line))
        if found and (only(line, found) or (OPENS.match(line[: found[0].start()]) and closes(line, found[0]))):
            yield from ((number, tidy(one[1])) for one in (found if only(line, found) else found[:1]))


def before(lines: list[str], number: int) -> str:
    """The last words before a line: an address alone below "please contact" is nobody's we wrote to."""
    return next((line for line in reversed(lines[max(0, number - 3) : number]) if line.strip()), "")


def matches(line: str) -> Iterator[re.Match[str]]:
    behind = BEHIND.search(line)
    for one in (ADDRESS if line.isascii() else EAI).finditer(line):
        whole = "." in one[1].rpartition("@")[2] or line[one.start() - 1 : one.start()] == "<"
        if whole and not (behind and behind.start(1) <= one.start() < behind.end(1)):
            yield one


def only(line: str, found: list[re.Match[str]]) -> bool:
    """Whether nothing but addresses stands on the line."""
    rest = line
    for one in reversed(found[:50]):
        rest = rest[: one.start()] + rest[one.end() :]
    return not re.search(r"\w", re.sub(r"mailto:|smtp:|rfc822;", "", rest, flags=re.I))


def closes(line: str, found: re.Match[str]) -> bool:
    opened = line[found.start() - 1 : found.start()] in ("<", "[", '"', "(")
    rest = line[found.end() :]
    return (
        bool(CLOSES.match(rest))
        or (opened and line[: found.start() - 1].strip() == "")
        or bool(REPLY.match(rest.strip()))
    )


def behind_labels(lines: list[str]) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(lines):
        if "@" in line and (label := LABEL.match(line)):
            yield from ((number, tidy(one[1])) for one in matches(line) if one.start() >= label.end() - 1)


def in_replies(lines: list[str]) -> Iterator[tuple[int, str]]:
    """``550 5.1.1 <ann@lake.example>... User unknown`` and ``RCPT TO:<ann@lake.example>``."""
    for number, line in enumerate(lines):
        if "@" not in line or re.search(r"mail from|return-path", line, re.I):
            continue
        if re.search(r"rcpt[ _-]?to|recipient", line, re.I) or REPLY.search(line) or ENHANCED.search(line):
            yield from ((number, tidy(one[1])) for one in matches(line))


def in_sentences(lines: list[str]) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(lines):
        if "@" not in line or (NOT_THEM.search(line) and not ABOUT_THEM.search(line)):
            continue
        if ABOUT_THEM.search(line) or ABOUT_THEM.search(before(lines, number)):
            yield from ((number, tidy(one[1])) for one in matches(line))


def tidy(address: str) -> str:
    return address.strip("'.`*=_|").removeprefix("mailto=")


def reason(lines: list[str], number: int) -> str:
    """The rest of the line and what follows, up to an empty line or the next address on a line of its own."""
    words = [lines[number]]
    told = len(words[0].split()) > 2
    for line in lines[number + 1 : number + 1 + REASON]:
        found = list(matches(line)) if "@" in line else []
        if found and only(line, found):
            if tidy(found[0][1]) not in words[0]:
                break
            continue
        if not line.strip():
            if told:
                break
            continue
        words.append(line)
        told = True
    return " ".join(" ".join(words).split())[:2000]


def sayings(text: str, known: str = "") -> str:
    """The lines in which a server speaks in codes, for reports that say whom and why in different places."""
    lines = (" ".join(line[:LINE].split()) for line in text.split("\n", LINES)[:LINES])
    spoken = [line for line in lines if line not in known and (ENHANCED.search(line) or REPLY.search(line))]
    return " ".join(spoken[-6:])[:2000]
