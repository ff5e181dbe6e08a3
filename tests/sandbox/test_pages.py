"""The sandbox's pages in a real browser: what a newcomer does first."""

import base64
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

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
AXE = (Path(__file__).parent.parent / "browser" / "axe.min.js").read_text("utf-8")

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


async def answer(page: Page, phone: str, text: str, callback: str = "") -> None:
    """Send a text as the desk does."""
    key = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
    made = await page.context.request.post(
        f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json",
        form={"To": phone, "From": OURS, "Body": text} | ({"StatusCallback": callback} if callback else {}),
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
    await page.get_by_label("Your text", exact=True).fill("The light at 5th & Main is out <b>again</b>")
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
    await page.get_by_label("Your text", exact=True).fill("Once")
    await page.keyboard.press("Enter")
    await desk.until(lambda: len(desk.requests) == 2)
    await expect(page.locator(".bubble")).to_have_count(1)


PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


async def test_a_picture_goes_out_with_a_text_and_is_shown(page: Page, desk: Desk, sandbox: SandboxConfig) -> None:
    await page.goto("/phone")
    await page.get_by_label("Add a picture").set_input_files(
        {"name": "pothole.png", "mimeType": "image/png", "buffer": PNG}
    )
    await expect(page.get_by_role("list", name="Files to send")).to_contain_text("pothole.png")
    await page.get_by_label("Your text", exact=True).fill("This one")
    await page.get_by_role("button", name="Send").click()
    picture = page.locator(".bubble.own").get_by_role("img", name="A picture")
    await expect(picture).to_be_visible()
    assert await picture.evaluate("image => image.naturalWidth") == 1
    await expect(page.get_by_role("list", name="Files to send")).to_have_count(0)
    [request] = desk.requests
    assert request.form.get("NumMedia") == "1"
    assert request.form.get("MediaUrl0").startswith(f"{sandbox.url}/2010-04-01/Accounts/")


async def test_a_picture_can_be_taken_back_and_a_large_one_is_refused(page: Page, desk: Desk) -> None:
    await page.goto("/phone")
    choose = page.get_by_label("Add a picture")
    await choose.set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": PNG})
    await page.get_by_role("button", name="Remove a.png").click()
    await choose.set_input_files({"name": "b.png", "mimeType": "image/png", "buffer": b"x" * (5 * 1024 * 1024 + 1)})
    await expect(page.get_by_role("status")).to_have_text("At most 10 files and 5 MB together.")
    await page.get_by_role("button", name="Send").click()
    assert desk.requests == []


async def test_stop_and_start_are_seen_and_answered_by_the_phone_company(page: Page, desk: Desk) -> None:
    await page.goto("/phone")
    await page.get_by_role("button", name="STOP").click()
    await expect(page.get_by_text("This phone said STOP.")).to_be_visible()
    await expect(page.locator(".bubble:not(.own)")).to_contain_text("from the phone company")
    await page.get_by_role("button", name="START").click()
    await expect(page.get_by_text("This phone said STOP.")).to_be_hidden()
    assert [one.form.get("OptOutType") for one in desk.requests] == ["STOP", "START"]


async def test_an_example_in_spanish_is_ready_to_send(page: Page) -> None:
    await page.goto("/phone")
    spanish = await page.locator("optgroup[label=Español] option").first.get_attribute("value")
    await page.get_by_label("Something to say").select_option(spanish)
    await expect(page.get_by_label("Your text", exact=True)).to_have_value(spanish or "")
    await expect(page.get_by_label("Your text", exact=True)).to_be_focused()


async def test_a_phone_that_cannot_be_reached_is_one_click_away(page: Page, desk: Desk) -> None:
    await page.goto("/phone")
    await page.get_by_role("button", name="Use +1 500 555 0070").click()
    await page.get_by_label("Your text", exact=True).fill("Hello")
    await page.keyboard.press("Enter")
    await answer(page, "+15005550070", "We are on our way.")
    await expect(page.locator(".bubble.bad")).to_contain_text("Never reached this phone (30007)")


async def test_each_answer_tells_whether_the_desk_knows_what_became_of_it(page: Page, desk: Desk) -> None:
    await page.goto("/phone")
    await expect(page.locator("#own")).not_to_be_empty()
    own = await page.locator("#phone").input_value()
    await answer(page, own, "Told", callback=f"{desk.url}/channels/sms/main/status")
    await expect(page.locator(".bubble").nth(0)).to_contain_text("the desk knows")
    await answer(page, own, "Untold")
    await expect(page.locator(".bubble").nth(1)).to_contain_text("the desk does not know yet")


async def test_the_phone_can_be_used_with_the_keyboard_alone(page: Page, desk: Desk) -> None:
    await page.goto("/phone")
    await expect(page.locator("#own")).not_to_be_empty()
    await page.get_by_label("Your text", exact=True).focus()
    await page.keyboard.type("By keyboard")
    reached = []
    for _ in range(6):
        await page.keyboard.press("Tab")
        reached.append(await page.evaluate("document.activeElement.textContent || document.activeElement.id"))
    assert reached[:5] == ["Send", "files", "STOP", "START", "HELP"]
    await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator(".bubble.own")).to_contain_text("STOP")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_words_can_be_read_by_day_and_by_night(page: Page, desk: Desk, scheme: str) -> None:
    await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of two words
    await page.goto("/phone")
    await page.get_by_role("button", name="HELP").click()
    await expect(page.locator(".bubble")).to_have_count(2)
    await page.evaluate(AXE)
    wrong = await page.evaluate(
        "axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']}).then(r => r.violations.map(v => v.id))"
    )
    assert wrong == []


async def test_a_desk_that_is_away_is_shown(page: Page, desk: Desk) -> None:
    desk.open = False
    await page.goto("/phone")
    await page.get_by_label("Your text", exact=True).fill("Anybody?")
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
