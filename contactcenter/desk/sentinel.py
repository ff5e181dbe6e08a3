"""The sentinel: asks the rows, not the router, whether somebody waits whom somebody else could serve. It must find nobody."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

SETTLED_S = 2
"""A pair of ticket and agent counts only when neither has changed for so long: the router is given that time."""

_KEPT_WAITING = text(
    """
    WITH rules AS (SELECT a.id AS agency_id, coalesce(r.rules->'channels', a.channels) AS channels,
        coalesce(r.rules->'queues', '{}') AS queues, coalesce((r.rules->>'passed_over_s')::int, 120) AS passed_over_s
      FROM agency a LEFT JOIN LATERAL (SELECT rules FROM routing_rules WHERE agency_id = a.id ORDER BY revision DESC LIMIT 1) r
        ON true),
    free AS (SELECT s.id, s.agency_id, s.primary_units, s.filler_units, s.budget, c.channel FROM staff s
      JOIN staff_channel c ON c.staff_id = s.id AND c.enabled AND c.items < c.cap
      WHERE s.role = 'agent' AND s.disabled_at IS NULL AND s.intent = 'available' AND s.next_intent IS NULL
        AND s.health = 'connected' AND s.seen_at > clock_timestamp() - interval '8 seconds' AND s.overbook = 0
        AND NOT EXISTS (SELECT 1 FROM staff_channel o WHERE o.staff_id = s.id AND o.overbook_items > 0)
        AND greatest(s.idle_since, s.last_assigned, s.state_since) < clock_timestamp() - make_interval(secs => :settled))
    SELECT count(*) FROM ticket t JOIN rules r ON r.agency_id = t.agency_id JOIN queue q ON q.id = t.queue_id
      JOIN free f ON f.agency_id = t.agency_id AND f.channel = t.channel
      CROSS JOIN LATERAL (SELECT (r.channels->t.channel->>'weight')::int AS weight,
        (r.channels->t.channel->>'live')::boolean AS live, coalesce(r.queues->q.slug, '{}') AS rule) k
    WHERE t.status = 'queued' AND t.updated_at < clock_timestamp() - make_interval(secs => :settled)
      AND f.primary_units + k.weight + CASE WHEN k.live THEN 0 ELSE f.filler_units END <= f.budget
      AND EXISTS (SELECT 1 FROM staff_queue m WHERE m.staff_id = f.id
        AND (m.queue_id = t.queue_id OR t.pools @> to_jsonb(m.queue_id)))
      AND NOT EXISTS (SELECT 1 FROM jsonb_array_elements(coalesce(t.asked, t.skills)) need WHERE NOT EXISTS
        (SELECT 1 FROM staff_skill h WHERE h.staff_id = f.id AND h.skill_id = (need->>0)::bigint AND h.lapsed_at IS NULL
          AND h.level >= (need->>1)::int))
      AND coalesce(k.rule->>'strategy', 'spread') <> 'manual' AND coalesce((k.rule->>'reserve')::int, 0) = 0
      AND (t.ring > 0 OR coalesce(k.rule->'preferred', '{}') = '{}')
      AND coalesce(t.sticky_until, '-infinity') < clock_timestamp() - make_interval(secs => :settled)
      AND NOT EXISTS (SELECT 1 FROM exclusion x WHERE x.contact_id = t.contact_id AND x.staff_id = f.id AND x.lifted_at IS NULL)
      AND NOT EXISTS (SELECT 1 FROM offer o WHERE o.ticket_id = t.id AND o.staff_id = f.id
        AND o.decided_at > clock_timestamp() - make_interval(secs => r.passed_over_s + :settled))
    """
)


async def kept_waiting(tx: AsyncSession) -> int:
    """Pairs of a waiting ticket and an agent who is there, eligible and has room, older than two seconds and without a named
    hold."""
    return int(await tx.scalar(_KEPT_WAITING, {"settled": SETTLED_S}) or 0)
