"""The text, the HTML and the files of a mail."""

from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from hashlib import sha256
from html import escape

from channels.base import File
from channels.email import calendars, sealed, winmail
from channels.email import html as pages
from channels.email.attachments import Attached, attached, file_name, file_of, references
from channels.email.charsets import Decoder
from channels.email.structure import PARTS, Leaf, Tree, content, enclosed, leaves, tree
from channels.email.wording import clean, visible_marks

TEXT = 1_000_000
INVITATIONS = 5
INSIDE = 3  # signed mail inside signed mail
TNEF = {"application/ms-tnef", "application/vnd.ms-tnef"}
OTHER_SCREENS = {"text/x-amp-html", "text/watch-html"}  # the same words once more, for other programs


@dataclass(slots=True)
class Piece:
    """A stretch of body text as sent. ``group``: the alternative it is part of, -1 for none. ``said``: its words, once asked for."""

    text: str
    group: int = -1
    is_html: bool = False
    fits: bool = True  # neither too big nor too deep to be parsed
    said: str | None = None


@dataclass(slots=True)
class Body:
    """``page``: the HTML as sent, where one piece of it is the whole mail. ``passed_on``: a mail attached without own words.

    ``charset``: the first alphabet declared. ``is_calendar_answer``: a calendar program says that somebody comes or not.
    """

    text: str = ""
    html: str | None = None
    files: tuple[File, ...] = ()
    sha256: bytes = b""
    cut: bool = False
    signals: tuple[str, ...] = ()
    page: str = ""
    passed_on: bool = False
    charset: str = ""
    is_calendar_answer: bool = False


@dataclass(slots=True)
class Found:
    pieces: list[Piece] = field(default_factory=list)
    files: list[Attached] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    packed_words: list[Piece] = field(default_factory=list)
    invitations: list[calendars.Invitation] = field(default_factory=list)
    signals: set[str] = field(default_factory=set)
    charset: str = ""

    def take_in(self, other: "Found", group: int) -> None:
        """All of a mail that was wrapped in this one."""
        for piece in other.pieces:
            piece.group += group if piece.group >= 0 else 0
        self.pieces += other.pieces
        self.files += other.files
        self.messages += other.messages
        self.packed_words += other.packed_words
        self.invitations += other.invitations
        self.signals |= other.signals
        self.charset = self.charset or other.charset


def body(whole: Tree) -> Body:
    """All inline text in order, in an alternative only the best of it; everything else is a file."""
    digest = sha256()
    found = collect(whole, digest.update)
    passed_on = not has_words(found.pieces) and bool(found.messages)
    stand_ins(whole, found)
    told = clean(text_of(found.pieces))
    referenced = references("".join(piece.text for piece in found.pieces if piece.is_html))
    return Body(
        text=visible_marks(told[:TEXT]),
        html=html_of(found.pieces),
        files=tuple(file_of(one, number, referenced) for number, one in enumerate(found.files, 1)),
        sha256=digest.digest(),
        cut=whole.cut or len(told) > TEXT or not all(piece.fits for piece in found.pieces),
        signals=tuple(sorted(found.signals)),
        page=page_of(found.pieces),
        passed_on=passed_on,
        charset=found.charset,
        is_calendar_answer=any(one.is_answer for one in found.invitations),
    )


def stand_ins(whole: Tree, found: Found) -> None:
    """Where nobody wrote a word: the words inside a winmail.dat, a forwarded mail, or what a calendar says."""
    if not has_words(found.pieces) and found.packed_words:
        found.pieces = found.packed_words
    if not has_words(found.pieces) and found.messages:
        inner = Tree(found.messages[0])
        inside = collect(inner, lambda _: None)
        found.pieces, found.charset = inside.pieces or inside.packed_words, found.charset or inside.charset
        whole.cut = whole.cut or inner.cut
    if not has_words(found.pieces):
        found.pieces += [Piece(one.line) for one in found.invitations[:1] if one.line]


def collect(whole: Tree, digest: Callable[[bytes], object], inside: int = 0) -> Found:
    found, decoder = Found(), Decoder()
    for leaf in leaves(whole):
        data = content(leaf.part)
        digest(len(data).to_bytes(8, "big") + data)
        if is_inline_text(leaf, whole):
            found.charset = found.charset or declared_charset(leaf.part)
            found.pieces.append(piece_of(leaf, data, decoder, found.signals))
        elif leaf.kind not in OTHER_SCREENS and (data or leaf.part.is_multipart() or file_name(leaf.part)):
            take_file(whole, found, leaf, data, inside)
    return found


