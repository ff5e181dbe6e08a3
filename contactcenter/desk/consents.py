"""What a person allows. One function decides every send, and a wish to hear no more is obeyed at once."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from channels.base import Channel, ConsentChange, Proof
from contactcenter import events
from contactcenter.desk import deliveries, lines, people
from contactcenter.desk.access import Scope
from contactcenter.desk.book import open_book
from contactcenter.desk.kit import Kit
from contactcenter.errors import Conflict, Forbidden, NotFound, Refused
from contactcenter.models import Consent, Endpoint, Staff, Ticket
from contactcenter.models.tickets import OPEN

PURPOSES = ("service", "notice", "marketing")
ALL_FROM = date(2027, 1, 31)
"""From this day one revocation ends every purpose (47 CFR 64.1200(a)(10), as waived until then). An agency may begin earlier,
or stay with the narrow reading, by ``revoke_all`` beside its channels."""
QUIET_BEFORE, QUIET_FROM = 9, 20
"""Hours of the recipient's clock between which nobody is written to unasked."""
BAD_EVENTS = 2

WhyNot = Literal["opted_out", "bad_address", "closed", "window", "complained", "quiet"]

# A person's own no is stronger than words that may mean it.
_SET = text(
    """
    INSERT INTO consent (endpoint_id, purpose, state, evidence, at) VALUES (:endpoint, :purpose, :state, :evidence, :at)
    ON CONFLICT (endpoint_id, purpose) DO UPDATE SET state = :state, evidence = :evidence, at = :at
    WHERE NOT (consent.state = 'revoked' AND :state = 'doubted')
    """
)
_SHOWN_LAST = text(
    """
    SELECT m.body_text FROM delivery d JOIN message m ON m.id = d.message_id WHERE d.ticket_id IN
      (SELECT id FROM ticket WHERE contact_id = :contact) AND d.endpoint_id = :endpoint
      AND d.state NOT IN ('held', 'queued', 'canceled') ORDER BY d.id DESC LIMIT 1
    """
)
_HEARD_LAST = text(
    """
    SELECT max(m.created_at) FROM ticket t JOIN message m ON m.ticket_id = t.id
    WHERE t.contact_id = :contact AND m.direction = 'in' AND m.author_endpoint_id = :endpoint
    """
)
_STATES = text("SELECT purpose, state FROM consent WHERE endpoint_id = :endpoint")
_LINES = {"revoked": "opted_out", "given": "opted_in", "doubted": "consent_doubted"}


# --- what a person says ---------------------------------------------------------------------------------------------------


async def change(
    tx: AsyncSession, agency_id: int, wanted: ConsentChange, *, kit: Kit | None = None, now: datetime | None = None
) -> int:
    """Write down a person's wish, cancel what has not left yet, and tell the open tickets. Gives the endpoint id.

    The wish holds for the address, so for every channel that writes to it. ``kit``: then the agent is told by which other
    address the person may be reached; nothing goes there by itself.
    """
    now = now or datetime.now(UTC)
    await people.serialise(tx, agency_id, wanted.address.kind, wanted.address.canonical)
    endpoint = await people.find_or_create(tx, agency_id, wanted.address)
    purposes = await _purposes(tx, agency_id, wanted, now)
    await _set(tx, endpoint.id, purposes, wanted.state, wanted.evidence, now)
    if wanted.state == "revoked" and "service" in purposes:
        await deliveries.cancel_unsent(tx, endpoint.id)
    shown = await tx.scalar(_SHOWN_LAST, {"contact": endpoint.contact_id, "endpoint": endpoint.id})
    await events.record_beside(
        tx, "consent.changed", agency_id, events.Actor("citizen", endpoint.contact_id), endpoint=endpoint.id,
        purpose=wanted.purpose, purposes=purposes, after=wanted.state, why=wanted.evidence[:500], shown=(shown or "")[:500],
    )  # fmt: skip
    await _tell_agents(tx, kit, endpoint, wanted)
    return endpoint.id


async def _purposes(tx: AsyncSession, agency_id: int, wanted: ConsentChange, now: datetime) -> list[str]:
    if wanted.state != "revoked":
        return [wanted.purpose]
    agency = (await open_book(tx)).agencies[agency_id].row
    everything = agency.channels.get("revoke_all")
    if everything is None:
        everything = now.astimezone(ZoneInfo(agency.timezone)).date() >= ALL_FROM
    return sorted({wanted.purpose, *PURPOSES}) if everything else [wanted.purpose]


