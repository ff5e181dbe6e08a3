"""What a person newly wrote in a mail, without the mail they answer and without their signature.

Each line becomes one letter, and the decision is taken on the letters, so the work grows with the text and no faster.
In doubt nothing is cut: a word of a citizen must never be lost to a pattern.
"""

from channels.email.trimming.markup import trimmed_html
from channels.email.trimming.plain import Trimmed, trimmed

__all__ = ["Trimmed", "newly_written", "trimmed", "trimmed_html"]


def newly_written(text: str) -> str | None:
    """The text without the quoted mail and the signature after it, or None where all of it is to be shown."""
    return trimmed(text).visible
