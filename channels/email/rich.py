"""Rich text of Outlook: packed (MS-OXRTFCP), and as plain words."""

import re

from channels.email.charsets import Decoder

PREFILL = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor "
    b"MS Sans SerifSymbolArial"
    b"Times New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
SIZE = 1_000_000
WINDOW = 4096
TOKEN = re.compile(rb"\\(?:([a-z]{1,32})(-?\d{1,10})? ?|'([0-9a-f]{2})|([^a-z]))|([{}])|([^\\{}\r\n]+)|[\r\n]+", re.I)
BREAKS = {b"par", b"line", b"sect", b"page", b"row"}
SIGNS = {
    b"tab": "\t", b"emdash": "\u2014", b"endash": "\u2013", b"bullet": "\u2022", b"lquote": "\u2018", b"rquote": "\u2019",
    b"ldblquote": "\u201c", b"rdblquote": "\u201d", b"cell": "\t",
}  # fmt: skip
SILENT = {
    b"fonttbl",
    b"colortbl",
    b"stylesheet",
    b"info",
    b"pict",
    b"object",
    b"header",
    b"footer",
    b"themedata",
    b"listtable",
}


def unpacked(data: bytes) -> bytes:
    """The rich text itself, at most 1 MB, as far as the packing can be followed."""
    if len(data) < 16:
        return b""
    size = min(int.from_bytes(data[4:8], "little"), SIZE)
    if data[8:12] == b"MELA":  # stored as it is
        return data[16 : 16 + size]
    made, at = bytearray(PREFILL), 16
    whole = len(PREFILL) + size
    while at < len(data) and len(made) < whole:
        flags, at = data[at], at + 1
        for bit in range(8):
            if not flags >> bit & 1:
                made += data[at : at + 1]
                at += 1
                continue
            place = int.from_bytes(data[at : at + 2], "big")
            at += 2
            if at > len(data) or not copy(made, place >> 4, (place & 15) + 2):
                return bytes(made[len(PREFILL) : whole])
    return bytes(made[len(PREFILL) : whole])


def copy(made: bytearray, place: int, length: int) -> bool:
    """Repeat what stands at ``place`` of the last 4,096 bytes; False at the mark of the end."""
    back = (len(made) - place) % WINDOW
    if back == 0:
        return False
    start = len(made) - back
    for step in range(length):
        made.append(made[start + step] if start + step >= 0 else 0x20)
    return True


def plain_of(rtf: bytes) -> str:
    """The words, a line for each paragraph. Groups that describe, and the HTML some programs hide in it, are passed over."""
    found = re.search(rb"\\ansicpg(\d{3,5})", rtf[:1000])
    return Words(f"cp{found[1].decode()}" if found else "cp1252").of(rtf[:SIZE])


class Words:
    """One pass over the tokens; ``silent`` counts the groups that are not shown, from the outermost inwards."""

    def __init__(self, codepage: str) -> None:
        self.codepage, self.shown, self.letters = codepage, list[str](), bytearray()
        self.depth = self.silent_from = self.skip = 0
        self.is_copy = False  # between \htmlrtf and \htmlrtf0 stands what is there for programs without HTML

    def of(self, rtf: bytes) -> str:
        if not rtf.startswith(b"{\\rtf"):
            return ""
        for token in TOKEN.finditer(rtf):
            word, number, code, sign, brace, text = (part or b"" for part in token.groups())
            if brace:
                self.turn(brace)
            elif sign == b"*" or word.lower() in SILENT:
                self.silent_from = self.silent_from or self.depth
            elif not self.silent_from:
                self.take(word.lower(), number, code, sign, text)
        self.flush()
        return re.sub(r"\n{3,}", "\n\n", "".join(self.shown).replace("\x00", "")).strip()

    def turn(self, brace: bytes) -> None:
        self.depth += 1 if brace == b"{" else -1
        if self.depth < self.silent_from:
            self.silent_from = 0

    def take(self, word: bytes, number: bytes, code: bytes, sign: bytes, text: bytes) -> None:
        if word == b"htmlrtf":
            self.is_copy = number != b"0"
        elif self.is_copy:
            return
        elif word == b"u" and number:
            self.flush()
            self.shown.append(chr(int(number) % 65536) if not 0xD800 <= int(number) % 65536 < 0xE000 else "")
            self.skip = 1
        elif word in BREAKS or word in SIGNS:
            self.flush()
            self.shown.append(SIGNS.get(word, "\n"))
        elif code or sign in (b"\\", b"{", b"}") or text:
            self.letter(bytes.fromhex(code.decode()) if code else text or sign)
        elif sign == b"~":
            self.letter(b" ")

    def letter(self, data: bytes) -> None:
        """Behind a letter by number stands one for programs that do not know numbers."""
        self.letters += data[self.skip :]
        self.skip = 0

    def flush(self) -> None:
        if self.letters:
            self.shown.append(Decoder(0).decode(bytes(self.letters), self.codepage))
            self.letters.clear()
