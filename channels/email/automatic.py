"""Telling mail written by programs from mail written by people: headers first, then From, Subject.

Sources: RFC 3834 (Auto-Submitted), 3464 and 8098 (reports), 2369 and 2919 (lists), and the habits of mail programs.
"""

import re
from typing import Literal

from channels.base import Automation
from channels.email.headers import Head

Rule = tuple[Literal["auto_reply", "bounce", "notification", "bulk", "unknown"], str]

# One in three real automatic mails has no header that says so; these subjects and senders do.
BOUNCE_SUBJECTS = re.compile(
    r"undeliver|delivery (?:status notification|failure|has failed|incomplete)|returned mail"
    r"|mail delivery (?:failed|subsystem)|failure notice|could not be delivered|delivery delayed"
    r"|mensaje no entregado|no se (?:pudo|ha podido) entregar|error de entrega"
    r"|notificaci[oó]n de estado de (?:la )?entrega",
    re.I,
)
REPLY_SUBJECTS = re.compile(
    r"^(?:auto(?:matic)?[ -]?(?:reply|response|antwort)|autoreply|out of (?:the )?office|ooo:"
    r"|away from (?:the |my )?office|i am (?:out of (?:the )?office|away from)"
    r"|on (?:vacation|annual leave)\s*(?:[:-]|until|$)"
    r"|respuesta autom[aá]tica|fuera de (?:la )?oficina|(?:ausente|de vacaciones)\s*(?:[:-]|hasta|$)"
    r"|we have received your|thank you for contacting|hemos recibido su|gracias por contactar)",
    re.I,
)
RECEIPT_SUBJECTS = re.compile(
    r"^(?:read|not read|le[ií]do|no le[ií]do|read receipt|confirmaci[oó]n de lectura)\s*:", re.I
)
DAEMONS = re.compile(r"^(?:mailer-?daemon|mail-?daemon|postmaster|maildelivery|mail\.?delivery)(?:[+=-].*)?@", re.I)
NO_REPLY = re.compile(
    r"^(?:[a-z0-9._]{0,40}[._-])?(?:no-?_?reply|do-?_?not-?_?reply|no-?responder|bounces?|notifications?)"
    r"(?:[+=._-].*)?@",
    re.I,
)
LIST_HEADERS = ("list-id", "list-unsubscribe", "list-post", "list-help", "list-owner", "list-archive", "list-subscribe")
REPLY_HEADERS = ("x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply-from", "x-mail-autoreply")


def automation(head: Head, report: str, sender: str, null_sender: bool) -> tuple[Automation, tuple[str, ...]]:
    """(what kind of automatic mail, all signals seen). ``report``: the report type of a multipart/report, or empty."""
    subject = head.text("subject")
    rules = [
        *by_report(head, report),
        *by_headers(head),
        *by_sender(sender, null_sender, subject),
        *by_subject(subject),
    ]
    kinds = {kind for kind, _ in rules}
    signals = tuple(dict.fromkeys(signal for _, signal in rules))
    for kind in ("bounce", "auto_reply", "bulk", "notification"):
        if kind in kinds:
            return kind, signals
    return ("unknown" if kinds else "none"), signals


def by_report(head: Head, report: str) -> list[Rule]:
    found: list[Rule] = []
    if report:
        kind: Literal["bounce", "notification"] = "bounce" if report == "delivery-status" else "notification"
        found.append((kind, f"report:{report}"))
    if head.has("x-failed-recipients"):
        found.append(("bounce", "x-failed-recipients"))
    return found


def by_headers(head: Head) -> list[Rule]:
    found: list[Rule] = []
    submitted = head.word("auto-submitted")
    if submitted and submitted != "no":
        found.append(
            ("auto_reply" if submitted == "auto-replied" else "notification", f"auto-submitted:{submitted[:40]}")
        )
    precedence = head.word("precedence")
    if precedence in ("bulk", "junk", "list"):
        found.append(("bulk", f"precedence:{precedence}"))
    if precedence in ("auto_reply", "auto-reply"):
        found.append(("auto_reply", "precedence:auto_reply"))
    found += [("auto_reply", name) for name in REPLY_HEADERS if head.has(name)]
    found += [("bulk", name) for name in LIST_HEADERS if head.has(name)]
    if head.has("x-loop"):
        found.append(("unknown", "x-loop"))
    return found


def by_sender(sender: str, null_sender: bool, subject: str) -> list[Rule]:
    """A citizen may well write "could not be delivered": the words count only from a daemon or a null sender."""
    found: list[Rule] = [("unknown", "null-sender")] if null_sender else []
    daemon = DAEMONS.match(sender)
    if daemon:
        found.append(("bounce" if null_sender else "notification", "from:daemon"))
    elif NO_REPLY.match(sender):
        found.append(("notification", "from:no-reply"))
    if (daemon or null_sender) and BOUNCE_SUBJECTS.search(subject[:200]):
        found.append(("bounce", "subject:bounce"))
    return found


def by_subject(subject: str) -> list[Rule]:
    if REPLY_SUBJECTS.match(subject):
        return [("auto_reply", "subject:auto-reply")]
    return [("notification", "subject:receipt")] if RECEIPT_SUBJECTS.match(subject) else []
