"""What one simulated citizen wrote and what came back."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from contactcenter.sandbox.matters import Matter

REFERENCE = re.compile(r"\b[A-Z]{2,4}-[A-Z0-9]{4}-[A-Z0-9]{4}\b")


@dataclass(slots=True, eq=False)
class Story:
    """``address``: the citizen's phone or mailbox, empty for visitors. ``answers``: messages after the first sign."""

    door: str
    matter: Matter
    address: str = ""
    sid: str = ""
    accepted: bool = False
    acknowledged: bool = False
    answers: int = 0
    sign: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def lost(self) -> bool:
        return self.accepted and not self.sign.is_set()

    def saw(self, messages: Sequence[str]) -> None:
        """All that came back so far. What names a reference acknowledges; everything else is an answer."""
        naming = sum(1 for text in messages if REFERENCE.search(text))
        self.acknowledged = self.acknowledged or naming > 0
        self.answers = max(self.answers, len(messages) - min(naming, 1))
        if messages:
            self.sign.set()

    def saw_phone(self, texts: Sequence[Mapping[str, Any]]) -> None:
        for at, text in enumerate(texts):
            if text["sid"] == self.sid:
                self.accepted = self.accepted or text["accepted"]
                self.saw([one["body"] for one in texts[at + 1 :] if not one["mine"] and one["on_phone"]])

    def saw_mailbox(self, letters: Sequence[Mapping[str, Any]]) -> None:
        self.accepted = self.accepted or any(one["status"] == "sent" for one in letters)
        self.saw([f"{one['subject']}\n{one['text']}" for one in letters if one["direction"] == "in"])

    def heard(self, message: Mapping[str, Any]) -> None:
        """A line that the desk said to a visitor."""
        if message.get("from") == "adviser":
            self.answers += 1
            self.sign.set()
        elif message.get("from") == "system":
            self.acknowledged = True
            self.sign.set()
