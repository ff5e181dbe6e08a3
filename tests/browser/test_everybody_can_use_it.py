"""Every screen, light and dark, narrow and wide, in both languages: no violation of WCAG 2.2 AA that axe can find."""

import re
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Shoot, Stage, violations

pytestmark = pytest.mark.timeout(120)

LOOKS: list[Any] = [
    pytest.param({"viewport": {"width": 1440, "height": 900}}, id="wide"),
    pytest.param({"viewport": {"width": 320, "height": 640}}, id="narrow"),
    pytest.param({"viewport": {"width": 1024, "height": 768}, "color_scheme": "dark"}, id="dark"),
]


async def no_sideways_scroll(page: Page) -> bool:
    return bool(await page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


async def check(page: Page) -> None:
    assert await violations(page) == []
    assert await no_sideways_scroll(page)


@pytest.mark.parametrize("look", LOOKS)
async def test_the_sign_in_page(stage: Stage, look: dict[str, Any]) -> None:
    page = await stage.open("/sign-in", **look)
    await expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    await check(page)
    stage.expected += ("401",)
    await page.fill("input[name=username]", "nobody-here")
    await page.fill("input[type=password]", "not the password")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("The username or the password is not right.").first).to_be_visible()
    await check(page)


@pytest.mark.parametrize("look", LOOKS)
async def test_the_console_with_a_ticket_and_its_dialogs(
    stage: Stage, shoot: Shoot, look: dict[str, Any], request: Any
) -> None:
    page = await stage.staff("sam", **look)
    team = (
        page.get_by_role("link", name=re.compile("^Team"))
        .or_(page.get_by_role("button", name=re.compile("^Team")))
        .first
    )
    await team.click()
    row = page.get_by_role("link").filter(has_text="recycling").first
    await expect(row).to_be_visible()
    await check(page)
    await row.click()
    await expect(page.get_by_role("log")).to_contain_text("Orchard Lane")
    await check(page)
    await shoot(page, f"console-{request.node.callspec.id}")
    for name in ("Resolve", "Transfer"):
        await page.get_by_role("button", name=name, exact=True).click()
        await expect(page.get_by_role("dialog")).to_be_visible()
        await check(page)
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.parametrize("look", LOOKS)
async def test_the_board(stage: Stage, shoot: Shoot, look: dict[str, Any], request: Any) -> None:
    page = await stage.staff("sam", "/supervisor", **look)
    await expect(page.get_by_text("City services").first).to_be_visible()
    await check(page)
    await shoot(page, f"board-{request.node.callspec.id}")


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("locale", ["en-US", "es-US"])
async def test_the_citizens_page_before_and_in_a_conversation(stage: Stage, look: dict[str, Any], locale: str) -> None:
    page = await stage.open("/chat/city", locale=locale, **look)
    await page.get_by_role("radio").first.check()
    await check(page)
    await page.get_by_role("button", name=re.compile("Start chat|Iniciar|Comenzar|Empezar")).click()
    box = page.get_by_label(re.compile("^(Your message|Su mensaje)$"))
    await expect(box).to_be_visible()
    await box.fill("Hello there" if locale.startswith("en") else "Hola, buenos días")
    await page.get_by_role("button", name=re.compile("^(Send|Enviar)$")).click()
    await expect(page.get_by_role("log")).to_contain_text(re.compile(r"RV-\w{4}"))
    await check(page)


@pytest.mark.parametrize("look", LOOKS)
async def test_the_sandbox_and_the_reference(stage: Stage, look: dict[str, Any]) -> None:
    for url in (f"{stage.desk.sandbox}/", f"{stage.desk.sandbox}/phone", f"{stage.desk.sandbox}/mailbox", "/docs"):
        page = await stage.open(url, **look)
        await expect(page.get_by_role("heading", level=1).first).to_be_visible()
        await expect(page.locator("main:not([inert])").first).to_be_visible()
        assert await violations(page) == [], url
        assert await no_sideways_scroll(page), url


async def test_the_console_shows_all_of_itself_on_a_very_large_screen(stage: Stage, shoot: Shoot) -> None:
    page = await stage.staff("sam", viewport={"width": 3840, "height": 2160})
    await expect(page.get_by_role("navigation", name="Views")).to_be_visible()
    await check(page)
    await shoot(page, "console-4k")


async def test_spanish_is_complete_on_the_sign_in_page(stage: Stage) -> None:
    page = await stage.open("/sign-in", locale="es-US")
    await expect(page.get_by_role("button", name=re.compile("Iniciar sesión|Entrar"))).to_be_visible()
    await check(page)
