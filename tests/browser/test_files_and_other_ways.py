"""Answers as agents give them: with files, by another way when one failed, and never against what a person wishes."""

import contextlib
import re
import sqlite3
import tempfile
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser import post
from tests.browser.conftest import Shoot, Stage
from tests.browser.test_letters import answer, everybody, open_ticket, written
from tests.running_desk import WholeDesk, running, soon

pytestmark = pytest.mark.timeout(240)

NUMBER = "+12025550100"
TOO_MUCH = 18_000_001
FORM = b"%PDF-1.4\n% the form of the agency\n%%EOF"


@pytest.fixture(scope="module")
def desk() -> Iterator[WholeDesk]:
    """A desk of their own: its lists hold nothing but these stories."""
    with tempfile.TemporaryDirectory(prefix="desk", ignore_cleanup_errors=True) as folder:
        yield from running(Path(folder))


async def attach(page: Page, *files: Path) -> None:
    async with page.expect_file_chooser() as asked:
        await page.get_by_role("button", name="Attach files").click()
    await (await asked.value).set_files(list(files))


async def text(desk: WholeDesk, phone: str, words: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as handset:
        answer = await handset.post(f"{desk.sandbox}/sandbox/phone/{phone}/texts", json={"to": NUMBER, "body": words})
    answer.raise_for_status()


async def texted(page: Page, desk: WholeDesk, phone: str, words: str) -> str:
    """A matter that began with a text, open before the agent."""
    await text(desk, phone, words)
    ref = await soon(
        lambda: desk.value(
            "SELECT t.reference FROM ticket t JOIN endpoint e ON e.id = t.endpoint_id WHERE e.canonical = $1", phone
        ),
        20,
        words,
    )
    await page.goto(f"{desk.url}/agent/t/{ref}")
    await expect(page.get_by_role("log")).to_contain_text(words)
    return str(ref)


def enclosed(desk: WholeDesk, citizen: str, words: str) -> dict[str, bytes]:
    """What hangs on the newest mail with these words in a citizen's mailbox, by name, as bytes."""
    with contextlib.closing(
        sqlite3.connect(f"file:{desk.folder / 'data' / 'sandbox.sqlite'}?mode=ro", uri=True)
    ) as store:
        (raw,) = store.execute(
            "SELECT raw FROM letter WHERE mailbox = ? AND direction = 'in' AND text LIKE ? ORDER BY id DESC LIMIT 1",
            (citizen, f"%{words}%"),
        ).fetchone()
    mail = message_from_bytes(raw, policy=policy.default)
    return {str(part.get_filename()): part.get_content() for part in mail.iter_attachments()}


async def test_files_go_with_an_answer(stage: Stage, shoot: Shoot, tmp_path: Path) -> None:
    desk = stage.desk
    await post.post(desk, post.letter("Jo <jo@citizens.example>", "The form for bins", "Where do I get the form?"))
    ana = await stage.staff("ana")
    await open_ticket(ana, desk, "The form for bins")
    form, street, film = tmp_path / "form.pdf", tmp_path / "map.png", tmp_path / "film.mp4"
    form.write_bytes(FORM)
    street.write_bytes(post.picture())
    with film.open("wb") as much:
        much.truncate(TOO_MUCH)
    await attach(ana, form, street)
    await expect(ana.get_by_role("button", name="Remove form.pdf")).to_be_visible()
    await expect(ana.get_by_role("button", name="Remove map.png")).to_be_visible()
    await attach(ana, film)
    await expect(ana.get_by_role("alert").filter(has_text="film.mp4 is larger than 18 MB")).to_be_visible()
    await everybody(ana, shoot, "files-too-large", ana.get_by_role("alert").filter(has_text="film.mp4"))
    await ana.get_by_role("button", name="Remove map.png").click()
    await expect(ana.get_by_role("button", name="Remove map.png")).to_have_count(0)

    await ana.get_by_role("button", name=re.compile("^Send reply")).click()
    await expect(ana.get_by_role("region", name="Notices")).to_contain_text("Write a few words to go with the files.")

    await answer(ana, "Here is the form.")
    await ana.get_by_role("button", name="Undo", exact=True).click()
    await expect(ana.get_by_role("region", name="Notices")).to_contain_text("Attach the files again.")
    await attach(ana, form)
    await expect(ana.get_by_role("button", name="Remove form.pdf")).to_be_visible()

    await answer(ana, "Here it is.")
    await expect(ana.get_by_role("button", name="Remove form.pdf")).to_have_count(0)
    await expect(ana.get_by_role("log").get_by_role("link", name=re.compile("form.pdf"))).to_have_count(2)
    await shoot(ana, "files-sent")
    await written(desk, "Here it is.")
    assert enclosed(desk, "jo@citizens.example", "Here it is.") == {"form.pdf": FORM}


async def test_what_a_phone_never_got_goes_by_mail_with_one_click(stage: Stage, shoot: Shoot) -> None:
    desk, phone = stage.desk, "+12025550131"
    await post.post(desk, post.letter("Kay <kay@citizens.example>", "My address", "I moved to Elm Street."))
    ana = await stage.staff("ana")
    await open_ticket(ana, desk, "My address")
    ref = await texted(ana, desk, phone, "When do you collect glass?")
    await same_person(desk, phone, "kay@citizens.example")
    await ana.reload()
    async with httpx.AsyncClient(trust_env=False) as sandbox:
        await sandbox.post(f"{desk.sandbox}/sandbox/faults", json={"kind": "undelivered", "code": "30005"})
    await answer(ana, "Glass is collected on Mondays.")
    failed = ana.get_by_role("log").locator(".failed")
    await expect(failed).to_be_visible(timeout=20_000)
    await expect(ana.get_by_role("log")).to_contain_text("Not delivered")
    await everybody(ana, shoot, "way-failed", failed)
    await failed.get_by_role("button", name=re.compile("kay@citizens.example")).click()
    await expect(ana.get_by_role("log").get_by_text("Glass is collected on Mondays.")).to_have_count(2)
    toast = ana.get_by_role("region", name="Notices")
    await expect(toast).to_contain_text("Sent again")
    for size in ({"width": 1024, "height": 768}, {"width": 1440, "height": 900}):
        await ana.set_viewport_size(size)
        for name in ("Send reply", "Undo"):
            assert await apart(toast, ana.get_by_role("button", name=re.compile(f"^{name}"))), (
                f"{name} at {size['width']}"
            )
        await shoot(ana, f"way-resent-{size['width']}")

    async def arrived() -> bool:
        async with httpx.AsyncClient(trust_env=False) as browser:
            mailbox = (await browser.get(f"{desk.sandbox}/sandbox/mailbox/kay@citizens.example")).json()
        return any("Glass is collected on Mondays." in letter["text"] for letter in mailbox["letters"])

    assert await soon(arrived, 30, f"the mail of {ref}")


async def apart(one: Locator, other: Locator) -> bool:
    """Whether nothing of one lies over the other."""
    a, b = await one.bounding_box(), await other.bounding_box()
    assert a and b
    beside = a["x"] + a["width"] <= b["x"] or b["x"] + b["width"] <= a["x"]
    return beside or a["y"] + a["height"] <= b["y"] or b["y"] + b["height"] <= a["y"]


async def same_person(desk: WholeDesk, phone: str, mailbox: str) -> None:
    """Somebody proved at a counter that both addresses are theirs."""
    await desk.rows(
        "UPDATE endpoint SET contact_id = (SELECT contact_id FROM endpoint WHERE canonical = $1), level = 'confirmed' "
        "WHERE canonical = $2",
        phone,
        mailbox,
    )


async def test_the_composer_follows_what_the_person_wishes(stage: Stage, shoot: Shoot) -> None:
    desk, phone = stage.desk, "+12025550132"
    ana = await stage.staff("ana")
    await texted(ana, desk, phone, "The swing in Oak Park is broken")
    box = ana.get_by_role("textbox", name=re.compile("^Reply to"))
    await expect(box).to_be_visible()
    await expect(ana.get_by_role("button", name="Attach files")).to_have_count(0)

    await text(desk, phone, "STOP")
    await expect(box).to_have_count(0, timeout=2_000)
    await expect(ana.get_by_text("This person has opted out of messages.")).to_be_visible()
    await shoot(ana, "wish-stopped")
    await text(desk, phone, "START")
    await expect(box).to_be_visible(timeout=2_000)

    await text(desk, phone, "please stop texting me so late")
    await expect(ana.get_by_role("button", name="They meant something else")).to_be_visible(timeout=2_000)
    await everybody(ana, shoot, "wish-doubted", ana.locator(".doubt"))
    await expect(ana.get_by_role("button", name="They want no more messages")).to_be_visible()
    await ana.get_by_role("button", name="They meant something else").click()
    await expect(ana.locator(".doubt")).to_have_count(0)
    await expect(box).to_be_visible()
