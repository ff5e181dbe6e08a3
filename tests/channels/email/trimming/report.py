"""Run by hand: ``python -m tests.channels.email.trimming.report`` tells how many mails are trimmed exactly, and how fast."""

from collections import Counter
from collections.abc import Iterable

from channels.email import html as pages
from channels.email.trimming import Trimmed, trimmed, trimmed_html
from tests.channels.email.trimming.made import Made, made


def collapsed(text: str) -> str:
    return " ".join(text.split())


def shown(mail: Made, found: Trimmed) -> bool:
    """Whether just the words of the person are visible."""
    if mail.visible is None or found.visible is None:
        return mail.visible is found.visible
    return collapsed(found.visible) == collapsed(mail.visible)


def read(mail: Made) -> Trimmed:
    return trimmed_html(mail.text) if mail.is_html else trimmed(mail.text)


def lost(mail: Made, found: Trimmed) -> int:
    """How many words that should be visible are not."""
    if found.visible is None:
        return 0
    wanted = Counter((mail.visible if mail.visible is not None else whole(mail)).split())
    return (wanted - Counter(found.visible.split())).total()


def whole(mail: Made) -> str:
    return pages.as_text(mail.text) if mail.is_html else mail.text


def report(mails: Iterable[Made]) -> None:
    right: dict[str, Counter[bool]] = {}
    words = lost_words = 0
    for mail in mails:
        found = read(mail)
        exact = shown(mail, found)
        kind = "html" if mail.is_html else "text"
        for group in (kind, mail.language, f"{kind} {mail.client}"):
            right.setdefault(group, Counter())[exact] += 1
        words += len((mail.visible or whole(mail)).split())
        lost_words += lost(mail, found)
        if not exact:
            print("wrong:", mail.language, mail.client, repr(found.visible)[-90:], found.confidence)
    for group, counted in right.items():
        print(f"{group:40} {counted[True]:4} of {counted.total():4}")
    print(f"words lost: {lost_words} of {words}")


if __name__ == "__main__":
    report(made())