async def _set(
    tx: AsyncSession, endpoint_id: int, purposes: Sequence[str], state: str, evidence: str, now: datetime
) -> None:
    for purpose in purposes:
        await tx.execute(
            _SET,
            {"endpoint": endpoint_id, "purpose": purpose, "state": state, "evidence": evidence[:500], "at": now},
        )


async def _tell_agents(tx: AsyncSession, kit: Kit | None, endpoint: Endpoint, wanted: ConsentChange) -> None:
    others = []
    if kit is not None and wanted.state == "revoked":
        others = await allowed_elsewhere(tx, kit, endpoint.contact_id, endpoint.id)
    query = select(Ticket).where(Ticket.endpoint_id == endpoint.id, text(OPEN)).order_by(Ticket.id).with_for_update()
    for ticket in await tx.scalars(query, execution_options={"populate_existing": True}):
        await lines.add(tx, ticket, _LINES[wanted.state], visibility="internal", text=wanted.evidence[:200])
        if kit is not None and others:
            channel = _channel_of(kit, others[0])
            assert channel is not None, "allowed_elsewhere gives only addresses that a channel can reach"
            await lines.add(
                tx, ticket, "allowed_elsewhere", visibility="internal", endpoint=others[0].id, channel=channel.name,
                shown=channel.shown(others[0].canonical),
            )  # fmt: skip


# --- what an agent settles ------------------------------------------------------------------------------------------------


async def decide(
    tx: AsyncSession, scope: Scope, staff: Staff, endpoint_id: int, state: Literal["given", "revoked"]
) -> Endpoint:
    """An agent says what a doubted wish meant, or writes down a no that was spoken. Only the person takes their own no back.

    Raises NotFound for an address of nobody whose ticket the agent may see, Forbidden for who answers nobody, Conflict
    ``revoked`` where the person said stop.
    """
    if state not in ("given", "revoked"):
        raise Refused("Say whether the person allows it or not.", slug="state")
    endpoint = await _seen(tx, scope, endpoint_id)
    if scope.role == "admin":
        raise Forbidden("Only those who answer people decide about their wishes.")
    before = await _state(tx, endpoint_id)
    if state == "given" and before == "revoked":
        raise Conflict("This person said stop. Only they can take that back, by writing START.", slug="revoked")
    await people.serialise(tx, endpoint.agency_id, endpoint.kind, endpoint.canonical)
    await _set(tx, endpoint_id, ["service"], state, f"decided by {staff.name}", datetime.now(UTC))
    if state == "revoked":
        await deliveries.cancel_unsent(tx, endpoint_id)
    await events.record_beside(
        tx, "consent.changed", endpoint.agency_id, events.Actor("staff", staff.id), endpoint=endpoint_id, purpose="service",
        before=before, after=state, why="decided by an agent",
    )  # fmt: skip
    query = select(Ticket).where(Ticket.endpoint_id == endpoint_id, text(OPEN)).order_by(Ticket.id).with_for_update()
    for ticket in await tx.scalars(query, execution_options={"populate_existing": True}):
        actor = events.Actor("staff", staff.id)
        await lines.add(tx, ticket, "consent_decided", visibility="internal", actor=actor, state=state, name=staff.name)
    return endpoint


async def _seen(tx: AsyncSession, scope: Scope, endpoint_id: int) -> Endpoint:
    endpoint = await tx.get(Endpoint, endpoint_id)
    seen = endpoint is not None and await tx.scalar(
        select(Ticket.id).where(Ticket.contact_id == endpoint.contact_id, scope.condition()).limit(1)
    )
    if endpoint is None or not seen:
        raise NotFound("There is no such address that you may see.")
    return endpoint


async def _state(tx: AsyncSession, endpoint_id: int, purpose: str = "service") -> str:
    found = await tx.scalar(select(Consent.state).where(Consent.endpoint_id == endpoint_id, Consent.purpose == purpose))
    return found or "implied"


# --- may we write? --------------------------------------------------------------------------------------------------------