def take_file(whole: Tree, found: Found, leaf: Leaf, data: bytes, inside: int) -> None:
    """Keep it, or open it where it only wraps a mail or files."""
    name = file_name(leaf.part)
    found.signals.update(filter(None, [sealed.signal(leaf.kind)]))
    if sealed.is_pkcs7(leaf.kind, name):
        signed, signal = sealed.opened(data, str(leaf.part.get("content-type", "")))
        found.signals.add(signal)
        if signed is not None and inside < INSIDE:
            wrapped = tree(signed)
            found.take_in(collect(wrapped, lambda _: None, inside + 1), (PARTS + 1) * (len(found.pieces) + 1))
            whole.cut = whole.cut or wrapped.cut
            return
    elif (leaf.kind in TNEF or name.lower() == "winmail.dat") and (packed := winmail.opened(data)) is not None:
        unpack(found, packed)
        return
    found.files.append(attached(leaf, name))
    if leaf.kind == "text/calendar" and len(found.invitations) < INVITATIONS:
        found.invitations.append(calendars.invitation(data, str(leaf.part.get("content-type", ""))))
        found.files[-1].title = f"{found.invitations[-1].summary or 'invitation'}.ics"
    elif (inner := enclosed(leaf)) is not None:
        found.messages.append(inner)


def unpack(found: Found, packed: winmail.Winmail) -> None:
    found.files += [Attached(one.body, one.declared.lower(), one.name, one.content_id) for one in packed.files]
    if packed.html and not pages.is_too_deep(packed.html[: pages.SIZE]):
        found.packed_words.append(Piece(packed.html[: pages.SIZE], is_html=True))
    elif packed.text or packed.html:
        found.packed_words.append(Piece(packed.text or pages.stripped(packed.html)))


def is_inline_text(leaf: Leaf, whole: Tree) -> bool:
    """A text with a file name is a file, also where it is to be shown inline (Apple Mail), unless it is all of the mail."""
    if leaf.kind not in ("text/plain", "text/html") or (leaf.part is not whole.root and file_name(leaf.part)):
        return False
    return not str(leaf.part.get("content-disposition", "")).strip().lower().startswith("attachment")


def piece_of(leaf: Leaf, data: bytes, decoder: Decoder, signals: set[str]) -> Piece:
    text = decoder.decode(data, declared_charset(leaf.part))
    is_html = leaf.kind == "text/html"
    if not is_html:
        text, signal = sealed.unarmoured(text)
        signals.update(filter(None, [signal]))
    fits = not is_html or (len(text) <= pages.SIZE and not pages.is_too_deep(text))
    return Piece(text, leaf.group, is_html, fits)


def declared_charset(part: Message) -> str:
    try:
        return str(part.get_content_charset("") or "")
    except Exception:  # odd parameters raise many things; the text can be read without the name
        return ""


def has_words(pieces: list[Piece]) -> bool:
    """Pictures alone are words too: somebody may have sent a photograph of a letter inside the text."""
    return any(piece.text.strip() and (not piece.is_html or shows_something(piece)) for piece in pieces)


def shows_something(piece: Piece) -> bool:
    return bool(words(piece)) or "<img" in piece.text.lower()


def text_of(pieces: list[Piece]) -> str:
    """Plain text, and the words of HTML where no plain text stands for it."""
    told = {piece.group for piece in pieces if piece.group >= 0 and not piece.is_html and piece.text.strip()}
    shown = [words(piece) for piece in pieces if not (piece.is_html and piece.group in told)]
    return "\n\n".join(text for text in shown if text.strip())


def words(piece: Piece) -> str:
    if not piece.is_html:
        return piece.text.strip("\r\n")
    if piece.said is None:  # a large page takes a second, and several places ask
        piece.said = pages.as_text(piece.text) if piece.fits else pages.stripped(piece.text)
    return piece.said


def shown_pieces(pieces: list[Piece]) -> list[Piece]:
    """What a program that can show HTML would show."""
    told = {piece.group for piece in pieces if piece.group >= 0 and piece.is_html}
    return [piece for piece in pieces if piece.is_html or piece.group not in told]


def html_of(pieces: list[Piece]) -> str | None:
    """The whole as harmless HTML, None where no part was HTML or one of them cannot be parsed."""
    if not any(piece.is_html for piece in pieces) or not all(piece.fits for piece in pieces):
        return None
    shown = [one.text if one.is_html else f"<pre>{escape(one.text)}</pre>" for one in shown_pieces(pieces)]
    # Each for itself, so that a part left open does not swallow the next.
    return visible_marks(clean("<hr>".join(pages.sanitised(one) for one in shown)))


def page_of(pieces: list[Piece]) -> str:
    shown = [piece for piece in shown_pieces(pieces) if piece.text.strip()]
    return shown[0].text if len(shown) == 1 and shown[0].is_html and shown[0].fits else ""
