"""The fields of a posted form as bytes: a mail in it must reach us unchanged."""

from email.message import Message
from typing import Any
from urllib.parse import parse_qsl

from python_multipart.multipart import MultipartParser

MOST = 1000


def fields(content_type: str, body: bytes) -> dict[str, bytes]:
    """Name to value; of repeated names the first. Raises ValueError on what is no form, or one with too many fields."""
    head = Message()
    head["content-type"] = content_type[:1000]
    if head.get_content_type() == "application/x-www-form-urlencoded":
        text = body.decode("latin-1")  # each byte a sign and back again
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST, encoding="latin-1")
        return {name: value.encode("latin-1") for name, value in reversed(pairs)}
    border = head.get_param("boundary")
    if head.get_content_type() != "multipart/form-data" or not isinstance(border, str) or not border.isascii():
        raise ValueError("not a form")
    return parts(border.encode(), body)


def parts(border: bytes, body: bytes) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    name, value, head = b"", b"", b""
    header: list[bytes] = [b"", b""]

    def begin() -> None:
        nonlocal name, value, head
        if len(found) >= MOST:
            raise ValueError("too many fields")
        name, value, head = b"", b"", b""

    def label(data: bytes, start: int, end: int) -> None:
        header[0] += data[start:end]

    def content(data: bytes, start: int, end: int) -> None:
        header[1] += data[start:end]

    def header_ends() -> None:
        nonlocal head
        if header[0].lower() == b"content-disposition":
            head = header[1]
        header[:] = [b"", b""]

    pieces: list[bytes] = []

    def data_comes(data: bytes, start: int, end: int) -> None:
        pieces.append(data[start:end])

    def ends() -> None:
        found.setdefault(name_of(head), b"".join(pieces))
        pieces.clear()

    callbacks: Any = {
        "on_part_begin": begin, "on_header_field": label, "on_header_value": content, "on_header_end": header_ends,
        "on_part_data": data_comes, "on_part_end": ends,
    }  # fmt: skip
    parser = MultipartParser(border, callbacks)
    parser.write(body)
    parser.finalize()
    return found


def name_of(disposition: bytes) -> str:
    head = Message()
    head["content-disposition"] = disposition[:1000].decode("utf-8", "replace")
    name = head.get_param("name", "", "content-disposition")
    return name if isinstance(name, str) else ""
