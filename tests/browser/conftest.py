"""A real browser against the whole desk. Any console error or warning that a test did not announce fails it."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright

from tests.running_desk import WholeDesk, running

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
AXE = (Path(__file__).parent / "axe.min.js").read_text("utf-8")
SHOTS = Path(os.environ.get("CONTACTCENTER_SHOTS") or Path(tempfile.gettempdir()) / "contactcenter-shots")
"""Screenshots of the stories, kept outside the repository."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if CHROMIUM is None and not os.environ.get("CI"):
        for item in items:
            if "tests/browser" in str(item.path):
                item.add_marker(
                    pytest.mark.skip(reason="no chromium on this machine: install it to run the browser stories")
                )


@pytest.fixture(scope="session")
def desk() -> Iterator[WholeDesk]:
    with tempfile.TemporaryDirectory(prefix="desk", ignore_cleanup_errors=True) as folder:
        yield from running(Path(folder))


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    assert CHROMIUM, "chromium is missing"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield browser
        await browser.close()


@dataclass
class Stage:
    """Opens pages as different people, and watches what their browsers complain about."""

    desk: WholeDesk
    browser: Browser
    contexts: list[BrowserContext] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    expected: tuple[str, ...] = ()

    async def context(self, **wishes: Any) -> BrowserContext:
        wishes.setdefault("viewport", {"width": 1440, "height": 900})
        context = await self.browser.new_context(**wishes)
        context.set_default_timeout(10_000)
        context.on("page", self._watch)
        self.contexts.append(context)
        return context

    def _watch(self, page: Page) -> None:
        def said(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning"):
                self.complaints.append(f"{page.url}: {message.text}")

        page.on("console", said)
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))

    async def open(self, url: str, **wishes: Any) -> Page:
        page = await (await self.context(**wishes)).new_page()
        await page.goto(url if url.startswith("http") else self.desk.url + url)
        return page

    async def staff(self, username: str, path: str = "/agent", **wishes: Any) -> Page:
        """A signed-in member of staff on a page."""
        page = await self.open("/sign-in", **wishes)
        await page.fill("input[name=username]", username)
        await page.fill("input[type=password]", f"{username}-riverton-demo")
        await page.keyboard.press("Enter")
        await page.wait_for_url(lambda url: "/sign-in" not in url)
        if path != "/agent":
            await page.goto(self.desk.url + path)
        return page

    def unexpected(self) -> list[str]:
        return [line for line in self.complaints if not any(part in line for part in self.expected)]


@pytest.fixture
async def stage(desk: WholeDesk, browser: Browser) -> AsyncIterator[Stage]:
    made = Stage(desk, browser)
    yield made
    for context in made.contexts:
        await context.close()
    assert made.unexpected() == [], "the browser complained"


Shoot = Callable[[Page, str], Awaitable[None]]


@pytest.fixture
def shoot() -> Shoot:
    async def shoot(page: Page, name: str) -> None:
        SHOTS.mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=SHOTS / f"{name}.png")

    return shoot


async def violations(page: Page) -> list[str]:
    """What axe finds against WCAG 2.2 AA and best practice, one line each."""
    await page.evaluate(AXE)
    result = await page.evaluate("tags => axe.run(document, {runOnly: {type: 'tag', values: tags}})", TAGS)
    return [f"{v['id']}: {v['help']} {[n['target'] for n in v['nodes']][:3]}" for v in result["violations"]]
