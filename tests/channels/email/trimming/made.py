"""Mails made from templates: each client's way of answering, in each language, with the words that must stay."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from textwrap import wrap
from typing import Any

HERE = Path(__file__).parent
LANGUAGES: dict[str, Any] = tomllib.loads((HERE / "languages.toml").read_text("utf-8"))
CLIENTS: dict[str, Any] = tomllib.loads((HERE / "clients.toml").read_text("utf-8"))


@dataclass(frozen=True, slots=True)
class Made:
    """``visible`` None: everything has to be shown."""

    language: str
    client: str
    text: str
    visible: str | None
    is_html: bool = False


def made() -> Iterator[Made]:
    for language, words in LANGUAGES.items():
        for client, (text, visible) in plain_mails(words).items():
            yield Made(language, client, text, visible)
        for client, (text, visible) in html_mails(words).items():
            yield Made(language, client, text, visible, is_html=True)


def quoted(text: str, mark: str = "> ") -> str:
    return "\n".join(f"{mark}{line}".rstrip() for line in text.split("\n"))


def header(words: Any, bold: str = "", tab: str = " ") -> str:
    sender, sent, to, subject = (f"{bold}{label}:{bold}{tab}" for label in words["head"])
    return f"{sender}Riverton <help@riverton.example>\n{sent}{words['date']}\n{to}Ann Lake\n{subject}RE: Mill Lane 7"


def plain_mails(words: Any) -> dict[str, tuple[str, str | None]]:
    own, letter = words["own"], words["letter"]
    gmail, apple, bird = words["gmail"], words["apple"], words["bird"]
    first, *rest = own.split("\n")
    return {
        "gmail": (f"{own}\n\n{gmail}\n\n{quoted(letter)}\n", own),
        "gmail, wrapped": (
            f"{own}\n\n" + "\n".join(wrap(gmail, 50, break_on_hyphens=False)) + f"\n\n{quoted(letter)}\n",
            own,
        ),
        "gmail, without marks": (f"{own}\n\n{gmail}\n\n{letter}\n", own),
        "gmail, no empty line": (f"{own}\n{gmail}\n{quoted(letter)}", own),
        "apple mail": (f"{own}\n\n{quoted(apple + chr(10) + chr(10) + letter)}\n", own),
        "iphone": (f"{own}\n\n{words['phone']}\n\n{quoted(apple)}\n>\n{quoted(letter)}\n", own),
        "iphone, unquoted line": (f"{own}\n\n{words['phone']}\n\n{apple}\n\n{quoted(letter)}\n", own),
        "thunderbird": (f"{own}\n\n{bird}\n{quoted(letter)}\n", own),
        "thunderbird, signature below": (f"{own}\n\n{bird}\n{quoted(letter)}\n\n-- \nAnn Lake\nMill Lane 7\n", own),
        "outlook": (f"{own}\n\n{header(words)}\n\n{letter}\n", own),
        "outlook, tabs": (f"{own}\n\n{header(words, tab=chr(9))}\n\n{letter}\n", own),
        "outlook, bold": (f"{own}\n\n\n{header(words, bold='*')}\n\n{letter}\n", own),
        "outlook, delimiter": (f"{own}\n\n-----{words['original']}-----\n{header(words)}\n\n{letter}\n", own),
        "outlook mobile": (f"{own}\n\n{words['outlook']}\n{'_' * 32}\n{header(words)}\n\n{letter}\n", own),
        "samsung": (f"{own}\n\n-------- {words['original']} --------\n{header(words)}\n\n{letter}\n", own),
        "signature, new mail": (f"{own}\n\n-- \nAnn Lake\n+1 555 0100\n", own),
        "phone, new mail": (f"{own}\n\n{words['phone']}\n", own),
        "only words": (own, None),
        "below": (f"{bird}\n{quoted(letter)}\n\n{own}\n", None),
        "between": (f"{first}\n\n{gmail}\n\n{quoted(letter)}\n\n" + "\n".join(rest) + "\n", None),
        "forward": (f"{own}\n\n---------- {words['forwarded']} ---------\n{header(words)}\n\n{letter}\n", None),
    }


def paragraphs(text: str, tag: str = "div") -> str:
    return "".join(f"<{tag}>{escape(line) or '<br>'}</{tag}>" for line in text.split("\n"))


def html_header(words: Any) -> str:
    rows = (line.partition(":") for line in header(words).split("\n"))
    return "<br>".join(f"<b>{escape(label)}:</b>{escape(value)}" for label, _, value in rows)


def html_mails(words: Any) -> dict[str, tuple[str, str | None]]:
    pieces = {name: escape(words[name]) for name in ("gmail", "apple", "bird", "phone", "outlook", "forwarded")}
    pieces |= {
        "own": paragraphs(words["own"]),
        "own_p": paragraphs(words["own"], "p"),
        "letter": paragraphs(words["letter"]),
    }
    pieces["head"] = html_header(words)
    return {
        name: (client["html"].format(**pieces), None if client.get("all") else words["own"])
        for name, client in CLIENTS.items()
    }


def hard() -> Iterator[Made]:
    cases = tomllib.loads((HERE / "hard.toml").read_text("utf-8"))
    for kind, listed in cases.items():
        for case in listed:
            yield Made("hard", case["name"], case["text"], case.get("visible"), is_html=kind == "html")
