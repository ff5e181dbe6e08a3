"""An agent who works in Spanish: letters, texts and the board speak it, and no English word of ours is left over."""

import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.browser import post
from tests.browser.conftest import Shoot, Stage
from tests.browser.test_files_and_other_ways import text
from tests.browser.test_letters import everybody, open_ticket
from tests.browser.test_several_matters import holder, two_matters
from tests.running_desk import WholeDesk, running

pytestmark = pytest.mark.timeout(240)

CATALOGUES = Path("agent_ui/static/i18n")
SAID = """() => {
  const own = node => node.closest('[lang]:not(html), .text, bdi, .letter, option');
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walk.nextNode()) {
    const words = walk.currentNode.data.trim();
    if (words && !own(walk.currentNode.parentElement)) found.push(words);
  }
  for (const node of document.querySelectorAll('[aria-label],[title],[placeholder]'))
    for (const name of ['aria-label', 'title', 'placeholder']) if (node.getAttribute(name)) found.push(node.getAttribute(name));
  return found;
}"""


@pytest.fixture(scope="module")
def desk() -> Iterator[WholeDesk]:
    """A desk of their own: its lists hold nothing but this story."""
    with tempfile.TemporaryDirectory(prefix="desk", ignore_cleanup_errors=True) as folder:
        yield from running(Path(folder))


def english_only() -> list[re.Pattern[str]]:
    """Every sentence of the catalogue that is another one in Spanish, with anything in its places."""
    words = {language: json.loads((CATALOGUES / f"{language}.json").read_text("utf-8")) for language in ("en", "es")}
    sentences = []
    for key, english in words["en"].items():
        forms = english.values() if isinstance(english, dict) else [english]
        spanish = words["es"][key].values() if isinstance(words["es"][key], dict) else [words["es"][key]]
        sentences += [form for form in forms if form not in spanish and len(re.sub(r"\{\w+\}|\W", "", form)) > 3]
    return [re.compile("^" + ".+".join(map(re.escape, re.split(r"\{\w+\}", one))) + "$") for one in sentences]


async def english_on(page: Page) -> list[str]:
    said = await page.evaluate(SAID)
    patterns = english_only()
    return [words for words in said if any(one.match(words) for one in patterns)]


async def test_letters_texts_and_the_board_speak_spanish(stage: Stage, shoot: Shoot) -> None:
    desk, phone = stage.desk, "+12025550135"
    mail = post.letter("Rosa <rosa@citizens.example>", "No hay luz", "Hola, no hay luz en mi calle desde el lunes.")
    mail.add_attachment(b"%PDF-1.4\n%%EOF", maintype="application", subtype="pdf", filename="carta.pdf")
    await post.post(desk, mail)
    light, _rent = await two_matters(desk, phone)
    lucia = await stage.staff("lucia")
    await lucia.request.put(f"{desk.url}/api/me/preferences", data={"language": "es"}, headers={"Origin": desk.url})
    await open_ticket(lucia, desk, "No hay luz")
    await lucia.get_by_role("button", name="Copias y asunto").click()
    ana = await stage.staff("ana")
    await open_ticket(ana, desk, "No hay luz")
    assert {"Mine", "Reply", "Could not be confirmed"} <= set(await english_on(ana)), "the measure sees nothing"
    assert await english_on(lucia) == []
    await everybody(lucia, shoot, "spanish-letter")

    held = await holder(lucia, desk, phone, "Is there any news?")
    await text(desk, phone, "please stop texting me so late")
    await desk.rows(
        "UPDATE ticket SET quiet_since = clock_timestamp(), maybe_why = 'several_open', "
        "maybe_id = (SELECT id FROM ticket WHERE reference = $2) WHERE reference = $1",
        held,
        light,
    )
    await lucia.reload()
    await expect(lucia.locator(".doubt")).to_be_visible()
    assert await english_on(lucia) == []
    await everybody(lucia, shoot, "spanish-text")

    sam = await stage.staff("sam")
    await sam.request.put(f"{desk.url}/api/me/preferences", data={"language": "es"}, headers={"Origin": desk.url})
    await sam.goto(f"{desk.url}/supervisor")
    await expect(sam.locator("table.inboxes")).to_contain_text("help@riverton.example")
    assert await english_on(sam) == []
    await everybody(sam, shoot, "spanish-board", sam.locator("table.inboxes"))
