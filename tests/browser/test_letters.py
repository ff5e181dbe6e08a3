"""A matter by mail, as an agent lives it: a letter with files, an answer that is taken back, copies, a machine, a stranger, a
report that it did not arrive; and every screen of it for everybody."""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser import post
from tests.browser.conftest import Shoot, Stage, violations
from tests.running_desk import WholeDesk, running, soon

pytestmark = pytest.mark.timeout(240)

SIZES = [(320, 640), (1024, 768), (1440, 900)]
WORDS = (
    "Hello,\n\nthe light in front of 14 Oak Street has been out since Monday.\n\nRosa Diaz\n\n"
    "On Tue, 17 Nov 2026 at 10:12, City of Riverton <help@riverton.example> wrote:\n> Dear Ms Diaz,\n> we will look at it.\n"
)


@pytest.fixture(scope="module")
def desk() -> Iterator[WholeDesk]:
    """A desk of their own: its lists hold nothing but this story."""
    with tempfile.TemporaryDirectory(prefix="desk", ignore_cleanup_errors=True) as folder:
        yield from running(Path(folder))


async def everybody(page: Page, shoot: Shoot, name: str, about: Locator | None = None) -> None:
    """The page as it stands: narrow and wide, light and dark, without a fault that axe can find and without sideways scroll."""
    for width, height in SIZES:
        await page.set_viewport_size({"width": width, "height": height})
        person = page.get_by_role("button", name=re.compile("^(Close person|Cerrar persona)$"))
        if width < 1280 and await person.count():
            await person.click(force=True)
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
            if about is not None:
                await about.scroll_into_view_if_needed()
            assert await violations(page) == [], f"{name} at {width} in {scheme}"
            sideways = await page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert sideways <= 0, f"{name} at {width}"
            await shoot(page, f"{name}-{width}-{scheme}")
    await page.set_viewport_size({"width": 1440, "height": 900})
    await page.emulate_media(color_scheme="light")


async def rosas_letter(desk: WholeDesk) -> None:
    mail = post.letter(
        "Rosa Diaz <rosa@citizens.example>", "Broken street light", WORDS, Cc="Maria Lopez <maria@citizens.example>"
    )
    mail.add_alternative(
        '<p>The light at <b>14 Oak Street</b>.</p><p><img src="cid:light@x" alt="it"></p>', subtype="html"
    )
    parts: Any = mail.get_payload()
    parts[1].add_related(post.picture(), "image", "png", cid="<light@x>")
    mail.add_attachment(b"%PDF-1.4\n%%EOF", maintype="application", subtype="pdf", filename="letter of October.pdf")
    await post.post(desk, mail)


async def written(desk: WholeDesk, words: str) -> Any:
    """The answer with these words once its mail is in the citizen's mailbox: the id it travels under and where to answer."""

    async def left() -> Any:
        rows = await desk.rows(
            "SELECT m.id, m.external_id, d.state FROM message m JOIN delivery d ON d.message_id = m.id AND d.with_id IS NULL "
            "WHERE m.body_text = $1 AND d.state = 'sent' ORDER BY m.seq DESC LIMIT 1",
            words,
        )
        return rows[0] if rows else None

    return await soon(left, 30, f"{words!r} to leave")


async def open_ticket(page: Page, desk: WholeDesk, subject: str) -> str:
    ref = await soon(
        lambda: desk.value("SELECT reference FROM ticket WHERE subject = $1 ORDER BY id DESC LIMIT 1", subject),
        20,
        subject,
    )
    await page.goto(f"{desk.url}/agent/t/{ref}")
    await expect(page.get_by_role("log")).to_be_visible()
    return str(ref)


async def answer(page: Page, words: str) -> None:
    box = page.get_by_role("textbox", name=re.compile("^Reply to"))
    await box.fill(words)
    await box.press("Control+Enter")
    await expect(page.get_by_role("log")).to_contain_text(words)


