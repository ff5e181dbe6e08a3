"""A newcomer's ten minutes: text, mail and chat with the agency, answer each in the console, watch the board, kill a process."""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Shoot, Stage
from tests.running_desk import WholeDesk, running

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def desk() -> Iterator[WholeDesk]:
    """A desk of their own: what other stories leave behind would fill the agents' hands."""
    with tempfile.TemporaryDirectory(prefix="desk", ignore_cleanup_errors=True) as folder:
        yield from running(Path(folder))


async def set_available(page: Page) -> None:
    await page.get_by_role("button", name=re.compile("^Status|Offline|Away|Available|Ready|Working|Full")).first.click()
    await (
        page.get_by_role("menuitemradio", name="Available")
        .or_(page.get_by_role("radio", name="Available"))
        .or_(page.get_by_role("button", name="Available", exact=True))
        .first.click()
    )
    await expect(page.get_by_role("button", name=re.compile("Ready|Working|Full")).first).to_be_visible()


async def open_ticket(page: Page, words: str) -> None:
    """From the team's list: whoever has it by now."""
    await (
        page.get_by_role("link", name=re.compile("^Team"))
        .or_(page.get_by_role("button", name=re.compile("^Team")))
        .first.click()
    )
    await page.get_by_role("link").filter(has_text=words).first.click()
    await expect(page.get_by_role("log")).to_contain_text(words[:40])


async def answer(page: Page, words: str) -> None:
    await page.get_by_role("textbox", name=re.compile("^Reply to|Responder")).fill(words)
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_role("log")).to_contain_text(words)


async def test_one_citizen_three_channels_one_agent(stage: Stage, shoot: Shoot) -> None:
    ana = await stage.staff("ana")
    await set_available(ana)
    sam = await stage.staff("sam", "/supervisor")

    phone = await stage.open(f"{stage.desk.sandbox}/phone/%2B12125550123")
    await phone.get_by_placeholder("Your text").fill("The traffic light at Oak Street is out, please send somebody")
    await phone.get_by_role("button", name="Send", exact=True).click()
    await expect(phone.get_by_role("log")).to_contain_text(re.compile(r"Your reference is RV-\w{4}-\w{4}"))
    await open_ticket(ana, "The traffic light at Oak Street")
    await expect(ana.get_by_text("Given to Ana").first).to_be_visible()
    await answer(ana, "A crew will repair it this afternoon.")
    await expect(ana.get_by_role("log")).to_contain_text("Delivered")
    await expect(phone.get_by_role("log")).to_contain_text("A crew will repair it this afternoon.")
    await shoot(ana, "console-text")
    await shoot(phone, "phone")

    mailbox = await stage.open(f"{stage.desk.sandbox}/mailbox/jo%40citizens.example")
    await mailbox.get_by_role("button", name="Write a mail").click()
    await mailbox.get_by_label("Subject").fill("Library hours")
    await mailbox.get_by_label("To", exact=True).fill("help@riverton.example")
    await mailbox.get_by_label("Your mail").fill("Hello, when does the library open on Sundays? Thank you, Jo")
    await mailbox.get_by_role("button", name="Send").click()
    await open_ticket(ana, "when does the library open on Sundays")
    await answer(ana, "The library opens at noon on Sundays.")
    await expect(mailbox.get_by_role("log")).to_contain_text("The library opens at noon on Sundays.", timeout=15_000)
    await shoot(mailbox, "mailbox")

    citizen = await stage.open("/chat/city", viewport={"width": 480, "height": 800})
    await citizen.get_by_role("radio").first.check()
    await citizen.get_by_role("button", name="Start chat").click()
    await citizen.get_by_label("Your message", exact=True).fill("Is the pool open today?")
    await citizen.get_by_role("button", name="Send", exact=True).click()
    await expect(ana.get_by_role("button", name=re.compile("^Accept"))).to_be_visible()
    await shoot(ana, "console-offer")
    await ana.get_by_role("textbox").last.focus()
    await ana.keyboard.press("Control+.")
    await open_ticket(ana, "Is the pool open today?")
    await answer(ana, "Yes, until 8 pm.")
    await expect(citizen.get_by_role("log")).to_contain_text("Yes, until 8 pm.")
    await citizen.reload()
    await expect(citizen.get_by_role("log")).to_contain_text("Yes, until 8 pm.")
    await shoot(citizen, "chat")
    await shoot(ana, "console-chat")

    await expect(sam.get_by_role("main")).to_contain_text("City services")
    await expect(sam.get_by_role("row").filter(has_text="Web chat").first).to_contain_text(
        re.compile(r"[1-9]\d* of \d")
    )
    await shoot(sam, "board")

    stage.desk.kill("web")
    stage.desk.wait_ready()
    stage.expected += ("ERR_CONNECTION", "WebSocket", "Failed to load resource", "ERR_EMPTY")
    await phone.get_by_placeholder("Your text").fill("Thank you, it works again")
    await phone.get_by_role("button", name="Send", exact=True).click()
    await open_ticket(ana, "Thank you, it works again")

    await ana.get_by_role("button", name="Resolve", exact=True).click()
    dialog = ana.get_by_role("dialog")
    await dialog.get_by_label("Done", exact=True).check()
    await dialog.get_by_role("textbox").first.fill("The traffic light was repaired.")
    await shoot(ana, "console-resolve")
    await dialog.get_by_role("button", name="Resolve").click()
    await expect(phone.get_by_role("log")).to_contain_text("The traffic light was repaired.")