async def why_not(
    tx: AsyncSession, endpoint: Endpoint, *, automatic: bool = False, proactive: bool = False, now: datetime | None = None,
    kit: Kit | None = None,
) -> WhyNot | None:  # fmt: skip
    """Why nothing may be sent to this endpoint now, or None when it may.

    A person's answer is stopped only by a revocation and by the time in which the channel lets us answer. What the desk says by
    itself (``automatic``) also by doubt, a complaint or an address that failed twice; what nobody waits for (``proactive``)
    by the quiet hours too. ``kit``: without it the channel's own time limit and the zones of a number are not known.
    """
    now = now or (kit.now() if kit else datetime.now(UTC))
    states = {purpose: state for purpose, state in await tx.execute(_STATES, {"endpoint": endpoint.id})}
    if states.get("service") == "revoked":
        return "opted_out"
    if automatic or proactive:
        barred = _unasked(endpoint, states, proactive)
        if barred is not None:
            return barred
    channel = _channel_of(kit, endpoint, await _ours(tx, endpoint)) if kit is not None else None
    if channel is not None and await _window_passed(tx, channel, endpoint, now):
        return "window"
    if proactive and quiet(await _zones(tx, channel, endpoint), now):
        return "quiet"
    return None


def _unasked(endpoint: Endpoint, states: dict[str, str], proactive: bool) -> WhyNot | None:
    if states.get("service") == "doubted" or (proactive and states.get("notice") in ("revoked", "doubted")):
        return "opted_out"
    if endpoint.complained_at is not None:
        return "complained"
    return "bad_address" if endpoint.bad_events >= BAD_EVENTS else None


async def _ours(tx: AsyncSession, endpoint: Endpoint) -> str | None:
    """The channel of the address of ours that the person knows."""
    box = (await open_book(tx)).inboxes.get(endpoint.inbox_id or 0)
    return box.channel if box is not None else None


def _channel_of(kit: Kit, endpoint: Endpoint, preferred: str | None = None) -> Channel | None:
    """The channel that writes to this kind of address: the one the person used, else the first."""
    able = [one for one in kit.channels.values() if one.capabilities.endpoint_kind == endpoint.kind]
    return next((one for one in able if one.name == preferred), able[0] if able else None)


async def _window_passed(tx: AsyncSession, channel: Channel, endpoint: Endpoint, now: datetime) -> bool:
    window = channel.capabilities.reply_window
    if window is None:
        return False
    heard = await tx.scalar(_HEARD_LAST, {"contact": endpoint.contact_id, "endpoint": endpoint.id})
    return heard is None or now - heard > window


async def _zones(tx: AsyncSession, channel: Channel | None, endpoint: Endpoint) -> tuple[str, ...]:
    zones = channel.zones(endpoint.canonical) if channel is not None else ()
    return zones or ((await open_book(tx)).agencies[endpoint.agency_id].row.timezone,)


def quiet(zones: Sequence[str], now: datetime) -> bool:
    """Whether it is early or late in any of the zones in which the person may be (47 CFR 64.1200(c)(1), an hour stricter)."""
    return any(not QUIET_BEFORE <= now.astimezone(ZoneInfo(zone)).hour < QUIET_FROM for zone in zones)


# --- another way to the person --------------------------------------------------------------------------------------------

_BELIEVED = (
    Proof.PROVIDER_ATTESTED.value, Proof.DMARC_ALIGNED.value, Proof.VERIFIED_LINK.value, Proof.SIGNED_JWT.value
)  # fmt: skip


async def allowed_elsewhere(tx: AsyncSession, kit: Kit, contact_id: int, except_endpoint: int) -> list[Endpoint]:
    """Other addresses of the person that we may write to, best first: allowed in so many words, then the latest.

    Only addresses that are proven or were confirmed: what somebody typed in may be somebody else's. A live visitor's browser is
    no address to write to.
    """
    query = select(Endpoint).where(Endpoint.contact_id == contact_id, Endpoint.id != except_endpoint)
    found: list[tuple[bool, int, Endpoint]] = []
    for endpoint in await tx.scalars(query.order_by(Endpoint.id)):
        channel = _channel_of(kit, endpoint)
        if channel is None or channel.capabilities.live:
            continue
        if endpoint.level != "confirmed" and endpoint.proof not in _BELIEVED:
            continue
        if endpoint.bad_events < BAD_EVENTS and await why_not(tx, endpoint, kit=kit) is None:
            found.append((await _state(tx, endpoint.id) == "given", endpoint.id, endpoint))
    return [endpoint for _given, _id, endpoint in sorted(found, key=lambda one: one[:2], reverse=True)]
