"""Years of mail in a minute: one ticket that the desk itself has filed, closed and multiplied row by row inside the database.

Every copy has a person, an address, raw mails, messages, events and deliveries of its own, so the tables and all their indexes
grow as they would. Foreign keys are not checked while copying: each copy points at its own rows.
"""

import asyncpg

FIRST = 1_000_000_000
"""Ids of copies start here, sixteen for each copy: no real row is ever met."""
AT_ONCE = 20_000

# What is new in copy k of a row (its rank among the rows of its ticket is n): as SQL that makes a JSON object.
_OWN = "{first} + k * 16"
_NEW = {
    "contact": f"'id', {_OWN}",
    "endpoint": f"'id', {_OWN}, 'contact_id', {_OWN}, 'canonical', 'old' || k || '@archive.example', 'raw', 'old' || k",
    "ticket": f"'id', {_OWN}, 'contact_id', {_OWN}, 'endpoint_id', {_OWN}, 'reference', 'OLD-' || k, 'status', 'closed', "
    "'closed_at', now() - interval '200 days', 'updated_at', now() - interval '200 days', 'waiting_since', NULL, "
    "'next_action_at', NULL, 'created_at', now() - interval '201 days'",
    "raw_event": f"'id', {_OWN} + n, 'source_key', 'old-' || k || '-' || n",
    "message": f"'id', md5(k || '-' || n)::uuid, 'ticket_id', {_OWN}, 'author_endpoint_id', CASE WHEN o.author_endpoint_id "
    f"IS NOT NULL THEN {_OWN} END, 'raw_event_id', NULL, 'external_id', '<old' || k || '.' || n || '@archive.example>', "
    "'created_at', now() - interval '201 days'",
    "delivery": f"'id', {_OWN} + n, 'ticket_id', {_OWN}, 'endpoint_id', {_OWN}, 'message_id', md5(k || '-2')::uuid, "
    "'state', 'sent', 'provider_id', NULL",
    "event": f"'id', {_OWN} + n, 'ticket_id', {_OWN}, 'pos', {_OWN} + n, 'at', now() - interval '201 days'",
    "queue_stay": f"'id', {_OWN} + n, 'ticket_id', {_OWN}, 'leave', now() - interval '200 days', 'how', 'answered', "
    "'enter', now() - interval '201 days'",
    "promise": f"'id', {_OWN} + n, 'ticket_id', {_OWN}, 'state', 'kept'",
}
_ROWS = {
    "contact": "id = (SELECT contact_id FROM ticket WHERE id = $3)",
    "endpoint": "id = (SELECT endpoint_id FROM ticket WHERE id = $3)",
    "ticket": "id = $3",
    "raw_event": "id IN (SELECT raw_event_id FROM message WHERE ticket_id = $3)",
}
_ORDER = {"message": "seq", "event": "seq"}


async def grow(url: str, messages: int) -> int:
    """Copy a ticket of three messages until so many messages are stored; gives how many there are. Plans are made anew afterwards."""
    database = await asyncpg.connect(url, timeout=30, server_settings={"statement_timeout": "0"})
    try:
        await database.execute("SET session_replication_role = replica; SET synchronous_commit = off")
        pattern = await database.fetchval(
            "SELECT ticket_id FROM message GROUP BY 1 HAVING count(*) = 3 ORDER BY 1 LIMIT 1"
        )
        there = await database.fetchval("SELECT count(*) FROM message")
        start = await database.fetchval("SELECT count(*) FROM ticket WHERE id >= $1", FIRST)
        end = start + -(-(messages - there) // 3)
        for first in range(start, end, AT_ONCE):
            last = min(first + AT_ONCE, end) - 1
            for table in _NEW:
                await database.execute(_copy(table), first, last, pattern)
        await database.execute("VACUUM ANALYZE")
        return int(await database.fetchval("SELECT count(*) FROM message"))
    finally:
        await database.close()


def _copy(table: str) -> str:
    rows, order = _ROWS.get(table, "ticket_id = $3"), _ORDER.get(table, "id")
    new = _NEW[table].format(first=FIRST)
    return (
        f"INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT made.* FROM (SELECT one.*, row_number() OVER (ORDER BY {order}) "
        f"AS n FROM {table} one WHERE {rows}) o CROSS JOIN generate_series($1::bigint, $2::bigint) k CROSS JOIN LATERAL "
        f"jsonb_populate_record(NULL::{table}, to_jsonb(o) || jsonb_build_object({new})) made"
    )
