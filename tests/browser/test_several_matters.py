"""A person with two open matters: the desk asks, an agent may decide first, and nothing of it buries the answer."""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Shoot, Stage
from tests.browser.test_files_and_other_ways import text
from tests.browser.test_letters import everybody
from tests.running_desk import WholeDesk, running, soon

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def desk() -> Iterator[WholeDesk]:
    """A desk of their own: its lists hold nothing but these stories."""
    with tempfile.TemporaryDirectory(prefix="desk", ignore_cleanup_errors=True) as folder:
        yield from running(Path(folder))


async def matter_of(desk: WholeDesk, phone: str, words: str) -> str:
    found = await soon(
        lambda: desk.value(
            "SELECT t.reference FROM ticket t JOIN endpoint e ON e.id = t.endpoint_id JOIN message m ON m.ticket_id = t.id "
            "WHERE e.canonical = $1 AND m.body_text = $2",
            phone,
            words,
        ),
        20,
        words,
    )
    return str(found)


async def two_matters(desk: WholeDesk, phone: str) -> tuple[str, str]:
    """A street light and the rent, both by text from one phone. For the second text the first matter stands aside."""
    aside = "UPDATE ticket SET inbox_id = (SELECT id FROM inbox WHERE address = $2) WHERE reference = $1"
    await text(desk, phone, "The street light is out on my street")
    light = await matter_of(desk, phone, "The street light is out on my street")
    await desk.rows(aside, light, "help@riverton.example")
    await text(desk, phone, "My rent is too high")
    rent = await matter_of(desk, phone, "My rent is too high")
    await desk.rows(aside, light, "+12025550100")
    await desk.rows(
        "UPDATE ticket SET queue_id = (SELECT id FROM queue WHERE slug = 'housing') WHERE reference = $1", rent
    )
    return light, rent


async def holder(page: Page, desk: WholeDesk, phone: str, words: str) -> str:
    """What the person wrote while we ask which matter it is, open before the agent."""
    await text(desk, phone, words)
    ref = await matter_of(desk, phone, words)
    await page.goto(f"{desk.url}/agent/t/{ref}")
    await expect(page.get_by_role("log")).to_contain_text(words)
    return ref


async def test_an_agent_decides_which_matter_a_text_belongs_to_and_can_undo_it(stage: Stage, shoot: Shoot) -> None:
    desk, phone = stage.desk, "+12025550133"
    light, rent = await two_matters(desk, phone)
    assert light != rent
    ana = await stage.staff("ana")
    held = await holder(ana, desk, phone, "Is there any news?")
    card = ana.get_by_role("region", name="Belongs to")
    await expect(card.get_by_role("button", name=re.compile("Move to it"))).to_have_count(2)
    await everybody(ana, shoot, "matters-asked", card)
    await card.get_by_role("listitem").filter(has_text=light).get_by_role("button").click()
    moved = ana.get_by_role("region", name="Notices")
    await expect(moved).to_contain_text(light)
    await expect(card).to_have_count(0)
    await shoot(ana, "matters-moved")
    assert await matter_of(desk, phone, "Is there any news?") == light
    await moved.get_by_role("button", name="Undo").click()
    await expect(moved).to_contain_text(held)
    await expect(ana.get_by_role("log")).to_contain_text("Is there any news?")
    await expect(ana.get_by_role("textbox", name=re.compile("^Reply to"))).to_be_visible()
    assert await matter_of(desk, phone, "Is there any news?") == held
    await shoot(ana, "matters-undone")


async def test_on_a_phone_every_notice_at_once_leaves_room_for_the_answer(stage: Stage, shoot: Shoot) -> None:
    desk, phone = stage.desk, "+12025550134"
    light, _rent = await two_matters(desk, phone)
    ana = await stage.staff("ana", viewport={"width": 320, "height": 640})
    held = await holder(ana, desk, phone, "Is there any news?")
    await text(desk, phone, "please stop texting me so late")
    assert await matter_of(desk, phone, "please stop texting me so late") == held
    await desk.rows(
        "UPDATE ticket SET quiet_since = clock_timestamp(), maybe_why = 'several_open', "
        "maybe_id = (SELECT id FROM ticket WHERE reference = $2) WHERE reference = $1",
        held,
        light,
    )
    await ana.reload()
    await expect(ana.get_by_text("3 notices about this ticket")).to_be_visible()
    await expect(ana.get_by_role("button", name="They meant something else")).to_be_in_viewport()
    await expect(ana.get_by_role("button", name="Send reply")).to_be_in_viewport(ratio=1)
    await shoot(ana, "matters-crowded")
    await ana.get_by_text("3 notices about this ticket").click()
    await expect(ana.get_by_role("button", name="Move to it").first).to_be_visible()
    await expect(ana.get_by_role("button", name="Send reply")).to_be_in_viewport(ratio=1)
    await everybody(ana, shoot, "matters-crowded-open")
