"""Routing in the hands of supervisors: rules, preview, giving and moving tickets, exclusions, surge."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, Field
from sqlalchemy import or_, select

import routing
from contactcenter.api.deps import HouseDep, Person, Tx, Who
from contactcenter.api.tickets import PROBLEMS, Ref, row_of
from contactcenter.desk import expected, fairness, pages, steering, tickets
from contactcenter.desk.book import AgencyEntry, forget, open_book
from contactcenter.desk.rules import Rules, check, known_of, save
from contactcenter.errors import Forbidden, Refused
from contactcenter.models import EmergencyClosure, Exclusion, RoutingRules, Staff
from contactcenter.schemas import Shape, TicketRow, Words

router = APIRouter(prefix="/api", tags=["routing"], responses=PROBLEMS)
Id = Annotated[int, Path(ge=1, le=2**53)]
Reason = Annotated[Words, Field(min_length=1, max_length=500, description="Kept on the log.")]


async def ruling(who: Who) -> Person:
    if not who.scope.may("read:rules"):
        raise Forbidden("Only supervisors and administrators see the rules.")
    return who


Ruler = Annotated[Person, Depends(ruling, scope="function")]


class RulesOut(BaseModel):
    """The rules in force. Revision 1 stands for the defaults."""

    revision: int
    rules: Rules


class RulesIn(Shape):
    revision: int = Field(ge=1, description="The revision these rules were made from; 409 when there is a newer one.")
    why: Reason
    rules: Rules


class Revision(BaseModel):
    revision: int
    why: str
    made_by: str | None
    made_at: datetime
    rules: dict[str, Any]


class PreviewIn(Shape):
    """A ticket that might come. With `rules` as they would be if saved."""

    queue: Words = Field(max_length=100)
    channel: Words = Field(max_length=40)
    language: str = Field("en", max_length=35)
    priority: int = Field(0, ge=0, le=4)
    vulnerable: bool = False
    rules: Rules | None = None


class RingOut(BaseModel):
    """What is asked from `after_s` seconds on, and how many agents on the books have it."""

    after_s: int
    skills: dict[str, int]
    agents: int


class PreviewOut(BaseModel):
    agent: str | None = Field(description="Who would get it at this moment; null when it would wait.")
    sentence: str
    rings: list[RingOut]
    overflow: list[str]


class GiveIn(Shape):
    staff_id: int = Field(ge=1, le=2**53)
    exceed: bool = Field(False, description="Above the agent's capacity, by choice.")
    why: Reason


class WhyIn(Shape):
    why: Reason


class PriorityIn(Shape):
    priority: int = Field(ge=0, le=4, description="4 is an emergency.")
    vulnerable: bool = False
    why: Reason


class ExclusionIn(Shape):
    staff_id: int = Field(ge=1, le=2**53)
    why: Reason


class ExclusionOut(BaseModel):
    id: int
    staff_id: int
    agent: str
    why: str
    made_at: datetime


class SurgeIn(Shape):
    until: datetime | None = Field(description="When it ends; null ends it now.")
    why: Reason


class ClosingIn(Shape):
    queue: Words | None = Field(None, max_length=100, description="The slug of one queue; absent: all of the agency.")
    until: datetime | None = Field(None, description="When it ends; absent: until further notice.")
    why: Reason


class ClosingOut(BaseModel):
    id: int
    queue: str | None
    starts_at: datetime
    ends_at: datetime | None
    why: str


class AgentShare(BaseModel):
    """Seconds on duty and idle; tickets given; hard ones (relaxed, urgent, by choice or of another team); interruptions."""

    id: int
    name: str
    on_duty_s: float
    idle_s: float
    given: int
    hard: int
    interrupted: int


class WaitOut(BaseModel):
    language: str
    channel: str
    tickets: int
    mean_s: float
    p90_s: float


class FairnessOut(BaseModel):
    """`jain` is the index of the idle shares per queue's own team: 1 is equal, 1/n is one who idles for all."""

    since: datetime
    agents: list[AgentShare]
    jain: dict[str, float | None]
    waits: list[WaitOut]


class CalibrationOut(BaseModel):
    """Of the waits told at this hour of the day, the share that stayed below the 90 % mark; told only from 0.88 to 0.92."""

    channel: str
    hour: int
    share: float
    told_at: datetime


class SentenceOut(BaseModel):
    sentence: str
    able: bool


@router.get("/routing/rules", response_model=RulesOut)
async def read_rules(tx: Tx, who: Ruler) -> Any:
    agency = (await open_book(tx)).agencies[who.scope.agency_id]
    return RulesOut(revision=agency.policy.revision, rules=agency.rules)


@router.put("/routing/rules", response_model=RulesOut)
async def save_rules(tx: Tx, who: Ruler, wanted: RulesIn) -> Any:
    """Save a new revision. Rules that name what does not exist, grow stricter or go in a circle are refused in a sentence."""
    if not who.scope.may("write:rules"):
        raise Forbidden("Only supervisors and administrators change the rules.")
    revision = await save(tx, who.staff, wanted.rules, wanted.why, wanted.revision)
    forget()
    return RulesOut(revision=revision, rules=wanted.rules)


