"""For operators: is it alive, is it ready, how does it do."""

import hmac
from typing import Any

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text

from contactcenter import metrics
from contactcenter.api.deps import HouseDep
from contactcenter.desk import claims, sentinel
from contactcenter.errors import Forbidden, StoreAway
from contactcenter.hints import async_redis
from contactcenter.migrate import latest

router = APIRouter(tags=["operations"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process answers. Says nothing about its stores."""
    return {"status": "alive"}


@router.get("/readyz")
async def readyz(house: HouseDep, response: Response) -> dict[str, Any]:
    """Ready: database reachable, migrations current, sequencer not behind. Without Redis it is degraded, not unready."""
    checks: dict[str, Any] = {}
    try:
        async with house.database.transaction() as tx:
            row = (await tx.execute(_READY)).one()
        checks |= {
            "database": "ok",
            "migrations": "ok" if row.revision == latest() else f"at {row.revision}, this version needs {latest()}",
            "sequencer": "ok" if row.lag_s < 5 else f"{row.lag_s:.0f} s behind",
            "outbox_oldest_s": round(row.outbox_s, 1),
        }
    except StoreAway:
        checks["database"] = "cannot be reached"
    checks["redis"] = "ok" if await _redis_answers(house) else "cannot be reached (degraded: slower, nothing lost)"
    ready = checks["database"] == "ok" and checks["migrations"] == "ok" and checks["sequencer"] == "ok"
    response.status_code = 200 if ready else 503
    return {"status": "ready" if ready else "not ready", "checks": checks}


_READY = text(
    """
    SELECT (SELECT version_num FROM alembic_version) AS revision,
      coalesce((SELECT extract(epoch FROM clock_timestamp() - min(at)) FROM event WHERE pos IS NULL), 0)::float AS lag_s,
      coalesce((SELECT extract(epoch FROM clock_timestamp() - min(due_at)) FROM delivery
        WHERE state IN ('queued','sending','unknown') AND due_at <= clock_timestamp()), 0)::float AS outbox_s,
      (SELECT count(*) FROM event WHERE pos IS NULL) AS unstamped,
      (SELECT count(*) FROM delivery WHERE state = 'unknown') AS unknown,
      (SELECT count(*) FROM ticket WHERE status IN ('held','queued','offered')) AS waiting
    """
)


async def _redis_answers(house: HouseDep) -> bool:
    redis = async_redis(house.settings.redis_url)
    try:
        return bool(await redis.ping())
    except Exception:  # whatever is wrong with Redis, the answer is the same: it does not answer
        return False
    finally:
        await redis.aclose()


@router.get("/metrics", include_in_schema=False)
async def prometheus(request: Request, house: HouseDep) -> Response:
    """For Prometheus on this machine, or with the configured bearer token from elsewhere."""
    token = house.settings.metrics_token
    sent = request.headers.get("authorization", "").removeprefix("Bearer ")
    local = request.client is not None and request.client.host in ("127.0.0.1", "::1")
    proxied = "x-forwarded-for" in request.headers or "forwarded" in request.headers
    if not (local and not proxied) and not (token and hmac.compare_digest(sent.encode(), token.encode())):
        raise Forbidden("Metrics are read on this machine, or with the metrics token.")
    async with house.database.transaction() as tx:
        row = (await tx.execute(_READY)).one()
        counted = {**await claims.breaches(tx), "kept_waiting": await sentinel.kept_waiting(tx)}
    metrics.lag.set(row.unstamped)
    metrics.outbox_age.set(row.outbox_s)
    metrics.unknown.set(row.unknown)
    metrics.waiting.set(row.waiting)
    for rule, count in counted.items():
        metrics.breach.labels(rule=rule).set(count)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
