"""What people read: every sentence in every language, and a word for everything the screens may show."""

import json
import re
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from channels.base import Automation, ErrorClass, Inbound
from contactcenter.desk.consents import WhyNot

STATIC = Path(__file__).parents[2] / "agent_ui" / "static"
ENGLISH = json.loads((STATIC / "i18n" / "en.json").read_text())
SPANISH = json.loads((STATIC / "i18n" / "es.json").read_text())
SOURCES = {path: path.read_text() for path in STATIC.rglob("*.js")}
HOLE = re.compile(r"\{(\w+)\}")
# The same word in both languages.
SHARED = {"language.en", "language.es", "sign_in.error_title", "channel.whatsapp", "inboxes.test_bad"}

FIXED = {
    "channel": ["sms", "email", "chat", "whatsapp"],
    "delivery": [
        "held",
        "sending",
        "accepted",
        "sent",
        "delivered",
        "read",
        "unknown",
        "undelivered",
        "failed",
        "canceled",
        "queued",
    ],
    "line": [
        "received_ack",
        "assigned",
        "transferred",
        "closed",
        "reopened",
        "opted_out",
        "opted_in",
        "held_stranger",
        "unreadable",
        "delivery_failed",
        "requeued",
        "consent_doubted",
        "consent_decided",
        "allowed_elsewhere",
        "which_matter",
        "which_matter_unanswered",
        "which_matter_late",
        "asked_for_person",
        "command",
        "language_changed",
        "moved_in",
        "moved_out",
        "move_undone",
        "survey_asked",
        "survey_score",
        "survey_comment",
        "complained",
        "loop_broken",
        "file_infected",
    ],
    "closure": ["answered", "done", "no_action_needed", "wrong_agency", "duplicate", "no_reply", "spam"],
    "closure_sentence": ["answered", "done", "no_action_needed", "wrong_agency", "duplicate", "no_reply", "spam"],
    "refusal": ["busy", "wrong_skill", "conflict", "other"],
    "away": ["break", "lunch", "meeting", "training", "other"],
    "state": ["ready", "working", "full", "wrap_up", "away", "finishing", "not_responding", "offline", "lost"],
    "intent": ["available", "away", "offline"],
    "conflict": ["colleague_replied", "closed", "transferred", "citizen_wrote"],
    "consent": ["given", "revoked", "implied", "doubted"],
    "advice": [kind.value for kind in ErrorClass],
    "refused": [kind.value for kind in ErrorClass],
    "auth": list(get_args(get_type_hints(Inbound)["auth"])),
    "automation": [kind for kind in get_args(Automation) if kind not in ("none", "unknown")],
    "way": [*get_args(WhyNot), "doubted"],
    "why_not": [*get_args(WhyNot), "channel_off", "read_only"],
    "maybe": ["subject_tag", "like_subject", "several_open", "answered_late"],
    "signal": [
        "encrypted",
        "signed_not_verified",
        "incomplete",
        "content_elsewhere",
        "not_opened",
        "body_not_read",
        "calendar_reply",
    ],
    "view": ["mine", "team", "unassigned", "closed"],
    "list.empty": ["mine", "team", "unassigned", "closed"],
    "status": ["queued", "held", "offered", "assigned", "waiting_citizen", "parked", "closed", "cancelled"],
    "problem": [
        "not-signed-in",
        "wrong-credentials",
        "too-many-attempts",
        "changed-meanwhile",
        "cannot-reach",
        "too-long",
        "not-waiting",
        "no-room",
        "no-longer-yours",
        "already-on-its-way",
        "not-held",
        "not-moved",
        "another-person",
        "nothing-to-move",
        "revoked",
        "file-not-open",
    ],
}


def texts(entry: str | dict[str, str]) -> list[str]:
    return list(entry.values()) if isinstance(entry, dict) else [entry]


def test_every_sentence_exists_in_both_languages() -> None:
    assert ENGLISH.keys() == SPANISH.keys()


@pytest.mark.parametrize("key", sorted(ENGLISH))
def test_a_sentence_has_the_same_holes_and_plurals_in_both_languages(key: str) -> None:
    holes = [{hole for text in texts(words[key]) for hole in HOLE.findall(text)} for words in (ENGLISH, SPANISH)]
    assert holes[0] == holes[1]
    for words in (ENGLISH, SPANISH):
        if isinstance(words[key], dict):
            assert {"one", "other"} <= words[key].keys()


def test_spanish_is_written_and_not_copied() -> None:
    same = {key for key in ENGLISH if ENGLISH[key] == SPANISH[key] and re.search(r"[a-z]{4}", str(ENGLISH[key]))}
    assert same <= SHARED


@pytest.mark.parametrize("family", sorted(FIXED))
def test_whatever_the_server_may_send_has_a_word(family: str) -> None:
    assert [name for name in FIXED[family] if f"{family}.{name}" not in ENGLISH] == []


def test_every_key_that_the_screens_ask_for_exists() -> None:
    asked = {key for source in SOURCES.values() for key in re.findall(r'\bt\("([\w.-]+)"', source)}
    assert len(asked) > 100
    assert asked - ENGLISH.keys() == set()


def test_every_sentence_is_used_or_belongs_to_a_family() -> None:
    everything = "".join(SOURCES.values())
    families = set(re.findall(r"`([\w.]+)\.\$\{", everything))
    composed = re.compile(r"(transfer|closure|reopen|headers|move)\.title|stopped\.\w+\.hint")
    unnamed = [key for key in ENGLISH if f'"{key}"' not in everything and not composed.fullmatch(key)]
    assert [key for key in unnamed if key.rsplit(".", 1)[0] not in families] == []


@pytest.mark.parametrize("banned", ["please", "kindly", "invalid", "oops"])
def test_nobody_is_lectured(banned: str) -> None:
    assert [key for key, entry in ENGLISH.items() if any(banned in text.lower() for text in texts(entry))] == []


@pytest.mark.parametrize("key", [key for key in sorted(ENGLISH) if key.startswith("closure_sentence.")])
def test_the_closing_sentence_uses_the_citizens_words(key: str) -> None:
    assert not re.search(r"\b(agent|ticket|case)s?\b", ENGLISH[key], re.IGNORECASE)
