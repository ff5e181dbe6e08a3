"""The sandbox's pages in a real browser: what a newcomer does first."""

import base64
import shutil
from collections.abc import AsyncIterator

import aiosmtplib
import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from contactcenter.sandbox import SandboxConfig
from tests.channels.sms.recordings import ACCOUNT, OURS, TOKEN
from tests.sandbox.conftest import Desk

CHROMIUM = shutil.which("chromium")
ARGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
ANA = "ana@citizens.example"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium on the PATH")


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        made = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGS))
        yield made
        await made.close()


@pytest.fixture(params=[320, 1440])
async def page(request: pytest.FixtureRequest, browser: Browser, sandbox: SandboxConfig) -> AsyncIterator[Page]:
    context = await browser.new_context(viewport={"width": request.param, "height": 800}, base_url=sandbox.url)
    made = await context.new_page()
    problems: list[str] = []
    made.on("console", lambda message: problems.append(message.text) if message.type in ("error", "warning") else None)
    made.on("pageerror", lambda error: problems.append(str(error)))
    yield made
    assert await made.evaluate("document.documentElement.scrollWidth <= innerWidth"), "scrolls sideways"
    await context.close()
    assert problems == []


async def answer(page: Page, phone: str, text: str) -> None:
    """Send a text as the desk does."""
    key = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
    made = await page.context.request.post(
        f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json",
        form={"To": phone, "From": OURS, "Body": text},
        headers={"Authorization": f"Basic {key}"},
    )
    assert made.status == 201


async def test_the_front_page_leads_through_three_doors_and_to_the_desk(page: Page, sandbox: SandboxConfig) -> None:
    await page.goto("/")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Be a citizen of Riverton City Services")
    leads = [await link.get_attribute("href") for link in await page.get_by_role("link").all()]
    assert leads == ["/phone", "/mailbox", sandbox.visitor_page_url, sandbox.desk_url]


async def test_a_text_goes_out_and_the_answer_appears_without_reload(page: Page, desk: Desk) -> None:
    await page.goto("/phone")
    await page.get_by_label("Your text").fill("The light at 5th & Main is out <b>again</b>")
    await page.get_by_role("button", name="Send").click()
    mine = page.locator(".bubble.own")
    await expect(mine).to_contain_text("The light at 5th & Main is out <b>again</b>")
    await expect(mine).to_contain_text("Sent")
    [request] = desk.requests
    await answer(page, request.form.get("From"), "A crew is on its way.")
    await expect(page.locator(".bubble:not(.own)")).to_contain_text("A crew is on its way.")


async def test_a_switched_on_fault_shows_on_the_phone(page: Page, desk: Desk) -> None:
    await page.goto("/phone/+12025550188")
    await page.get_by_role("button", name="Switch on").click()
    await expect(page.get_by_role("list", name="Switched on")).to_contain_text("a phone that is switched off (30003)")
    await answer(page, "+12025550188", "Hello?")
    await expect(page.locator(".bubble.bad")).to_contain_text("Never reached this phone (30003)")
    await expect(page.get_by_role("list", name="Switched on")).to_be_empty()


async def test_a_text_delivered_twice_is_one_bubble_and_two_requests(page: Page, desk: Desk) -> None:
    await page.goto("/phone")
    await page.get_by_label("Deliver it twice").check()
    await page.get_by_label("Your text").fill("Once")
    await page.keyboard.press("Enter")
    await desk.until(lambda: len(desk.requests) == 2)
    await expect(page.locator(".bubble")).to_have_count(1)


async def test_a_desk_that_is_away_is_shown(page: Page, desk: Desk) -> None:
    desk.open = False
    await page.goto("/phone")
    await page.get_by_label("Your text").fill("Anybody?")
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator(".bubble.own")).to_contain_text("Not accepted yet")
    desk.open = True
    await expect(page.locator(".bubble.own")).to_contain_text("Sent")


async def test_a_mail_is_written_answered_and_replied_to(page: Page, desk: Desk, sandbox: SandboxConfig) -> None:
    await page.goto(f"/mailbox/{ANA}")
    await page.get_by_label("Subject").fill("Street party")
    await page.get_by_label("Your mail").fill("What do we need?")
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator(".letter.own")).to_contain_text("What do we need?")
    message_id = desk.mails[0][2].decode().partition("Message-ID: ")[2].partition("\r\n")[0]
    reply = (
        f"From: Mira <help@riverton.example>\r\nReply-To: help+r.1.x@riverton.example\r\nTo: {ANA}\r\n"
        f"Subject: Re: Street party\r\nMessage-ID: <c.1@riverton.example>\r\nIn-Reply-To: {message_id}\r\n"
        "Content-Type: text/html\r\n\r\n<p>Form <i>12</i></p><img src=x>\r\n"
    )
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=sandbox.smtp_port) as relay:
        await relay.sendmail("bounce@riverton.example", [ANA], reply.encode())
    theirs = page.locator(".letter:not(.own)")
    await expect(theirs).to_contain_text("Form 12")
    await expect(theirs).to_contain_text("bounce@riverton.example")
    await page.get_by_label("Your mail").fill("Thank you, Mira")
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator(".letter.own")).to_have_count(2)
    _, recipients, raw = desk.mails[1]
    assert recipients == ["help+r.1.x@riverton.example"]
    assert b"In-Reply-To: <c.1@riverton.example>" in raw
    assert message_id.encode() in raw
