"""A crowd on the rows of a desk: many agents, many citizens, in bulk, so that the crowd is never the limit.

Each statement changes what the desk's own functions change, many tickets at a time. Agents answer offers through the desk.
"""

import tomllib
from random import Random
from typing import Any

import asyncpg

from contactcenter.db import Database
from contactcenter.demo import world
from contactcenter.desk import agents, loading

Connection = Any
"""An asyncpg connection."""

_COLLEAGUES = """
WITH born AS (
  INSERT INTO staff (agency_id, username, name, role, password_hash, budget, intent, health, state, seen_at)
  SELECT agency_id, 'agent' || n, 'Agent ' || n, 'agent', '-', $1, 'available', 'connected', 'ready', clock_timestamp()
  FROM staff, generate_series(1, $2::int) n WHERE username = 'ana' RETURNING id),
skills AS (INSERT INTO staff_skill (staff_id, skill_id, level)
  SELECT b.id, k.id, CASE WHEN k.language IS NULL THEN 1 + (b.id + k.id) % 5 ELSE 5 END FROM born b, skill k),
pools AS (INSERT INTO staff_queue (staff_id, queue_id, home)
  SELECT b.id, q.id, q.place = b.id % 3 FROM born b, (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM queue) q
  WHERE b.id % 2 = 0 OR q.place = b.id % 3)
INSERT INTO staff_channel (staff_id, channel, cap) SELECT b.id, c.key, (c.value->>'cap')::int FROM born b,
  (SELECT (jsonb_each(channels)).* FROM agency) c
"""

CITIZENS = """
WITH people AS (INSERT INTO contact (agency_id, name) SELECT a.id, 'Citizen ' || n FROM agency a, generate_series(1, $1::int) n
  RETURNING id, agency_id)
INSERT INTO endpoint (agency_id, kind, raw, canonical, contact_id, proof)
SELECT agency_id, 'phone', '+1202555' || lpad(id::text, 4, '0'), '+1202555' || lpad(id::text, 4, '0'), id, 'claimed' FROM people
"""

_ARRIVE = """
WITH wanted AS (SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::int[]) AS w(reference, channel, queue, priority)),
born AS (
  INSERT INTO ticket (agency_id, reference, queue_id, contact_id, endpoint_id, inbox_id, channel, subject, language, status, skills,
    priority, arrived_at, va, waiting_since, next_action_at, event_seq)
  SELECT q.agency_id, w.reference, q.id, e.contact_id, e.id, i.id, w.channel, '', 'en', 'queued',
    coalesce((SELECT jsonb_agg(jsonb_build_array(n.skill_id, n.min_level) ORDER BY n.skill_id) FROM queue_skill n
      WHERE n.queue_id = q.id), '[]'), w.priority, now.at, now.at - make_interval(mins => CASE w.priority WHEN 1 THEN 5 ELSE 0 END),
    now.at, now.at + interval '1 day', 2
  FROM wanted w JOIN queue q ON q.slug = w.queue JOIN LATERAL (SELECT id FROM inbox WHERE channel = w.channel ORDER BY id LIMIT 1) i
    ON true, (SELECT id, contact_id FROM endpoint ORDER BY id OFFSET $5 LIMIT 1) e, (SELECT clock_timestamp() AS at) now
  RETURNING id, agency_id, queue_id, channel, priority),
stays AS (INSERT INTO queue_stay (ticket_id, queue_id, channel, priority) SELECT id, queue_id, channel, priority FROM born),
told AS (INSERT INTO event (agency_id, ticket_id, seq, type, actor_kind, data)
  SELECT agency_id, id, seq, type, 'system', jsonb_build_object('queue', queue_id, 'channel', channel)
  FROM born, (VALUES (1, 'ticket.created'), (2, 'ticket.queued')) facts(seq, type) ORDER BY id, seq)
SELECT id FROM born
"""

