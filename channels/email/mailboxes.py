"""A mailbox that somebody else keeps, read without changing a thing in it: not moved, not deleted, not marked as read.

What is ours is told by UIDs. One thread speaks to one mailbox; every command has a deadline. We are woken by IDLE and look
once a minute all the same, for a dead line never says that it is dead.
"""

import asyncio
import imaplib
import re
import ssl
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import imap_tools

from channels.base import Arrival, Health, Inbox, Post
from channels.email.imap import LARGEST, Cursor, Fetched, Line, Where
from channels.email.oauth import MailboxAway, secret, tokens_of

WINDOW = 50_000  # UIDs asked for at once: their list must fit into one line of the answer
SECURITY = ("tls", "starttls", "none")
T = TypeVar("T")


def where_of(inbox: Inbox) -> Where:
    """From the inbox's configuration. Raises MailboxAway with what is missing or wrong."""
    given = inbox.config
    security = given.get("imap_security") or "tls"
    if security not in SECURITY:
        raise MailboxAway(f"imap_security is one of {', '.join(SECURITY)}")
    port = given.get("imap_port") or ("993" if security == "tls" else "143")
    since = given.get("imap_since") or "new"
    if not port.isdigit() or not (since in ("new", "all") or re.fullmatch(r"\d{4}-\d\d-\d\d", since)):
        raise MailboxAway("imap_port is a number; imap_since is new, all or a day such as 2026-11-24")
    tokens = tokens_of(given)
    password = "" if tokens else secret(given, "imap_password")
    user = given.get("imap_user") or inbox.address
    if not tokens and not password:
        raise MailboxAway("set imap_password_file, or oauth_provider with its client and token")
    return Where(
        given["imap_host"], int(port), security, user, given.get("imap_folder") or "INBOX", since,
        given.get("imap_ca_file", ""), password, tokens,
    )  # fmt: skip


# --- the watch --------------------------------------------------------------------------------------------------------


async def watch(inbox: Inbox, post: Post) -> None:
    """Look, keep what came, wait to be woken; until cancelled. Raises MailboxAway."""
    where = where_of(inbox)
    line = Line(where)
    try:
        await in_thread(line.open)
        while True:
            await catch_up(line, inbox, post)
            await in_thread(line.wait)
    finally:
        line.closed.set()  # a thread in IDLE sees it within two seconds
        await asyncio.shield(asyncio.get_running_loop().run_in_executor(None, line.close))


async def catch_up(line: "Line", inbox: Inbox, post: Post) -> None:
    """Everything after the cursor, in batches that are kept whole: a day or a year of absence only means more of them."""
    folder = line.where.folder
    cursor, last = await in_thread(line.placed, Cursor.read(await post.cursor(), folder))
    while cursor.uid < last:
        end = min(last, cursor.uid + WINDOW)
        todo = await in_thread(line.uids, cursor, end)
        while todo:
            batch, cursor = await in_thread(line.fetched, todo, cursor)
            await post.keep([arrival(inbox, folder, cursor.validity, one) for one in batch.mails], cursor.kept(folder))
            todo = todo[batch.taken :]
            await post.report(Health("", len(todo) + (last - end), line.token_until))
        cursor = replace(cursor, uid=end)
    await post.keep([], cursor.kept(folder))
    await post.report(Health(backlog=0, token_until=line.token_until))


async def test(inbox: Inbox) -> Health:
    """Sign in, look at the folder, sign out."""
    try:
        line = Line(where_of(inbox))
        try:
            await in_thread(line.open)
            await in_thread(line.placed, Cursor())
        finally:
            await in_thread(line.close)
    except MailboxAway as error:
        return Health(problem=str(error))
    return Health(token_until=line.token_until)


async def in_thread(step: Callable[..., T], *values: Any) -> T:
    """Run one step of a line on a thread. Whatever is wrong there is raised as MailboxAway."""
    try:
        return await asyncio.to_thread(step, *values)
    except (imaplib.IMAP4.error, imap_tools.errors.ImapToolsError, OSError, ValueError) as error:
        raise MailboxAway(in_words(error)) from error


def in_words(error: Exception) -> str:
    said = " ".join(str(error).split())[:200]
    if isinstance(error, imap_tools.errors.MailboxLoginError) or "AUTHENTICATIONFAILED" in said:
        return "The mail server refused the sign-in: check user and password, or connect the mailbox again."
    if isinstance(error, imap_tools.errors.MailboxFolderSelectError):
        return "The folder is not there, or may not be read."
    if isinstance(error, ssl.SSLError):
        return f"The mail server's certificate or encryption was not accepted: {said}"
    if isinstance(error, TimeoutError):
        return "The mail server did not answer in time."
    return f"The mail server cannot be reached or broke off: {said or type(error).__name__}"


def arrival(inbox: Inbox, folder: str, validity: int, mail: Fetched) -> Arrival:
    """The key is the mailbox's own number for this mail: it comes once, whatever is in it."""
    envelope: dict[str, Any] = {"to": [inbox.address], "mailbox": folder, "uid": mail.uid, "arrived": mail.arrived}
    if mail.size > LARGEST:
        envelope["too_large"] = mail.size
    return Arrival(inbox.address, f"imap:{folder}:{validity}:{mail.uid}", envelope, mail.body)