async def test_a_spanish_speaker_is_answered_in_spanish_by_whom_speaks_it(stage: Stage, shoot: Shoot) -> None:
    lucia = await stage.staff("lucia")
    await expect(lucia.locator("html")).to_have_attribute("lang", "es")
    await lucia.get_by_role(
        "button", name=re.compile("Desconectad|Sin conexión|Disponible|Estado|Fuera", re.I)
    ).first.click()
    await shoot(lucia, "console-spanish")
    await expect(lucia.get_by_text("Cerrar sesión").or_(lucia.get_by_text("Disponible")).first).to_be_visible()


async def test_what_is_sent_without_a_line_leaves_once_when_it_is_back(stage: Stage) -> None:
    stage.expected += ("ERR_INTERNET_DISCONNECTED", "WebSocket", "Failed to load resource")
    phone = await stage.open(f"{stage.desk.sandbox}/phone/%2B12135550124")
    await phone.get_by_placeholder("Your text").fill("There is a dead tree on Pine Road")
    await phone.get_by_role("button", name="Send", exact=True).click()
    await expect(phone.get_by_role("log")).to_contain_text("Your reference is")
    ana = await stage.staff("ana")
    await set_available(ana)
    await open_ticket(ana, "There is a dead tree on Pine Road")
    await ana.context.set_offline(True)
    await answer(ana, "We will look at it tomorrow.")
    await ana.context.set_offline(False)
    await expect(phone.get_by_role("log")).to_contain_text("We will look at it tomorrow.", timeout=30_000)
    texts = await phone.get_by_role("log").inner_text()
    assert texts.count("We will look at it tomorrow.") == 1


async def test_a_colleague_who_was_away_is_warned_before_answering_twice(stage: Stage, shoot: Shoot) -> None:
    stage.expected += ("ERR_INTERNET_DISCONNECTED", "WebSocket", "Failed to load resource")
    phone = await stage.open(f"{stage.desk.sandbox}/phone/%2B12145550125")
    await phone.get_by_placeholder("Your text").fill("Graffiti on the wall of the school")
    await phone.get_by_role("button", name="Send", exact=True).click()
    await expect(phone.get_by_role("log")).to_contain_text("Your reference is")
    ana, ben = await stage.staff("ana"), await stage.staff("ben")
    await set_available(ana)
    await open_ticket(ana, "Graffiti on the wall")
    await ben.goto(ana.url)
    await expect(ben.get_by_role("log")).to_contain_text("Graffiti on the wall")
    await ben.context.set_offline(True)
    await ben.get_by_role("textbox", name=re.compile("^Reply to")).fill("Ben's answer")
    await answer(ana, "Ana's answer")
    await expect(phone.get_by_role("log")).to_contain_text("Ana's answer")
    await ben.keyboard.press("Control+Enter")
    await ben.context.set_offline(False)
    await expect(ben.get_by_text("A colleague replied while you were writing")).to_be_visible(timeout=30_000)
    await shoot(ben, "console-conflict")
    assert "Ben's answer" not in await phone.get_by_role("log").inner_text()
