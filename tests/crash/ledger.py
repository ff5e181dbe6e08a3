"""What must never happen to rows, written down by the database itself at every claim, and asked for in single statements."""

from typing import Any

TABLES = """
CREATE TABLE routed (id bigserial PRIMARY KEY, ticket_id bigint NOT NULL, staff_id bigint NOT NULL, epoch bigint NOT NULL,
  lease_epoch bigint NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE INDEX ON routed (ticket_id, id);
CREATE INDEX ON routed (at);
CREATE FUNCTION write_down_routed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO routed (ticket_id, staff_id, epoch, lease_epoch)
  SELECT new.id, new.owner_id, new.epoch, epoch FROM lease WHERE name = 'router';
  RETURN NULL;
END $$;
CREATE TRIGGER routed AFTER UPDATE OF status ON ticket FOR EACH ROW
  WHEN (old.status = 'queued' AND new.status IN ('offered', 'assigned')) EXECUTE FUNCTION write_down_routed();
"""

_ALWAYS = """
SELECT
  (SELECT count(*) FROM staff_channel WHERE items > cap + overbook_items) AS over_cap,
  (SELECT count(*) FROM staff WHERE filler_units > budget + overbook) AS filler_over,
  (SELECT count(*) FROM ticket WHERE status = 'offered' AND owner_id IS DISTINCT FROM
    (SELECT o.staff_id FROM offer o WHERE o.ticket_id = ticket.id AND o.result IS NULL)) AS offer_to_somebody_else,
  (SELECT count(*) FROM offer o JOIN ticket t ON t.id = o.ticket_id WHERE o.result IS NULL AND t.status <> 'offered')
    AS live_offer_without_ticket,
  (SELECT count(*) FROM assignment a JOIN ticket t ON t.id = a.ticket_id WHERE a.ended_at IS NULL
    AND (t.owner_id IS DISTINCT FROM a.staff_id)) AS assigned_to_two,
  (SELECT count(*) FROM ticket WHERE status IN ('queued', 'closed') AND units <> 0) AS units_of_nobody,
  (SELECT count(*) FROM routed WHERE id > $1 AND epoch <> lease_epoch) AS claims_of_an_old_epoch
"""

_IN_THE_END = """
SELECT
  (SELECT count(*) FROM routed r JOIN (SELECT id, max(epoch) OVER (ORDER BY id) AS highest FROM routed) h ON h.id = r.id
    WHERE r.epoch < h.highest) AS epochs_going_back,
  (SELECT count(*) FROM assignment a JOIN assignment b ON a.ticket_id = b.ticket_id AND a.id < b.id
    AND tstzrange(a.started_at, a.ended_at) && tstzrange(b.started_at, b.ended_at)) AS overlaps,
  (SELECT count(*) FROM offer o LEFT JOIN (SELECT (data->>'offer')::bigint AS id, count(*) AS n FROM event
    WHERE type IN ('offer.accepted', 'offer.declined', 'offer.timed_out', 'offer.rescinded') GROUP BY 1) e ON e.id = o.id
    WHERE coalesce(e.n, 0) <> (o.result IS NOT NULL)::int) AS offers_not_ended_once,
  (SELECT count(*) FROM (SELECT count(*) AS made FROM event WHERE type = 'ticket.offered' GROUP BY data->>'offer') e
    WHERE made <> 1) AS offers_told_twice,
  (SELECT count(*) FROM (SELECT t.id FROM ticket t JOIN event e ON e.ticket_id = t.id AND e.seq IS NOT NULL GROUP BY t.id
    HAVING count(*) <> max(e.seq) OR max(e.seq) <> max(t.event_seq)) x) AS stories_with_gaps,
  (SELECT count(*) FROM (SELECT count(*) AS n, max(pos) AS last FROM event WHERE pos IS NOT NULL) p WHERE n <> last)
    AS gaps_in_the_log,
  (SELECT abs((SELECT count(*) FROM routed) - (SELECT count(*) FROM event WHERE type = 'ticket.offered')
    - (SELECT count(*) FROM assignment a WHERE NOT EXISTS (SELECT 1 FROM offer o WHERE o.ticket_id = a.ticket_id
      AND o.result = 'accepted')))) AS claims_without_their_event,
  (SELECT count(*) FROM unnest($1::text[]) AS r(reference) WHERE NOT EXISTS
    (SELECT 1 FROM ticket t WHERE t.reference = r.reference)) AS tickets_lost
"""


async def wrong_now(connection: Any, after: int) -> dict[str, int]:
    """What must be zero at every instant, where it is not. ``after``: claims up to this one were looked at before."""
    return _not_zero(await connection.fetchrow(_ALWAYS, after))


async def wrong_in_the_end(connection: Any, references: list[str]) -> dict[str, int]:
    """What the whole story must not contain. ``references``: tickets that were surely stored."""
    return _not_zero(await connection.fetchrow(_IN_THE_END, references))


def _not_zero(row: Any) -> dict[str, int]:
    return {name: int(count) for name, count in dict(row).items() if count}
