"""How fast a sender sends: never more than the provider lets through, answers first, everybody in their turn."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from channels.base import Capabilities, ErrorClass, Measure, Outbound, SendError, Sent, TryLater
from contactcenter.desk import book, outbox, pacing
from tests.desk.outgoing import answer, deliver, facts, row, row_of
from tests.desk.provider import Provider, stand_in
from tests.desk_rig import Rig

_numbers = count(1)


class Metered(Provider):
    """A paced sender; a text of n times ``#`` has n parts."""

    capabilities = Capabilities(endpoint_kind="phone", max_text=1600, pace="soon", receipts=True, metered=True)

    def measure(self, outbound: Outbound) -> Measure:
        return Measure(max(1, outbound.text.count("#")), len(outbound.text))


@dataclass
class Street:
    """A sender of its own with a ticket for every citizen, on a clock that can be moved on."""

    rig: Rig
    inbox: int
    shift: float = 0.0
    left: list[tuple[float, int, int, int, int]] = field(default_factory=list)
    """(when, id, ticket, lane, parts) of whatever was let go."""

    async def wants(self, ticket: int, lane: int = 0, parts: int = 1, many: int = 1) -> list[int]:
        """So many messages wait on the ticket of citizen number ``ticket``; gives their deliveries."""
        sql = """
            WITH m AS (INSERT INTO message (ticket_id, seq, direction, author_kind, channel, inbox_id, body_text)
              SELECT t.id, t.message_seq + n, 'out', 'staff', 'sms', :inbox, 'x' FROM ticket t, generate_series(1, :many) n
              WHERE t.reference = :ref RETURNING id, ticket_id, seq),
            u AS (UPDATE ticket SET message_seq = message_seq + :many WHERE reference = :ref)
            INSERT INTO delivery (message_id, ticket_id, endpoint_id, channel, deadline, inbox_id, lane, parts)
            SELECT m.id, t.id, t.endpoint_id, 'sms', clock_timestamp() + interval '4 hours', :inbox, :lane, :parts
            FROM m JOIN ticket t ON t.id = m.ticket_id ORDER BY m.seq RETURNING id"""
        await self._citizens([ticket])
        values = {"inbox": self.inbox, "ref": self._ref(ticket), "lane": lane, "parts": parts, "many": many}
        async with self.rig.house.database.transaction() as tx:
            return sorted(await tx.scalars(text(sql), values))

    async def _citizens(self, tickets: Sequence[int]) -> None:
        sql = """
            WITH wanted AS (SELECT n, CAST(:stem AS text) || '-' || n AS ref FROM unnest(CAST(:numbers AS int[])) n
              WHERE NOT EXISTS (SELECT 1 FROM ticket t WHERE t.reference = CAST(:stem AS text) || '-' || n)),
            c AS (INSERT INTO contact (agency_id, name) SELECT :agency, ref FROM wanted RETURNING id, name),
            e AS (INSERT INTO endpoint (agency_id, kind, raw, canonical, contact_id)
              SELECT :agency, 'phone', name, name, id FROM c RETURNING id, contact_id, canonical)
            INSERT INTO ticket (agency_id, reference, queue_id, contact_id, endpoint_id, inbox_id, channel, subject, language, status,
              arrived_at, va, next_action_at)
            SELECT :agency, e.canonical, (SELECT min(id) FROM queue), e.contact_id, e.id, :inbox, 'sms', '', 'en', 'queued',
              clock_timestamp(), clock_timestamp(), clock_timestamp() FROM e"""
        values = {"stem": f"P{self.inbox}", "numbers": list(tickets), "agency": self.rig.agency_id, "inbox": self.inbox}
        async with self.rig.house.database.transaction() as tx:
            await tx.execute(text(sql), values)

    def _ref(self, ticket: int) -> str:
        return f"P{self.inbox}-{ticket}"

    async def broadcast(self, many: int) -> None:
        """One message to each of so many citizens."""
        await self._citizens(range(1000, 1000 + many))
        await self.rig.run(
            """
            WITH m AS (INSERT INTO message (ticket_id, seq, direction, author_kind, channel, inbox_id, body_text)
              SELECT t.id, t.message_seq + 1, 'out', 'staff', 'sms', :inbox, 'x' FROM ticket t WHERE t.inbox_id = :inbox
                AND split_part(t.reference, '-', 2)::int >= 1000 RETURNING id, ticket_id)
            INSERT INTO delivery (message_id, ticket_id, endpoint_id, channel, deadline, inbox_id, lane)
            SELECT m.id, t.id, t.endpoint_id, 'sms', clock_timestamp() + interval '4 hours', :inbox, 2
            FROM m JOIN ticket t ON t.id = m.ticket_id""",
            inbox=self.inbox,
        )
        await self.rig.run("ANALYZE delivery")

    async def passes(self, seconds: float) -> None:
        """For this sender, all that happened happened so much earlier."""
        self.shift += seconds
        values = {"inbox": self.inbox, "s": seconds}
        await self.rig.run(
            "UPDATE sender_pace SET filled_at = filled_at - make_interval(secs => :s), "
            "slowed_at = slowed_at - make_interval(secs => :s) WHERE inbox_id = :inbox",
            **values,
        )
        await self.rig.run(
            "UPDATE delivery SET released_at = released_at - make_interval(secs => :s), due_at = due_at - make_interval(secs => :s), "
            "handed_at = handed_at - make_interval(secs => :s) WHERE inbox_id = :inbox",
            **values,
        )

    async def go(self, *, send: bool = True) -> list[int]:
        """One round; what was let go is sent at once."""
        async with self.rig.house.database.transaction() as tx:
            gone = await pacing.release(tx, self.inbox)
        rows = {
            one.id: one
            for one in await self.rig.rows(
                "SELECT id, ticket_id, lane, parts, extract(epoch FROM released_at)::float AS at FROM delivery WHERE id = ANY(:ids)",
                ids=gone,
            )
        }
        self.left += [(rows[i].at + self.shift, i, rows[i].ticket_id, rows[i].lane, rows[i].parts) for i in gone]
        if send and gone:
            await self.rig.run(
                "UPDATE delivery SET state = 'sent', handed_at = clock_timestamp() - interval '1 hour' WHERE id = ANY(:ids)",
                ids=gone,
            )
        return gone

    async def bucket(self) -> Any:
        return (await self.rig.rows("SELECT * FROM sender_pace WHERE inbox_id = :i", i=self.inbox))[0]


