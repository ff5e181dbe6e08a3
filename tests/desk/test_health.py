"""Inboxes that we watch: who holds the watch, what is kept together, how it does, and the alarm when nobody looks."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from channels.base import Arrival, ChannelError, Health, Inbox, Post
from contactcenter.desk import health
from contactcenter.jobs import watching
from contactcenter.jobs.watching import Watching
from tests.desk.provider import MailProvider, stand_in
from tests.desk_rig import Rig


class Letterbox(MailProvider):
    """A mailbox elsewhere; the test says what a watch does."""

    def __init__(self, watch: Callable[[Inbox, Post], Any] | None = None) -> None:
        super().__init__()
        self._watch = watch

    def watches(self, inbox: Inbox) -> bool:
        return inbox.slug == "mail"

    async def watch(self, inbox: Inbox, post: Post) -> None:
        assert self._watch is not None
        await self._watch(inbox, post)


def letter(number: int) -> Arrival:
    return Arrival(
        "help@riverdale.example", f"u.{number}", {"from": "a@b.example", "to": []}, b"Subject: x\r\n\r\nhello"
    )


async def hole(rig: Rig, holder: str) -> health.Pigeonhole:
    return health.Pigeonhole(rig.house.database, rig.house.kit, await rig.inbox("mail"), holder)


async def hold(rig: Rig, holder: str) -> bool:
    box = await rig.inbox("mail")
    async with rig.house.database.transaction() as tx:
        return await health.hold(tx, box.id, holder)


async def state(rig: Rig, slug: str = "mail") -> health.State:
    async with rig.house.database.transaction() as tx:
        return next(one for one in await health.of(tx, rig.house.kit, rig.agency_id) if one.slug == slug)


async def until(fact: Callable[[], Any], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not await fact():
            await asyncio.sleep(0.02)


# --- the watch ------------------------------------------------------------------------------------------------------------


async def test_one_watches_and_the_other_stands_by_until_the_lease_runs_out(rig: Rig) -> None:
    assert await hold(rig, "a") and await hold(rig, "a") and not await hold(rig, "b")
    await rig.run("UPDATE inbox_health SET held_until = clock_timestamp() - interval '1 second'")
    assert await hold(rig, "b") and not await hold(rig, "a")


async def test_a_released_watch_is_free_at_once(rig: Rig) -> None:
    await hold(rig, "a")
    async with rig.house.database.transaction() as tx:
        await health.release(tx, (await rig.inbox("mail")).id, "a")
    assert await hold(rig, "b")


async def test_arrivals_and_cursor_are_kept_together_and_a_repeat_is_none(rig: Rig) -> None:
    await hold(rig, "a")
    post = await hole(rig, "a")
    assert await post.cursor() == {}
    for _ in range(2):
        await post.keep([letter(1), letter(2)], {"uid": 2})
    assert await post.cursor() == {"uid": 2}
    assert await rig.value("SELECT count(*) FROM raw_event WHERE state = 'new'") == 2


async def test_who_lost_the_watch_keeps_nothing_more(rig: Rig) -> None:
    await hold(rig, "a")
    post = await hole(rig, "a")
    await rig.run("UPDATE inbox_health SET held_until = clock_timestamp() - interval '1 second'")
    await hold(rig, "b")
    with pytest.raises(health.WatchLost):
        await post.keep([letter(1)], {"uid": 1})
    assert await rig.value("SELECT count(*) FROM raw_event") == 0
    assert await (await hole(rig, "b")).cursor() == {}


# --- how it does ----------------------------------------------------------------------------------------------------------


async def test_a_supervisor_sees_success_problem_backlog_and_what_was_not_read_yet(rig: Rig) -> None:
    stand_in(rig, Letterbox())
    await hold(rig, "a")
    post = await hole(rig, "a")
    await post.report(Health("Sign-in failed.", backlog=7))
    await post.keep([letter(1)], {})
    rig.clock.pass_by(seconds=90)
    seen = await state(rig)
    assert (seen.problem, seen.backlog, seen.unread, seen.watched, seen.ok_at) == ("Sign-in failed.", 7, 1, True, None)
    assert seen.problem_since is not None and seen.lag_s >= 80
    await post.report(Health(backlog=0))
    seen = await state(rig)
    assert (seen.problem, seen.problem_since, seen.backlog) == ("", None, 0) and seen.ok_at is not None
    assert not (await state(rig, "text")).watched


async def test_another_agency_is_not_shown(rig: Rig) -> None:
    async with rig.house.database.transaction() as tx:
        assert await health.of(tx, rig.house.kit, rig.agency_id + 1) == []


async def test_a_silent_inbox_is_one_alarm_and_its_return_is_told(rig: Rig) -> None:
    stand_in(rig, Letterbox())
    await hold(rig, "a")
    post = await hole(rig, "a")
    await post.report(Health())
    await rig.chore(health.watch_over)
    assert await rig.value("SELECT count(*) FROM event WHERE type = 'inbox.silent'") == 0
    await rig.run("UPDATE inbox_health SET ok_at = clock_timestamp() - interval '6 minutes'")
    await post.report(Health("Sign-in failed."))
    for _ in range(3):
        await rig.chore(health.watch_over)
    assert await rig.rows("SELECT data->>'inbox', data->>'why' FROM event WHERE type = 'inbox.silent'") == [
        ("mail", "Sign-in failed.")
    ]
    assert (await state(rig)).silent_since is not None
    await post.report(Health())
    assert await rig.value("SELECT count(*) FROM event WHERE type = 'inbox.heard'") == 1
    assert (await state(rig)).silent_since is None


async def test_an_inbox_that_nobody_ever_looked_into_is_silent_too(rig: Rig) -> None:
    stand_in(rig, Letterbox())
    await rig.chore(health.watch_over)
    await rig.run("UPDATE inbox_health SET next_list_at = clock_timestamp() - interval '6 minutes'")
    await rig.chore(health.watch_over)
    assert await rig.value("SELECT count(*) FROM event WHERE type = 'inbox.silent'") == 1


# --- the process ----------------------------------------------------------------------------------------------------------


async def test_a_standby_takes_over_and_goes_on_where_the_first_stood(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "STAND_BY_S", 0.05)
    running, began = set[str](), list[dict[str, Any]]()

    async def watch(inbox: Inbox, post: Post) -> None:
        cursor = dict(await post.cursor())
        began.append(cursor)
        number = cursor.get("uid", 0) + 1
        await post.keep([letter(number)], {"uid": number})
        running.add("once")
        await asyncio.Event().wait()

    stand_in(rig, Letterbox(watch))
    told: list[int] = []
    first, second = (
        asyncio.create_task(Watching(rig.house.database, rig.house.kit, lambda: told.append(1)).run()) for _ in range(2)
    )

    async def has_begun(times: int) -> bool:
        return len(began) >= times and len(told) >= times

    await until(lambda: has_begun(1))
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    if len(began) == 1 and await rig.value("SELECT holder IS NOT NULL FROM inbox_health"):
        second.cancel()  # the second was the one that watched: a third takes over from it
        await asyncio.gather(second, return_exceptions=True)
        second = asyncio.create_task(Watching(rig.house.database, rig.house.kit, lambda: told.append(1)).run())
    await until(lambda: has_begun(2))
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    assert began == [{}, {"uid": 1}]
    assert await rig.value("SELECT count(*) FROM raw_event") == 2


async def test_a_mailbox_that_cannot_be_read_shows_why_and_is_tried_again(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "FIRST_PAUSE_S", 0.05)
    tries = []

    async def watch(inbox: Inbox, post: Post) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise ChannelError("The mail server refused the sign-in.")
        if len(tries) == 2:
            raise ZeroDivisionError
        await post.report(Health(backlog=0))
        await asyncio.Event().wait()

    stand_in(rig, Letterbox(watch))
    task = asyncio.create_task(Watching(rig.house.database, rig.house.kit, lambda: None).run())
    seen = set[str]()

    async def is_well() -> bool:
        found = await rig.rows("SELECT problem, ok_at IS NOT NULL FROM inbox_health")
        seen.update(row.problem for row in found)
        return bool(found) and found[0][1]

    await until(is_well)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert len(tries) == 3
    assert "The mail server refused the sign-in." in seen
    assert await rig.value("SELECT problem FROM inbox_health") == ""