# The agent's channels wait for the agent's own row: everybody locks in this order.
_CLOSE = """
WITH mine AS MATERIALIZED (SELECT id, units, filler, channel FROM ticket WHERE owner_id = $1 AND status = 'assigned'
    ORDER BY id LIMIT $2 FOR UPDATE),
ended AS (UPDATE assignment SET ended_at = greatest(clock_timestamp(), started_at), end_how = 'closed'
  WHERE ticket_id IN (SELECT id FROM mine) AND ended_at IS NULL),
closed AS (UPDATE ticket t SET status = 'closed', owner_id = NULL, units = 0, version = version + 1, event_seq = event_seq + 1,
    closed_at = clock_timestamp(), updated_at = clock_timestamp(), waiting_since = NULL, due_at = NULL, next_action_at = NULL
  FROM mine WHERE t.id = mine.id RETURNING t.id, t.agency_id, t.event_seq),
freed AS (UPDATE staff s SET primary_units = primary_units - p, filler_units = filler_units - f, version = version + 1,
    idle_since = clock_timestamp(), overbook = greatest(0, least(overbook, primary_units - p - budget))
  FROM (SELECT coalesce(sum(units) FILTER (WHERE NOT filler), 0) p, coalesce(sum(units) FILTER (WHERE filler), 0) f FROM mine) w
  WHERE s.id = $1 AND p + f > 0 RETURNING s.id),
slots AS (UPDATE staff_channel c SET items = items - n,
    overbook_items = greatest(0, least(overbook_items, items - n::int - cap))
  FROM freed, (SELECT channel, count(*) n FROM mine WHERE units > 0 GROUP BY channel) m
  WHERE c.staff_id = freed.id AND c.channel = m.channel)
INSERT INTO event (agency_id, ticket_id, seq, type, actor_kind, actor_id, data)
SELECT agency_id, id, event_seq, 'ticket.closed', 'staff', $1, jsonb_build_object('staff', $1) FROM closed RETURNING ticket_id
"""


async def move_in(url: str, colleagues: int, citizens: int = 500, budget: int = 24) -> None:
    """The demo agency with so many more agents, who are all there, and open at every hour."""
    described = tomllib.loads(world.DESCRIPTION.read_text("utf-8"))
    few = [one for one in described["staff"] if one["username"] == "ana"]
    database = Database(url, pool=1)
    async with database.transaction() as tx:
        await loading.load(tx, {**described, "staff": few}, {"ana": "correct horse battery"})
    await database.close()
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("DELETE FROM queue_hours")
        await connection.execute(_COLLEAGUES, budget, colleagues)
        await connection.execute(CITIZENS, citizens)
    finally:
        await connection.close()


class Crowd:
    """Citizens who come and agents who finish. ``shares``: how the channels are mixed."""

    def __init__(self, seed: int, shares: dict[str, int], citizens: int = 500) -> None:
        self.random = Random(seed)
        self._channels, self._weights = list(shares), list(shares.values())
        self._citizens = citizens
        self.arrived = 0

    async def arrive(self, connection: Connection, count: int) -> list[int]:
        """New tickets, queued; gives their ids."""
        references = [f"RV-{self.arrived + number:08d}" for number in range(1, count + 1)]
        self.arrived += count  # before we know: a commit whose answer is lost has used them up
        channels = self.random.choices(self._channels, self._weights, k=count)
        queues = self.random.choices(("services", "housing", "permits"), (5, 3, 2), k=count)
        priorities = self.random.choices((0, 1), (9, 1), k=count)
        citizen = self.random.randrange(self._citizens)
        rows = await connection.fetch(_ARRIVE, references, channels, queues, priorities, citizen)
        return [row["id"] for row in rows]


async def finish(connection: Connection, agent: int, most: int = 100) -> list[int]:
    """An agent closes what is in their hands, at most so many tickets; gives them."""
    return [row["ticket_id"] for row in await connection.fetch(_CLOSE, agent, most)]


async def stay_connected(database: Database, agent_ids: list[int]) -> None:
    """Everybody's console is heard of."""
    async with database.transaction() as tx:
        await agents.heartbeat(tx, agent_ids)