async def street(rig: Rig, **config: Any) -> Street:
    number = next(_numbers)
    inbox = await rig.value(
        "INSERT INTO inbox (agency_id, queue_id, slug, channel, address, name, config) SELECT :agency, min(id), :slug, 'sms', "
        ":slug, 'Paced', CAST(:config AS jsonb) FROM queue RETURNING id",
        agency=rig.agency_id, slug=f"paced-{number}", config=json.dumps(config),
    )  # fmt: skip
    book.forget()
    return Street(rig, inbox)


# --- the rate -------------------------------------------------------------------------------------------------------------

arrivals = st.lists(
    st.tuples(st.integers(1, 4), st.integers(0, 2), st.sampled_from((1, 1, 2, 5)), st.floats(0, 4)), min_size=1, max_size=14
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(came=arrivals, rate=st.sampled_from((0.5, 1.0, 3.0)), burst=st.sampled_from((1, 3, 4)))
async def test_no_window_sees_more_parts_than_its_time_allows_and_everything_leaves(
    rig: Rig, came: list[tuple[int, int, int, float]], rate: float, burst: int
) -> None:
    here = await street(rig, parts_per_second=rate, burst=burst)
    waiting: dict[int, int] = {}
    for ticket, lane, parts, pause in came:
        for one in await here.wants(ticket, lane, parts):
            waiting[one] = lane
        gone = await here.go()
        _best_first(gone, waiting)
        await here.passes(pause)
    for _ in range(200):
        if not waiting:
            break
        gone = await here.go()
        _best_first(gone, waiting)
        await here.passes(1.0)
    assert waiting == {}, "somebody waited for ever"
    biggest = max(burst, *(parts for _, _, parts, _ in came))
    for first, (since, *_) in enumerate(here.left):
        for last in range(first, len(here.left)):
            until = here.left[last][0]
            parts = sum(one[4] for one in here.left[first : last + 1])
            assert parts <= biggest + rate * (until - since) + 0.05 * rate, "more than the window's time allows"


def _best_first(gone: list[int], waiting: dict[int, int]) -> None:
    """Post that goes to many left only where no answer of another ticket could; checked by lane over the whole round."""
    lanes = [waiting.pop(one) for one in gone]
    assert lanes == sorted(lanes), "within a round answers come first"


@pytest.mark.parametrize("parts", [1, 3, 8])
async def test_a_lone_answer_leaves_at_once(rig: Rig, parts: int) -> None:
    here = await street(rig)
    wanted = await here.wants(1, parts=parts)
    assert await here.go() == wanted


async def test_a_long_answer_is_paid_for_before_the_next_leaves(rig: Rig) -> None:
    here = await street(rig, parts_per_second=1, burst=3)
    await here.wants(1, parts=8)
    await here.go()
    after = await here.wants(2)
    await here.passes(5.5)
    assert await here.go() == [], "eight parts take eight seconds, three of which were saved up"
    await here.passes(0.6)
    assert await here.go() == after


async def test_settings_that_make_no_sense_are_the_usual_rate() -> None:
    assert pacing.budget_of({"parts_per_second": "fast", "burst": -1, "parts_per_day": "0"}) == pacing.Budget()
    assert pacing.budget_of({"parts_per_second": "3", "burst": "10", "parts_per_day": "200"}) == pacing.Budget(
        3.0, 10.0, 200
    )


async def test_what_was_let_go_and_has_not_left_counts_while_the_provider_is_slow(rig: Rig) -> None:
    here = await street(rig, parts_per_second=1, burst=3)
    for citizen in range(1, 11):
        await here.wants(citizen)
    assert len(await here.go(send=False)) == 3
    await here.passes(60)
    assert await here.go(send=False) == [], "or all would leave at once when it answers again"


# --- turns ----------------------------------------------------------------------------------------------------------------


async def test_a_broadcast_to_five_thousand_never_delays_a_conversation(rig: Rig) -> None:
    here = await street(rig, parts_per_second=1, burst=3)
    await here.broadcast(5000)
    await here.go()
    took = []
    for citizen in range(1, 6):
        wanted = await here.wants(citizen)
        await rig.run("UPDATE sender_pace SET tokens = 0, filled_at = clock_timestamp()")
        assert await here.go() == [], "the bucket is empty"
        await here.passes(1.0)
        began = time.monotonic()
        assert await here.go() == wanted, "the next part is the answer's"
        took.append(time.monotonic() - began)
    assert min(took) < 0.5, "a look at what waits stays cheap"


async def test_an_answer_does_not_wait_for_a_broadcast_to_the_same_person(rig: Rig) -> None:
    here = await street(rig, burst=1)
    await here.wants(7)
    await here.go()
    bulk, mine = await here.wants(1, lane=2), await here.wants(1)
    await here.passes(1.1)
    assert await here.go() == mine
    await here.passes(1.1)
    assert await here.go() == bulk


async def test_on_one_address_what_was_written_first_leaves_first(rig: Rig) -> None:
    here = await street(rig, burst=1)
    ack, mine = await here.wants(1, lane=1), await here.wants(1)
    other = await here.wants(2)
    order = []
    for _ in range(3):
        order += await here.go()
        await here.passes(1.1)
    assert order == [*other, *ack, *mine], (
        "the answer of another comes before an acknowledgement; mine comes after its own"
    )


async def test_tickets_take_turns(rig: Rig) -> None:
    here = await street(rig, burst=1)
    chatty = await here.wants(1, many=3)
    second, third = await here.wants(2), await here.wants(3)
    order = []
    for _ in range(5):
        order += await here.go()
        await here.passes(1.1)
    assert order == [chatty[0], *second, *third, *chatty[1:]]


async def test_an_acknowledgement_that_waited_a_minute_counts_as_an_answer(rig: Rig) -> None:
    here = await street(rig, burst=1)
    await here.wants(9)
    await here.go()
    ack = await here.wants(1, lane=1)
    await here.passes(0.5)
    await here.wants(2)
    await here.passes(0.1)
    await here.rig.run("UPDATE delivery SET due_at = due_at - interval '61 seconds' WHERE id = :id", id=ack[0])
    await here.passes(1.0)
    assert await here.go() == ack


async def test_after_a_long_text_the_next_to_the_same_phone_waits_for_its_report(rig: Rig) -> None:
    here = await street(rig, burst=20)
    first = await here.wants(1, parts=4)
    assert await here.go() == first
    await rig.run("UPDATE delivery SET handed_at = clock_timestamp() WHERE id = :id", id=first[0])
    second, other = await here.wants(1), await here.wants(2)
    assert await here.go() == other
    await rig.run("UPDATE delivery SET state = 'delivered' WHERE id = :id", id=first[0])
    assert await here.go() == second


# --- slower, capped, late -------------------------------------------------------------------------------------------------


async def test_a_provider_that_is_asked_for_too_much_halves_the_rate_and_gets_it_back_slowly(rig: Rig) -> None:
    here = await street(rig, parts_per_second=4, burst=1)
    await here.wants(1)
    await here.go()
    async with rig.house.database.transaction() as tx:
        await pacing.slow(tx, here.inbox)
        await pacing.slow(tx, here.inbox)
    wanted = await here.wants(2)
    await here.passes(0.7)
    assert await here.go() == [], "one part a second now"
    await here.passes(0.35)
    assert await here.go() == wanted
    await here.passes(121)
    assert len(await here.wants(3)) == len(await here.go())
    wanted = await here.wants(4)
    await here.passes(0.26)
    assert await here.go() == wanted, "after two quiet minutes it is as fast as before"


async def test_a_throttled_text_uses_up_no_attempt_and_slows_its_sender(rig: Rig) -> None:
    provider = stand_in(rig, Metered(sends=[TryLater(SendError(ErrorClass.THROTTLED, "20429"), 5), Sent("SM1")]))
    await rig.run("UPDATE queue SET undo_s = 0")
    ticket = await rig.text("+12025550117", "The street light is out")
    assert ticket is not None
    await rig.run("UPDATE delivery SET state = 'delivered'")
    message = await answer(rig, "ben", ticket.reference)
    delivery = (await row_of(rig, message)).id
    assert await deliver(rig, delivery)
    after = await row(rig, delivery)
    assert (after.state, after.attempts, after.released_at) == ("queued", 0, None)
    assert await rig.value("SELECT slowed FROM sender_pace") == pytest.approx(0.5, abs=0.01)
    assert provider.asked == ["send"]


async def test_at_the_days_limit_it_stays_queued_with_its_reason_and_leaves_the_next_day(rig: Rig) -> None:
    here = await street(rig, parts_per_second=100, burst=100, parts_per_day=2)
    for citizen in (1, 2):
        await here.wants(citizen)
    assert len(await here.go()) == 2
    late = await here.wants(3)
    assert await here.go() == [] and await here.go() == []
    waits = await row(rig, late[0])
    assert (waits.state, waits.error_kind) == ("queued", "throttled")
    assert "tomorrow" in (waits.error_text or "")
    assert [one["parts"] for one in await facts(rig, "sender.capped")] == [2], "said once"
    assert len(await facts(rig, "delivery.changed")) == 1
    left = waits.deadline.timestamp() - time.time()
    assert left > 4 * 3600 - 60, "the night does not use up its time"
    await rig.run("UPDATE sender_pace SET day = day - 1 WHERE inbox_id = :i", i=here.inbox)
    assert await here.go() == late
    assert (await row(rig, late[0])).error_text is None


async def test_what_waited_too_long_for_its_turn_fails_visibly_and_costs_nothing(rig: Rig) -> None:
    stand_in(rig, Metered())
    here = await street(rig, burst=1)
    await here.wants(1)
    await here.go()
    late = await here.wants(2)
    await rig.run("UPDATE delivery SET deadline = clock_timestamp() - interval '1 second' WHERE id = :id", id=late[0])
    before = (await here.bucket()).tokens
    assert await deliver(rig, late[0])
    assert (await row(rig, late[0])).state == "failed"
    assert (await here.bucket()).tokens == before


# --- the desk -------------------------------------------------------------------------------------------------------------


async def test_answers_of_agents_are_counted_in_parts_and_leave_when_they_are_rung_for(rig: Rig) -> None:
    stand_in(rig, Metered())
    ticket = await rig.text("+12025550117", "The street light is out")
    assert ticket is not None
    await rig.run("UPDATE delivery SET state = 'delivered'")
    message = await answer(rig, "ben", ticket.reference, "##")
    waits = await row_of(rig, message)
    assert (waits.inbox_id, waits.lane, waits.parts) == (ticket.inbox_id, 0, 2)
    assert rig.rung[-1] == waits.id
    async with rig.house.database.transaction() as tx:
        released = await pacing.release_waiting(tx)
        again = await outbox.waiting_from(tx, waits.id)
    assert (released, again) == ([waits.id], [waits.id])


async def test_a_channel_that_is_not_metered_knows_no_pace(rig: Rig) -> None:
    stand_in(rig, Provider())
    ticket = await rig.text("+12025550117", "The street light is out")
    assert ticket is not None
    message = await answer(rig, "ben", ticket.reference)
    waits = await row_of(rig, message)
    assert (waits.inbox_id, waits.released_at) == (None, None)
    async with rig.house.database.transaction() as tx:
        assert await pacing.release_waiting(tx) == []
