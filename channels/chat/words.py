"""The text of a chat message: what is taken out and how it is counted."""

MAX_BYTES = 8192

_CONTROLS = {*range(0x20), *range(0x7F, 0xA0)} - {ord("\t"), ord("\n")}
_DROPPED = dict.fromkeys([*_CONTROLS, *range(0xD800, 0xE000)])


def clean(text: str) -> str:
    """Take out control characters except tab and line feed, and lone surrogates; every line ends with a line feed."""
    return text.replace("\r\n", "\n").replace("\r", "\n").translate(_DROPPED)


def size(text: str) -> int:
    """Bytes of UTF-8. A lone surrogate, which has no UTF-8 form, counts the three bytes it would take."""
    return len(text.encode("utf-8", "surrogatepass"))
