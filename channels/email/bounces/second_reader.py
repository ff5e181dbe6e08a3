"""Another hand's reader of reports in free words (flufl.bounce), which knows servers that ours does not."""

import logging
from contextlib import suppress
from email.message import Message

from channels.email.bounces.letter import Letter

LINE = 1000
TEXT = 64 * 1024
# It writes what it could not read into the log, with the addresses of citizens.
logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL + 1)


def failed(root: Message, letter: Letter) -> list[str]:
    """The recipients it finds, in no order of the report; nothing where it fails (an empty From is an IndexError)."""
    from flufl.bounce import all_failures  # here, because most mails never need it

    with suppress(Exception):  # any error of the library only means: read on by ourselves
        later, never = all_failures(root if letter.small else shortened(letter))
        return sorted({str(one, "utf-8", "replace") if isinstance(one, bytes) else str(one) for one in never | later})
    return []


def shortened(letter: Letter) -> Message:
    """The words alone, within bounds: its patterns may take long over long lines."""
    short = Message()
    for name in ("from", "to", "subject"):
        short[name] = letter.head.text(name)[:LINE]
    short.set_payload("\n".join(line[:LINE] for line in letter.text[:TEXT].split("\n")))
    return short
