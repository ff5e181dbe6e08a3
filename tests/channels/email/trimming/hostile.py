"""Texts meant to keep a reader of mail busy. Run by hand: ``python -m tests.channels.email.trimming.hostile`` times 256 KiB of each."""

import time

from channels.email.trimming import trimmed, trimmed_html

SIZE = 256 * 1024
TEXTS = {
    "one line of quote marks": ">",
    "quoted lines": "> x\n",
    "empty lines": "\n",
    "spaces": " ",
    "attributions without end": "On 1 May 2026 at 10:11 Ann\n",
    "ends without start": "wrote:\n",
    "attributions": "On 1 May 2026 10:11 a@b.example wrote:\n",
    "attributions apart": "On 1 May 2026 10:11 a@b.example wrote:\n\n",
    "short attributions": "On 1 wrote:\n",
    "labelled lines": "From: a\nSent: b\nTo: c\n",
    "labelled lines with gaps": "From: a\nTo: c\nSent: b\nCc: x\n\n",
    "rules": "_____\n",
    "rules with labels": "_____\nx: a@b\n",
    "one long line": "On 1 ",
    "addresses": "a@",
    "one letter a line": "a\n",
    "device lines": "sent from my x\n",
    "signature dashes": "--\nx\n",
    "quotes and answers": "> q\nt\n",
    "answers below": "answer comment \n",
    "one word without end": "answer",
    "wide signs": "\ufdfa" * 200 + "\n",
    "combining signs": "a" + "\u0301\u0323" * 140 + "\n",
    "notices": "confidential e-mail \n",
    "web addresses": "www.x\n",
    "hard spaces": "\u00a0",
}
MARKUP = {
    "blocks": "<div>a</div>",
    "quotes": "<blockquote type=cite>a</blockquote>",
    "rules": "<hr>",
    "rules of Outlook": "<hr id=divRplyFwdMsg>",
    "signatures": "<div class=gmail_signature>a</div>",
    "paragraphs": "<p>a",
    "borders": "<div style='border-top:1'>a</div>",
    "attributions": "<div class=gmail_attr>On 1 May 2026 10:11 a@b wrote:</div>",
    "tags without end": "<",
    "marks": "&#xfdd0;<br>",
    "open blocks": "<div>",
    "cells": "<table><tr><td>a",
    "attributes": "<a b=c ",
}


def filled(piece: str, size: int) -> str:
    """The piece again and again, below words of a person, so that there is something to decide."""
    return "My words\n\n" + piece * (size // len(piece))


def seconds(text: str, is_html: bool) -> float:
    start = time.process_time()
    trimmed_html(text) if is_html else trimmed(text)
    return time.process_time() - start


def report() -> None:
    for families, is_html in ((TEXTS, False), (MARKUP, True)):
        for name, piece in families.items():
            slowest = max(seconds(filled(piece, SIZE) + end, is_html) for end in ("", "\n> q\n", "\nand words"))
            print(f"{'html' if is_html else 'text'} {name:30} {slowest:6.3f} s")


if __name__ == "__main__":
    report()
