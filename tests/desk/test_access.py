"""Who sees a ticket: the rule in the database and the rule in hand are one."""

from datetime import UTC, datetime
from itertools import product

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from contactcenter.desk.access import Scope, scope_of
from contactcenter.models import Ticket
from tests.desk_rig import Rig, move_in

ROLES = ("agent", "supervisor", "admin")
scopes = st.builds(
    Scope, agency_id=st.integers(1, 3), staff_id=st.integers(1, 5), role=st.sampled_from(ROLES),
    queue_ids=st.frozensets(st.integers(1, 6), max_size=4),
)  # fmt: skip


async def every_kind_of_ticket(tx: AsyncSession) -> None:
    """One ticket for each mixture of agency, queue and owner, in a table without foreign keys that only we see."""
    await tx.execute(text("CREATE TEMP TABLE ticket (LIKE ticket INCLUDING DEFAULTS) ON COMMIT DROP"))
    now = datetime.now(UTC)
    rows = [
        {"id": number, "ref": f"T-{number}", "agency": agency, "queue": queue, "owner": owner, "now": now}
        for number, (agency, queue, owner) in enumerate(product((1, 2), (1, 2, 3, 4, 5), (None, 1, 2, 3)))
    ]
    await tx.execute(
        text(
            "INSERT INTO ticket (id, agency_id, reference, queue_id, contact_id, endpoint_id, inbox_id, channel, subject, "
            "language, status, owner_id, arrived_at, va) VALUES (:id, :agency, :ref, :queue, 1, 1, 1, 'x', '', "
            "'en', 'assigned', :owner, :now, :now)"
        ),
        rows,
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(scope=scopes)
async def test_the_rule_in_the_database_and_the_rule_in_hand_agree(rig: Rig, scope: Scope) -> None:
    async with rig.house.database.transaction() as tx:
        await every_kind_of_ticket(tx)
        rows = (await tx.execute(select(Ticket.id, Ticket.agency_id, Ticket.queue_id, Ticket.owner_id))).all()
        listed = set(await tx.scalars(select(Ticket.id).where(scope.condition())))
    assert len(rows) == 40
    assert listed == {row.id for row in rows if scope.sees(row.agency_id, row.queue_id, row.owner_id)}


@given(scopes, st.sampled_from(["queued", "held", "offered", "assigned", "closed"]), st.none() | st.integers(1, 5))
def test_an_admin_reads_and_never_answers(scope: Scope, status: str, owner: int | None) -> None:
    if scope.role == "admin":
        assert scope.can(status, owner) == ()
    elif status == "closed":
        assert "reply:ticket" not in scope.can(status, owner)
    elif scope.role == "agent" and owner not in (None, scope.staff_id):
        assert not {"resolve:ticket", "transfer:ticket", "claim:ticket"} & set(scope.can(status, owner))


@given(scopes, st.integers(1, 6), st.none() | st.integers(1, 5))
def test_nobody_sees_into_another_agency(scope: Scope, queue: int, owner: int | None) -> None:
    assert not scope.sees(scope.agency_id + 1, queue, owner)


async def test_a_person_sees_the_queues_they_work_in_and_what_is_theirs(rig: Rig) -> None:
    await move_in(rig)
    ticket = await rig.text("+12025550117", "The street light is out")
    assert ticket is not None
    seen = {}
    for username in ("ana", "ben", "lu", "sam", "root", "kim", "max"):
        scope = await rig.scope(username)
        async with rig.house.database.transaction() as tx:
            seen[username] = (
                await tx.scalar(select(Ticket.id).where(Ticket.id == ticket.id, scope.condition())) is not None
            )
    assert seen == {"ana": True, "ben": True, "lu": False, "sam": True, "root": True, "kim": False, "max": False}


async def test_leaving_a_queue_ends_the_sight_of_it_at_once(rig: Rig) -> None:
    ticket = await rig.text("+12025550117", "The street light is out")
    assert ticket is not None
    ben = await rig.staff("ben")
    await rig.run("DELETE FROM staff_queue WHERE staff_id = :id", id=ben.id)
    async with rig.house.database.transaction() as tx:
        scope = await scope_of(tx, ben)
    assert not scope.sees(ticket.agency_id, ticket.queue_id, None)
    assert scope.sees(ticket.agency_id, ticket.queue_id, ben.id)