@router.get("/routing/rules/revisions", response_model=list[Revision])
async def revisions(tx: Tx, who: Ruler) -> Any:
    """All revisions, newest first: who changed what, when and why."""
    rows = await tx.execute(
        select(RoutingRules, Staff.name)
        .join(Staff, Staff.id == RoutingRules.made_by, isouter=True)
        .where(RoutingRules.agency_id == who.scope.agency_id)
        .order_by(RoutingRules.revision.desc())
        .limit(200)
    )
    return [
        Revision(revision=row.revision, why=row.why, made_by=name, made_at=row.made_at, rules=row.rules)
        for row, name in rows
    ]


@router.post("/routing/preview", response_model=PreviewOut)
async def preview(tx: Tx, who: Ruler, house: HouseDep, wanted: PreviewIn) -> Any:
    """Where would this ticket go, and why? Nothing is changed."""
    agency = (await open_book(tx)).agencies[who.scope.agency_id]
    queue = agency.queue(wanted.queue)
    if wanted.rules is not None:
        check(wanted.rules, await known_of(tx, who.scope.agency_id))
        agency = agency.under(wanted.rules)
    if wanted.channel not in agency.policy.channels:
        raise Refused(f"There is no channel {wanted.channel!r}.", slug="no-such-channel")
    needs = tickets.needs(agency, queue, wanted.language)
    plan = agency.plan(queue.id, wanted.channel, needs, wanted.priority)
    now = house.kit.now()
    va = tickets.virtual_arrival(agency, wanted.channel, now, wanted.priority, wanted.vulnerable)
    ticket = steering.imagined(plan, queue.id, now, va, wanted.priority, wanted.vulnerable)
    engine, effects, seen = await steering.preview(tx, who.scope, ticket, agency.policy)
    names = await pages.floor_names(tx, agency, who.staff.language)
    agents = seen.agents.get(who.scope.agency_id, [])
    given = next((effect for effect in effects if isinstance(effect, routing.Given)), None)
    if given is not None:
        because = routing.because_of(engine.floor, given)
        sentence = routing.why_this_agent(because, names, who.staff.language)
    else:
        stands = engine.floor.cases[0].as_ticket()
        waiting = routing.why_waiting(stands, [], agents, agency.policy, seen.now)
        sentence = routing.in_words(waiting, who.staff.language)
    slugs = {skill.id: skill.slug for skill in agency.skills.values()}
    return PreviewOut(
        agent=names.agent(given.agent) if given else None,
        sentence=sentence,
        rings=[
            RingOut(
                after_s=ring.after_s,
                skills={slugs[req.skill]: req.min_level for req in ring.signature.reqs},
                agents=sum(routing.misfit(agent, ring.signature, agency.policy) is None for agent in agents),
            )
            for ring in plan.rings
        ],
        overflow=[agency.queues[pool].row.slug for pool, _after in plan.overflow],
    )


@router.post("/tickets/{ref}/override", response_model=TicketRow)
async def override(tx: Tx, who: Who, house: HouseDep, ref: Ref, wanted: GiveIn) -> Any:
    """Give a ticket to a present agent, whatever the rules say; an exclusion always stands."""
    ticket = await steering.give(
        tx, who.scope, who.staff, ref, wanted.staff_id, wanted.why, exceed=wanted.exceed, now=house.kit.now()
    )
    return await row_of(tx, house.kit, who, ticket)


@router.post("/tickets/{ref}/front", response_model=TicketRow)
async def to_front(tx: Tx, who: Who, house: HouseDep, ref: Ref, wanted: WhyIn) -> Any:
    """Let a waiting ticket go before all others of its queue and channel."""
    return await row_of(tx, house.kit, who, await steering.move_to_front(tx, who.scope, who.staff, ref, wanted.why))


@router.put("/tickets/{ref}/priority", response_model=TicketRow)
async def set_priority(tx: Tx, who: Who, house: HouseDep, ref: Ref, wanted: PriorityIn) -> Any:
    ticket = await steering.set_priority(tx, who.scope, who.staff, ref, wanted.priority, wanted.vulnerable, wanted.why)
    return await row_of(tx, house.kit, who, ticket)


@router.get("/tickets/{ref}/why-not/{staff_id}", response_model=SentenceOut)
async def why_not(tx: Tx, who: Who, ref: Ref, staff_id: Id) -> Any:
    """What keeps this agent from the waiting ticket now, in a sentence of your language."""
    agent, ticket, now = await steering.why_not(tx, who.scope, ref, staff_id)
    agency = (await open_book(tx)).agencies[who.scope.agency_id]
    names = await pages.floor_names(tx, agency, who.staff.language)
    return SentenceOut(
        sentence=routing.why_not(agent, ticket, agency.policy, now, names, who.staff.language),
        able=routing.first_failing_check(agent, ticket, agency.policy, now) is None,
    )


