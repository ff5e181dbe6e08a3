"""The words on which the provider itself acts and answers (https://help.twilio.com/articles/223134027), in its own English."""

import re
import uuid

from contactcenter.sandbox.store import Store

WORDS = {
    **dict.fromkeys(("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "OPTOUT", "REVOKE"), "STOP"),
    **dict.fromkeys(("START", "YES", "UNSTOP"), "START"),
    **dict.fromkeys(("HELP", "INFO"), "HELP"),
}
ANSWERS = {
    "STOP": "You will get no more texts from this number. Reply START to get them again.",
    "START": "You will get texts from this number again. Reply HELP for help, STOP to end them.",
    "HELP": "Reply STOP to get no more texts from this number.",
}


def word_of(store: Store, phone: str, number: str, body: str) -> str:
    """STOP, START or HELP where the provider acts on a text. Other networks than the phone's own leave it to the agency."""
    word = WORDS.get(re.sub(r"\W", "", body).upper(), "") if ":" not in number else ""
    # "Yes" from somebody who never stopped is an answer to a question.
    return "" if word == "START" and not store.is_stopped(phone, number) else word


def obey(store: Store, phone: str, number: str, word: str) -> None:
    if word == "STOP":
        store.stop(phone, number)
    elif word == "START":
        store.start(phone, number)
    if word:
        _answer(store, phone, number, ANSWERS[word])


def _answer(store: Store, phone: str, number: str, words: str) -> None:
    sid = "SM" + uuid.uuid4().hex
    text = {"sid": sid, "direction": "outbound-reply", "sender": number, "recipient": phone, "body": words}
    store.add_text(text | {"status": "delivered"})
    store.set_status(sid, "delivered")
