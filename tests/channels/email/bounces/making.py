"""The frames that reports come in: with a status part, as plain words, as a page."""

OWN = "<c.00112233445566778899aabbccddeeff@riverton.example>"
US = "help@riverton.example"
HOST = "mx.carrier.test"


def ours(to: str) -> str:
    """The head and text of what we sent."""
    return (
        f"Received: from desk.riverton.example (desk.riverton.example [192.0.2.7])\n\tby {HOST} with ESMTP id 4Xy;"
        f" Mon, 2 Mar 2026 12:00:00 +0000\nFrom: Maria via Riverton <{US}>\nTo: {to}\nSubject: Re: Bins\n"
        f"Message-ID: {OWN}\nDate: Mon, 2 Mar 2026 12:00:00 +0000\n\nDear neighbour,\n\nbins are emptied on Tuesday.\n"
    )


def words(
    text: str, subject: str, sender: str = f"MAILER-DAEMON@{HOST}", more: str = "", kind: str = "text/plain"
) -> bytes:
    """A report that is nothing but text."""
    head = (
        f"From: {sender}\nTo: {US}\nSubject: {subject}\nMessage-ID: <report.1@{HOST}>\nMIME-Version: 1.0\n"
        f"Content-Type: {kind}; charset=utf-8\nContent-Transfer-Encoding: 8bit\n{more}"
    )
    return f"{head}\n{text}\n".encode()


def report(
    groups: str,
    to: str,
    text: str = "Your message could not be delivered.",
    subject: str = "Undelivered Mail Returned to Sender",
    sender: str = f"Mail Delivery System <MAILER-DAEMON@{HOST}>",
    copy: str = "message/rfc822",
    kind: str = "message/delivery-status",
) -> bytes:
    """A report with a status part; ``copy``: the type of the part that holds our mail, or empty."""
    returned = ours(to) if "headers" not in copy else ours(to).partition("\n\n")[0] + "\n"
    last = f"--cut\nContent-Type: {copy}\n\n{returned}\n" if copy else ""
    return (
        f"From: {sender}\nTo: {US}\nSubject: {subject}\nMIME-Version: 1.0\nAuto-Submitted: auto-replied\n"
        f'Content-Type: multipart/report; report-type=delivery-status; boundary="cut"\n\n'
        f"--cut\nContent-Type: text/plain; charset=utf-8\n\n{text}\n"
        f"--cut\nContent-Type: {kind}\n\nReporting-MTA: dns; {HOST}\nArrival-Date: Mon, 2 Mar 2026 12:00:00 +0000\n\n{groups}\n"
        f"{last}--cut--\n"
    ).encode()


def group(to: str, status: str = "5.1.1", said: str = "", action: str = "failed", more: str = "") -> str:
    diagnostic = f"Diagnostic-Code: smtp; {said}\n" if said else ""
    return f"{more}Final-Recipient: rfc822; {to}\nAction: {action}\nStatus: {status}\n{diagnostic}"