@router.get("/contacts/{contact_id}/exclusions", response_model=list[ExclusionOut])
async def exclusions(tx: Tx, who: Who, contact_id: Id) -> Any:
    """Who may not have this person's tickets, and why. Agents do not see this."""
    await steering.seen_contact(tx, who.scope, contact_id)
    await ruling(who)
    rows = await tx.execute(
        select(Exclusion, Staff.name)
        .join(Staff, Staff.id == Exclusion.staff_id)
        .where(
            Exclusion.contact_id == contact_id,
            Exclusion.agency_id == who.scope.agency_id,
            Exclusion.lifted_at.is_(None),
        )
        .order_by(Exclusion.id)
    )
    return [
        ExclusionOut(id=row.id, staff_id=row.staff_id, agent=name, why=row.why, made_at=row.made_at)
        for row, name in rows
    ]


@router.post("/contacts/{contact_id}/exclusions", status_code=204)
async def exclude(tx: Tx, who: Who, house: HouseDep, contact_id: Id, wanted: ExclusionIn) -> None:
    """This agent never gets a ticket of this person. No rule and no supervisor's choice goes past it."""
    await steering.exclude(tx, who.scope, who.staff, contact_id, wanted.staff_id, wanted.why, house.kit.now())


@router.post("/exclusions/{exclusion_id}/lifting", status_code=204)
async def lift(tx: Tx, who: Who, exclusion_id: Id, wanted: WhyIn) -> None:
    await steering.lift(tx, who.scope, who.staff, exclusion_id, wanted.why)


@router.put("/queues/{queue}/surge", status_code=204)
async def surge(tx: Tx, who: Who, house: HouseDep, queue: str, wanted: SurgeIn) -> None:
    """While it lasts: no waiting for one agent, no reserve, preferred skills dropped, overflow at once, no offers to answer."""
    await steering.surge(tx, who.scope, who.staff, queue, wanted.until, wanted.why, house.kit.now())


@router.get("/routing/fairness", response_model=FairnessOut)
async def fair(tx: Tx, who: Ruler, house: HouseDep, hours: Annotated[int, Query(ge=1, le=24 * 31)] = 24) -> Any:
    """Idle time and hard work per agent, waits per language and channel, over the last hours."""
    found = await fairness.ledger(tx, who.scope.agency_id, house.kit.now(), hours)
    agency = (await open_book(tx)).agencies[who.scope.agency_id]
    return FairnessOut(
        since=found["since"],
        agents=[
            AgentShare(id=one.staff_id, name=one.name, on_duty_s=one.on_duty_s, idle_s=one.idle_s, given=one.given,
                       hard=one.hard, interrupted=one.interrupted)
            for one in found["agents"]
        ],
        jain={agency.queues[pool].row.slug: index for pool, index in found["pools"].items()},
        waits=[WaitOut(**row) for row in found["waits"]],
    )  # fmt: skip


@router.get("/routing/calibration", response_model=list[CalibrationOut])
async def calibration(tx: Tx, who: Ruler) -> Any:
    """How well expected waits have held, by channel and hour."""
    rows = await expected.calibration(tx, who.scope.agency_id)
    return [CalibrationOut(channel=row.channel, hour=row.hour, share=row.share, told_at=row.told_at) for row in rows]


@router.get("/emergency-closures", response_model=list[ClosingOut])
async def closings(tx: Tx, who: Ruler, house: HouseDep) -> Any:
    """The closures that are not over."""
    agency = (await open_book(tx)).agencies[who.scope.agency_id]
    rows = await tx.scalars(
        select(EmergencyClosure)
        .where(
            EmergencyClosure.agency_id == who.scope.agency_id,
            or_(EmergencyClosure.ends_at.is_(None), EmergencyClosure.ends_at > house.kit.now()),
        )
        .order_by(EmergencyClosure.id)
    )
    return [_closing(row, agency) for row in rows]


def _closing(row: EmergencyClosure, agency: AgencyEntry) -> ClosingOut:
    slug = agency.queues[row.queue_id].row.slug if row.queue_id else None
    return ClosingOut(id=row.id, queue=slug, starts_at=row.starts_at, ends_at=row.ends_at, why=row.why)


@router.post("/emergency-closures", response_model=ClosingOut, status_code=201)
async def close_queues(tx: Tx, who: Who, house: HouseDep, wanted: ClosingIn) -> Any:
    """Close a queue or the whole agency at once, whatever the hours say. Citizens are told the date that this leaves true."""
    made = await steering.close_queues(
        tx, who.scope, who.staff, wanted.queue, wanted.until, wanted.why, house.kit.now()
    )
    forget()
    return _closing(made, (await open_book(tx)).agencies[who.scope.agency_id])


@router.post("/emergency-closures/{closure_id}/ending", status_code=204)
async def open_again(tx: Tx, who: Who, house: HouseDep, closure_id: Id) -> None:
    await steering.open_again(tx, who.scope, who.staff, closure_id, house.kit.now())
    forget()