async def test_a_matter_by_mail(stage: Stage, shoot: Shoot) -> None:
    desk = stage.desk
    await rosas_letter(desk)
    ana = await stage.staff("ana")
    await open_ticket(ana, desk, "Broken street light")
    thread = ana.get_by_role("log")

    # What she wrote now is shown; what she quoted is one click away, and so is the letter as she sent it.
    await expect(thread).to_contain_text("out since Monday")
    await expect(thread).not_to_contain_text("we will look at it")
    await expect(thread).to_contain_text("Could not be confirmed")
    await expect(thread).to_contain_text("Maria Lopez")
    await ana.get_by_role("button", name="Show the whole message").click()
    await expect(thread).to_contain_text("we will look at it")
    await ana.get_by_role("button", name="Show as it was sent").click()
    frame = ana.frame_locator("iframe.letter")
    await expect(frame.locator("b")).to_have_text("14 Oak Street")
    assert await frame.locator("img").evaluate("picture => picture.naturalWidth") == 240
    async with ana.expect_download() as download:
        await ana.get_by_role("link", name=re.compile("letter of October")).click()
    assert (await download.value).suggested_filename == "letter of October.pdf"
    await ana.get_by_role("button", name="More about the message of Rosa Diaz").click()
    await ana.get_by_role("button", name="Headers", exact=True).click()
    await expect(ana.get_by_role("dialog")).to_contain_text("Message-ID")
    await everybody(ana, shoot, "letter-headers")
    await ana.keyboard.press("Escape")
    await everybody(ana, shoot, "letter")

    # An answer with a copy is stopped in time: the words and the copy are in the editor again, and nobody got a thing.
    await ana.get_by_role("button", name="Reply to all").click()
    await answer(ana, "A crew comes on Thursday.")
    await expect(ana.get_by_role("button", name="Undo", exact=True)).to_be_visible()
    await shoot(ana, "letter-undo")
    await ana.get_by_role("button", name="Undo", exact=True).click()
    await expect(thread).to_contain_text("Taken back, never sent")
    box = ana.get_by_role("textbox", name=re.compile("^Reply to"))
    await expect(box).to_have_value("A crew comes on Thursday.")
    await expect(ana.get_by_role("button", name="Remove maria@citizens.example")).to_be_visible()
    await everybody(ana, shoot, "letter-composing")

    # Sent after all, with an address that was no address first.
    copies = ana.get_by_label("Cc", exact=True)
    await copies.fill("nobody")
    await copies.press("Enter")
    await expect(ana.get_by_role("alert").filter(has_text="not a whole address")).to_be_visible()
    await copies.fill("")
    await answer(ana, "A crew comes on Thursday at noon.")
    left = await written(desk, "A crew comes on Thursday at noon.")
    await expect(thread).to_contain_text("Cc: maria@citizens.example: Sent")

    # Her machine answers: folded, and nobody waits because of it.
    away = post.letter(
        "Rosa Diaz <rosa@citizens.example>", "Out of office: Broken street light", "I am away until Monday."
    )
    away["In-Reply-To"], away["Auto-Submitted"] = left["external_id"], "auto-replied"
    await post.post(desk, away)
    folded = thread.locator("details.machine")
    await expect(folded).to_contain_text("Automatic reply", timeout=20_000)
    await expect(ana.get_by_text("I am away until Monday.")).to_be_hidden()

    # A stranger answers with the address that only Rosa got.
    mails = await reply_address(desk, "rosa@citizens.example", "Re: Broken street light")
    await post.post(
        desk,
        post.letter(
            "Kim <kim@elsewhere.example>", "Re: Broken street light", "I live there too. When will it be repaired?"
        ),
        to=mails,
    )
    banner = ana.get_by_role("region", name="Held message")
    await expect(banner).to_contain_text("kim@elsewhere.example", timeout=20_000)
    await everybody(ana, shoot, "letter-stranger", banner)
    await banner.get_by_role("button", name="Accept", exact=True).click()
    await expect(banner).to_have_count(0)
    await expect(ana.get_by_text("kim@elsewhere.example").last).to_be_visible()

    # It did not arrive after all.
    await post.post(
        desk, post.report(left["external_id"], "rosa@citizens.example", "5.1.1", "550 5.1.1 no such user"), sender=""
    )
    await expect(thread).to_contain_text("This address does not exist. Ask the person for another one", timeout=20_000)
    await expect(thread).to_contain_text("the address does not exist")
    await everybody(ana, shoot, "letter-bounce", thread.locator(".failed"))


async def reply_address(desk: WholeDesk, citizen: str, subject: str) -> str:
    """Where an answer to the newest mail with this subject in a citizen's mailbox would go."""
    async with httpx.AsyncClient(trust_env=False) as browser:
        mailbox = (await browser.get(f"{desk.sandbox}/sandbox/mailbox/{citizen}")).raise_for_status().json()
    found = [mail for mail in mailbox["letters"] if subject in mail["subject"] and mail["reply_to"]]
    return str(found[-1]["reply_to"])
