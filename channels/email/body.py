"""The text, the HTML and the files of a mail."""

from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from hashlib import sha256
from html import escape

from channels.base import File
from channels.email import html as pages
from channels.email.attachments import file_name, file_of, references
from channels.email.structure import Leaf, Tree, content, enclosed, leaves
from channels.email.wording import Decoder, clean

TEXT = 1_000_000


@dataclass(slots=True)
class Piece:
    """A stretch of body text as sent. ``group``: the alternative it is part of, -1 for none."""

    text: str
    group: int
    is_html: bool
    fits: bool = True  # neither too big nor too deep to be parsed


@dataclass(slots=True)
class Body:
    text: str = ""
    html: str | None = None
    files: tuple[File, ...] = ()
    sha256: bytes = b""
    cut: bool = False
    signals: tuple[str, ...] = ()


@dataclass(slots=True)
class Found:
    pieces: list[Piece] = field(default_factory=list)
    files: list[Leaf] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)


def body(whole: Tree) -> Body:
    """All inline text in order, in an alternative only the best of it; everything else is a file."""
    digest = sha256()
    found = collect(whole, digest.update)
    if not has_words(found.pieces) and found.messages:  # forwarded as an attachment, without a word of their own
        inner = Tree(found.messages[0])
        found.pieces = collect(inner, lambda _: None).pieces
        whole.cut = whole.cut or inner.cut
    text = clean(text_of(found.pieces))
    referenced = references("".join(piece.text for piece in found.pieces if piece.is_html))
    return Body(
        text=text[:TEXT],
        html=html_of(found.pieces),
        files=tuple(file_of(leaf, number, referenced) for number, leaf in enumerate(found.files, 1)),
        sha256=digest.digest(),
        cut=whole.cut or len(text) > TEXT or not all(piece.fits for piece in found.pieces),
        signals=tuple(sorted({signal for leaf in found.files if (signal := sealed(leaf))})),
    )


def collect(whole: Tree, digest: Callable[[bytes], object]) -> Found:
    found, decoder = Found(), Decoder()
    for leaf in leaves(whole):
        data = content(leaf.part)
        digest(len(data).to_bytes(8, "big") + data)
        if is_inline_text(leaf):
            found.pieces.append(piece_of(leaf, data, decoder))
        elif data or leaf.part.is_multipart() or file_name(leaf.part):
            found.files.append(leaf)
            if (inner := enclosed(leaf)) is not None:
                found.messages.append(inner)
    return found


def is_inline_text(leaf: Leaf) -> bool:
    """A text with a file name is a file, also where it is to be shown inline (Apple Mail)."""
    if leaf.kind not in ("text/plain", "text/html") or file_name(leaf.part):
        return False
    return not str(leaf.part.get("content-disposition", "")).strip().lower().startswith("attachment")


def piece_of(leaf: Leaf, data: bytes, decoder: Decoder) -> Piece:
    text = decoder.decode(data, declared_charset(leaf.part))
    is_html = leaf.kind == "text/html"
    fits = not is_html or (len(text) <= pages.SIZE and not pages.is_too_deep(text))
    return Piece(text, leaf.group, is_html, fits)


def declared_charset(part: Message) -> str:
    try:
        return str(part.get_content_charset("") or "")
    except Exception:  # odd parameters raise many things; the text can be read without the name
        return ""


def has_words(pieces: list[Piece]) -> bool:
    return any(piece.text.strip() for piece in pieces)


def text_of(pieces: list[Piece]) -> str:
    """Plain text, and the words of HTML where no plain text stands for it."""
    told = {piece.group for piece in pieces if piece.group >= 0 and not piece.is_html and piece.text.strip()}
    shown = [words(piece) for piece in pieces if not (piece.is_html and piece.group in told)]
    return "\n\n".join(text for text in shown if text.strip())


def words(piece: Piece) -> str:
    if not piece.is_html:
        return piece.text.strip("\r\n")
    return pages.as_text(piece.text) if piece.fits else pages.stripped(piece.text)


def html_of(pieces: list[Piece]) -> str | None:
    """The whole as harmless HTML, None where no part was HTML or one of them cannot be parsed."""
    told = {piece.group for piece in pieces if piece.group >= 0 and piece.is_html}
    if not any(piece.is_html for piece in pieces) or not all(piece.fits for piece in pieces):
        return None
    shown = [
        piece.text if piece.is_html else f"<pre>{escape(piece.text)}</pre>"
        for piece in pieces
        if piece.is_html or piece.group not in told
    ]
    return clean("<hr>".join(pages.sanitised(one) for one in shown))


def sealed(leaf: Leaf) -> str:
    """What the agent must be told of a part nobody here can open, or that was not checked."""
    if leaf.kind in ("application/pkcs7-mime", "application/x-pkcs7-mime"):
        return "signed_not_verified" if "signed" in str(leaf.part.get("content-type", "")).lower() else "encrypted"
    return {
        "application/pgp-encrypted": "encrypted",
        "application/pgp-signature": "signed_not_verified",
        "application/pkcs7-signature": "signed_not_verified",
        "application/x-pkcs7-signature": "signed_not_verified",
        "message/partial": "incomplete",
        "message/external-body": "content_elsewhere",
    }.get(leaf.kind, "")
