"""Files that lie with a provider: pending at once, fetched later, given up with a reason."""

import pytest

from channels.base import ErrorClass, File, Inbox, Media, SendError, TryLater, Undeliverable
from contactcenter.desk import media
from contactcenter.jobs.fetching import fetch_due
from contactcenter.models import Attachment
from tests.desk.provider import Provider, stand_in
from tests.desk_rig import Rig

PHONE, PICTURE = "+12025550117", b"\x89PNG\r\n\x1a\nlight"


class Shelf(Provider):
    """Gives files, or says what the test wants; the last answer stays."""

    def __init__(self, *answers: File | Exception) -> None:
        super().__init__()
        self.answers = list(answers)

    async def fetch(self, inbox: Inbox, media: Media) -> File:
        self.asked.append(media.ref)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


LIGHT = File("light.png", "image/png", PICTURE, type_declared="image/jpeg")
NOT_YET = TryLater(SendError(ErrorClass.UNKNOWN, text="not there yet"))
GONE = Undeliverable(SendError(ErrorClass.CONTENT, text="the provider has deleted it"))


async def sent(rig: Rig, *answers: File | Exception) -> Shelf:
    shelf = Shelf(*answers)
    stand_in(rig, shelf)
    await rig.text(PHONE, "See the light", media=(Media("https://provider.example/ME1", "image/jpeg"),))
    return shelf


async def row(rig: Rig) -> Attachment:
    async with rig.house.database.transaction() as tx:
        return await tx.get_one(Attachment, await rig.value("SELECT id FROM attachment"))


async def fetch(rig: Rig) -> int:
    return await fetch_due(rig.house.database, rig.house.kit)


async def wait_is_over(rig: Rig) -> None:
    await rig.run("UPDATE attachment SET due_at = clock_timestamp() WHERE state = 'pending'")


async def test_a_picture_is_shown_as_pending_and_its_message_does_not_wait_for_it(rig: Rig) -> None:
    shelf = await sent(rig, LIGHT)
    kept = await row(rig)
    assert (kept.state, kept.type, kept.size, kept.ref) == ("pending", "image/jpeg", 0, "https://provider.example/ME1")
    assert shelf.asked == [], "nothing is fetched before the provider has its answer"


async def test_a_fetched_picture_is_kept_under_what_it_really_is_and_screens_are_told(rig: Rig) -> None:
    await sent(rig, LIGHT)
    version = await rig.value("SELECT version FROM message WHERE direction = 'in'")
    assert await fetch(rig) == 1
    kept = await row(rig)
    assert (kept.state, kept.type, kept.type_declared, kept.size, kept.name) == (
        "stored", "image/png", "image/jpeg", len(PICTURE), "light.png",
    )  # fmt: skip
    assert await rig.house.kit.files.get(kept.sha256) == PICTURE
    assert await rig.value("SELECT version FROM message WHERE direction = 'in'") == version + 1
    assert await rig.value("SELECT count(*) FROM event WHERE type = 'file.stored'") == 1
    assert await fetch(rig) == 0


async def test_a_file_that_is_not_there_yet_is_asked_for_again_and_not_at_once(rig: Rig) -> None:
    shelf = await sent(rig, NOT_YET, LIGHT)
    await fetch(rig)
    assert (await row(rig)).state == "pending" and (await row(rig)).error == "not there yet"
    assert await fetch(rig) == 0
    await wait_is_over(rig)
    await fetch(rig)
    assert (await row(rig)).state == "stored" and len(shelf.asked) == 2


async def test_after_the_last_try_it_is_given_up_with_the_reason(rig: Rig) -> None:
    shelf = await sent(rig, NOT_YET)
    for _ in range(len(media.PAUSES_S) + 1):
        assert (await row(rig)).state == "pending"
        await wait_is_over(rig)
        await fetch(rig)
    assert ((await row(rig)).state, (await row(rig)).error) == ("failed", "not there yet")
    assert await rig.value("SELECT data->>'why' FROM event WHERE type = 'file.failed'") == "not there yet"
    assert len(shelf.asked) == 7


@pytest.mark.parametrize("answer", [GONE, File("big", "x/y", b"x" * (media.MAX_BYTES + 1))])
async def test_what_is_gone_or_too_large_is_not_asked_for_again(rig: Rig, answer: File | Exception) -> None:
    shelf = await sent(rig, answer)
    await fetch(rig)
    await wait_is_over(rig)
    assert await fetch(rig) == 0
    assert (await row(rig)).state == "failed" and (await row(rig)).error and len(shelf.asked) == 1


async def test_a_bug_while_fetching_is_no_end_of_fetching(rig: Rig) -> None:
    await sent(rig, ZeroDivisionError("oh"), LIGHT)
    await fetch(rig)
    await wait_is_over(rig)
    await fetch(rig)
    assert (await row(rig)).state == "stored"


async def test_a_full_store_leaves_the_file_pending(rig: Rig) -> None:
    await sent(rig, LIGHT)

    async def full(body: bytes) -> str:
        raise OSError(28, "No space left on device")

    files = rig.house.kit.files
    whole = files.put
    files.put = full  # type: ignore[method-assign]  # the disk stands at the border of the product
    await fetch(rig)
    assert (await row(rig)).state == "pending"
    files.put = whole  # type: ignore[method-assign]  # as above
    await wait_is_over(rig)
    await fetch(rig)
    assert (await row(rig)).state == "stored"


async def test_two_workers_fetch_a_file_once(rig: Rig) -> None:
    import asyncio

    shelf = await sent(rig, LIGHT)
    await asyncio.gather(fetch(rig), fetch(rig), fetch(rig))
    assert len(shelf.asked) == 1
