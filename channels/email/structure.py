"""The parts of a mail in order, without recursion and within limits."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from itertools import islice

from channels.email.headers import BLOCK, Part

RAW = 40 * 1024 * 1024
PARTS = 1000
DEPTH = 50
CONTAINER = re.compile(rb"^content-type:\s*(?:multipart|message)/", re.I | re.M)
STATUS = re.compile(rb"message/delivery-status", re.I)
EMPTY_LINE = re.compile(rb"\n(?=\n)")
BOUNDARY = re.compile(rb"boundary(\*)?[\d*\s]{0,9}=\s*(?:\"([^\"\n]*)\"?|([^\s;]*))", re.I)
DASHED = re.compile(rb"^--([^\n]*)$", re.M)
LINE = re.compile(rb"\n")
LINES = 1_000_000  # each takes a hundred bytes of memory, be it empty; 40 MB in lines of usual length have half as many
BLOCKS = 20_000  # of a delivery report, each of which the parser makes a message of
CUTS = 5 * PARTS
MBOX_FROM = re.compile(rb"From [^\n]*\n")


@dataclass(slots=True)
class Leaf:
    """A part that holds no other. ``group``: number of the alternative it belongs to, -1 outside of one."""

    part: Message
    kind: str
    group: int


@dataclass(slots=True)
class Tree:
    root: Message
    cut: bool = False


def tree(raw: bytes) -> Tree:
    """Parse by the old policy: the modern one took 21 s for 59 KiB of quotation marks in From."""
    whole, cut = tidy(raw)
    text = affordable(whole)
    cut = cut or len(text) < len(whole)
    try:
        return Tree(parsed(text), cut)
    except RecursionError:  # a thousand parts inside each other: read the outer fifty
        return Tree(parsed(shallow(text)), True)


def top(raw: bytes) -> Tree:
    """The headers of the mail alone."""
    text, _ = tidy(raw[: BLOCK * 2])
    return Tree(parsed(text.partition(b"\n\n")[0] + b"\n\n"), True)


def parsed(text: bytes) -> Message:
    return BytesParser(Part, policy=compat32).parsebytes(text)


def tidy(raw: bytes) -> tuple[bytes, bool]:
    """Line ends as LF (bare CR too), without leading blank lines, byte order mark and mbox ``From `` line."""
    text = raw[:RAW].removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n").lstrip(b"\n")
    if mbox := MBOX_FROM.match(text):
        text = text[mbox.end() :]
    return text, len(raw) > RAW


def affordable(text: bytes) -> bytes:
    """All of it, or as much as the parser reads in about a second."""
    if text.count(b"\n") > LINES:
        text = up_to(LINES, LINE, text)
    if is_costly(text):
        text = shallow(text)
    if status := STATUS.search(text):
        text = up_to(BLOCKS, EMPTY_LINE, text, status.end())
    return text if text.count(b"\n--") <= CUTS else fewer_parts(text)


def is_costly(text: bytes) -> bool:
    """The parser compares each line with the boundary of each part that is open: 250 levels of a megabyte took 9 s."""
    containers = sum(1 for _ in CONTAINER.finditer(text))
    return containers > DEPTH and containers * text.count(b"\n") > 3_000_000


def shallow(text: bytes) -> bytes:
    shorter = up_to(DEPTH, CONTAINER, text)
    return shorter if len(shorter) < len(text) else text.partition(b"\n\n")[0]


def up_to(count: int, sign: re.Pattern[bytes], text: bytes, start: int = 0) -> bytes:
    """The text before the sign that is one too many."""
    one_more = next(islice(sign.finditer(text, start), count, None), None)
    return text[: one_more.start()] if one_more else text


def fewer_parts(text: bytes) -> bytes:
    """The text up to its 5,000th part: each costs the parser a twenty-thousandth of a second, and one byte more."""
    named = list(BOUNDARY.finditer(text))
    names = {(match[2] or match[3] or b"").strip() for match in named}
    is_coded = any(match[1] for match in named)  # RFC 2231: any line with dashes may be meant
    count = 0
    for line in DASHED.finditer(text):
        count += is_coded or line[1].rstrip() in names
        if count > CUTS:
            return text[: line.start()]
    return text


def leaves(whole: Tree) -> Iterator[Leaf]:
    """Walk the tree in reading order; a message inside counts as one part. Sets ``cut`` at a limit."""
    waiting: list[tuple[Message, int, int]] = [(whole.root, 0, -1)]
    count = 0
    while waiting:
        part, depth, group = waiting.pop()
        count += 1
        whole.cut = whole.cut or (isinstance(part, Part) and part.cut)
        if count > PARTS or depth > DEPTH:
            whole.cut = True
            return
        kind = kind_of(part)
        inside = children(part)
        if not kind.startswith("multipart/") or not inside:
            yield Leaf(part, "text/plain" if kind.startswith("multipart/") else kind, group)
            continue
        if kind == "multipart/alternative" and group < 0:
            group = count
        waiting.extend((child, depth + 1, group) for child in reversed(inside[: PARTS + 1]))


def kind_of(part: Message) -> str:
    try:
        return part.get_content_type()
    except Exception:  # odd Content-Types raise many things; RFC 2045 section 5.2 names the default
        return "text/plain"


def children(part: Message) -> list[Message]:
    inside = part.get_payload() if part.is_multipart() else []
    return [child for child in inside if isinstance(child, Message)] if isinstance(inside, list) else []


def enclosed(leaf: Leaf) -> Message | None:
    """The message inside a message/rfc822 part, also if it was coded in base64 (against RFC 2046, but common)."""
    inside = children(leaf.part)
    if leaf.kind not in ("message/rfc822", "message/global") or not inside:
        return None
    return tree(rebased(inside[0])).root if is_base64(leaf.part) else inside[0]


def is_base64(part: Message) -> bool:
    return "base64" in str(part.get("content-transfer-encoding", "")).lower()


def rebased(inside: Message) -> bytes:
    """The parser took the base64 text of a message for the message: decode it after all."""
    coded = Part()
    coded["content-transfer-encoding"] = "base64"
    coded.set_payload(inside.get_payload())
    return content(coded)


def content(part: Message) -> bytes:
    """The decoded bytes of a part; as they stand where the coding is broken."""
    try:
        data = part.get_payload(decode=True)
    except Exception:  # a broken uuencoding raises many things; the rest of the mail must be read
        return b""
    return data if isinstance(data, bytes) else b""


def source(part: Message) -> bytes:
    """A part as it was sent, with line ends as LF. By a list and not by calls, which the standard writer nests without limit."""
    written: list[bytes] = []
    waiting: list[Message | str] = [part]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            written.append(one.encode("utf-8", "surrogateescape"))
            continue
        waiting.extend(reversed([*(f"{name}: {value}\n" for name, value in one.raw_items()), "\n", *inside(one)]))
    return b"".join(written)


def inside(part: Message) -> list[Message | str]:
    """What follows the headers of a part, in order."""
    parts = children(part)
    if not parts:
        return [str(part.get_payload() or "")]
    boundary = part.get_boundary() if part.get_content_maintype() == "multipart" else None
    if boundary is None:
        return [*parts]
    between: list[Message | str] = [f"{part.preamble}\n"] if part.preamble is not None else []
    for one in parts:
        between += [f"--{boundary}\n", one, "\n"]
    return [*between, f"--{boundary}--\n", str(part.epilogue or "")]
