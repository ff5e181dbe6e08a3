"""Whether a mail is a report of a mail server, or a person or a program that only speaks of one."""

from channels.email.automatic_words import REPLY_SUBJECTS
from channels.email.bounces.letter import Letter
from channels.email.bounces.phrases import DAEMON, DAEMON_NAME, FORWARDED, LIKELY_SUBJECT, SURE_SUBJECT, SURE_TEXT
from channels.email.bounces.verdict import ENHANCED, REPLY
from channels.email.headers import Head

BEGIN = 8192


def is_delivery_report(letter: Letter, report_type: str) -> bool:
    """Some servers send no report part, some no daemon's address; people forward reports and write about them."""
    head = letter.head
    subject = head.text("subject").lower()[:300]
    if report_type == "delivery-status" or head.has("x-failed-recipients"):
        return True
    machine = is_machine(head)
    if FORWARDED.match(subject) and not machine:
        return False
    if letter.status:
        return True
    if REPLY_SUBJECTS.match(subject):
        return False
    if SURE_SUBJECT.match(subject):
        return machine or is_told(letter)
    suspicious = is_daemon(head) or not head.addresses("from")
    if not machine and not suspicious:
        return False
    spoken = bool(REPLY.search(letter.text[:BEGIN]) or ENHANCED.search(letter.text[:BEGIN]) or letter.copy)
    if suspicious:
        return is_told(letter) or spoken or bool(LIKELY_SUBJECT.search(subject))
    return bool(LIKELY_SUBJECT.search(subject)) and is_told(letter)


def is_told(letter: Letter) -> bool:
    """Whether its first words say that something was not delivered."""
    return bool(SURE_TEXT.search(letter.text[:BEGIN].lower()))


def is_machine(head: Head) -> bool:
    submitted = head.word("auto-submitted")
    nobody = not head.addresses("from")
    return is_daemon(head) or nobody or head.raw("return-path").strip() == "<>" or submitted not in ("", "no")


def is_daemon(head: Head) -> bool:
    senders = head.addresses("from")[:1]
    name = head.text("from") if not senders else senders[0][0]
    return bool(DAEMON_NAME.search(name[:100])) or any(DAEMON.match(address) for _, address in senders)
