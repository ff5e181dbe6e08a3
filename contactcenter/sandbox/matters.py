"""What citizens of Riverton write about: short as a text or a visitor's first line, longer as a mail."""

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Matter:
    language: str
    subject: str
    short: str
    long: str


MATTERS = tuple(Matter(**one) for one in json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8")))
