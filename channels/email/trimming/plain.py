"""The rows of a mail, their letters, and what is left to be shown."""

from dataclasses import dataclass

from channels.email.trimming.decision import DOUBT, Cut, cut
from channels.email.trimming.letters import letters_of
from channels.email.trimming.signature import end_of_words, last_words
from channels.email.trimming.words import BELOW

SIGNED = 0.9
READ = 500  # rows, and characters of each; who answers further below says so early


@dataclass(frozen=True, slots=True)
class Trimmed:
    """``visible``: what the person newly wrote, None where all is to be shown; ``confidence`` in that, 0 to 1.

    ``signature``: what was taken off below their words, empty where none was recognised.
    """

    visible: str | None = None
    confidence: float = 1.0
    signature: str = ""


def trimmed(text: str) -> Trimmed:
    """Trim a plain text. Raises nothing on any text; ``visible`` is its beginning."""
    return of_rows(text.split("\n"))


def of_rows(rows: list[str], known: str = "") -> Trimmed:
    """``known``: a letter for each row that is known beforehand, a space where it is not."""
    letters, lines = letters_of(rows, known)

    def has_space(at: int) -> bool:
        return rows[at].rstrip("\r").endswith(" ")

    whole = last_words(letters, len(rows))
    bottom = end_of_words(lines, letters, whole, has_space)  # many programs put the signature below the old mail
    found = doubted(cut(letters[:bottom]), lines)
    if found.end is None:
        return Trimmed(None, found.certainty)
    end = end_of_words(lines, letters, found.end, has_space)
    visible = "\n".join(rows[:end]).rstrip()
    if not visible.strip():
        return Trimmed(None, DOUBT)
    signature = joined(rows[end : found.end]) or joined(rows[bottom:])
    if end == len(letters.rstrip("E")):
        return Trimmed(None, found.certainty)
    return Trimmed(visible, min(found.certainty, SIGNED) if signature else found.certainty, signature)


def doubted(found: Cut, lines: list[str]) -> Cut:
    """ "See my answers below": then they stand where nobody can tell them from the old mail."""
    if found.end is None or found.certainty == 1.0:  # nothing to answer in
        return found
    return Cut(None, DOUBT) if any(BELOW.search(line[:READ].lower()) for line in lines[: found.end][:READ]) else found


def joined(rows: list[str]) -> str:
    return "\n".join(rows).strip()
