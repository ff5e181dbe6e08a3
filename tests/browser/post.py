"""Mail from strangers to a running desk, as bytes over SMTP: what a citizen's provider would hand to its door."""

import asyncio
import smtplib
import struct
import zlib
from email import policy
from email.message import EmailMessage
from email.utils import make_msgid

from tests.running_desk import WholeDesk

AGENCY = "help@riverton.example"


def picture(width: int = 240, height: int = 160, colour: tuple[int, int, int] = (196, 98, 52)) -> bytes:
    """A PNG with a bright square on a plain ground."""
    red, green, blue = colour
    rows = b"".join(
        b"\0"
        + b"".join(bytes((250, 214, 90) if 70 < x < 170 and 40 < y < 120 else (red, green, blue)) for x in range(width))
        for y in range(height)
    )

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def letter(sender: str, subject: str, text: str, to: str = AGENCY, **head: str) -> EmailMessage:
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"], mail["To"], mail["Subject"] = sender, to, subject
    mail["Message-ID"] = make_msgid(domain="citizens.example")
    for name, value in head.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail


def report(own_id: str, recipient: str, status: str, words: str, action: str = "failed") -> EmailMessage:
    """What a mail server says when it gives up (RFC 3464), or goes on trying."""
    boundary = "report-of-the-mail-system"
    body = (
        f"--{boundary}\r\nContent-Type: text/plain\r\n\r\nThis is the mail system. It could not be delivered.\r\n\r\n"
        f"--{boundary}\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mail.citizens.example\r\n\r\n"
        f"Final-Recipient: rfc822; {recipient}\r\nAction: {action}\r\nStatus: {status}\r\nDiagnostic-Code: smtp; {words}\r\n\r\n"
        f"--{boundary}\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {own_id}\r\nFrom: {AGENCY}\r\nTo: {recipient}\r\n\r\n"
        f"--{boundary}--\r\n"
    )
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"], mail["To"] = "Mail Delivery System <mailer-daemon@citizens.example>", AGENCY
    mail["Subject"], mail["Auto-Submitted"] = "Undelivered mail", "auto-replied"
    mail["Message-ID"], mail["MIME-Version"] = make_msgid(domain="citizens.example"), "1.0"
    mail["Content-Type"] = f'multipart/report; report-type=delivery-status; boundary="{boundary}"'
    mail.set_payload(body)
    return mail


async def post(desk: WholeDesk, mail: EmailMessage, to: str = "", sender: str | None = None) -> None:
    """Hand a mail to the desk's own door. Without ``sender`` it is the one in its head; an empty one is a report's."""
    envelope = str(mail["From"]).rpartition("<")[2].strip(" >") if sender is None else sender
    await asyncio.to_thread(_hand_over, desk.port + 20, envelope, to or AGENCY, bytes(mail))


def _hand_over(port: int, sender: str, to: str, mail: bytes) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as door:
        door.sendmail(sender, [to], mail)
