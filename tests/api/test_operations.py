"""What operators ask: is it alive, is it ready, how does it do."""

from tests.api.conftest import Open, assert_problem
from tests.desk_rig import Rig


async def test_alive_says_nothing_about_the_stores(browse: Open, rig: Rig) -> None:
    browser = await browse()
    await rig.run("ALTER TABLE event RENAME TO gone")
    answer = await browser.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


async def test_ready_when_database_migrations_and_sequencer_are_well(browse: Open) -> None:
    answer = await (await browse()).get("/readyz")
    assert answer.status_code == 200
    checks = answer.json()["checks"]
    assert (checks["database"], checks["migrations"], checks["sequencer"], checks["redis"]) == ("ok", "ok", "ok", "ok")


async def test_not_ready_while_events_wait_for_their_position(browse: Open, rig: Rig) -> None:
    await rig.text("+12025550117", "Hello")
    await rig.run("UPDATE event SET at = at - interval '10 seconds'")
    answer = await (await browse()).get("/readyz")
    assert answer.status_code == 503
    assert "behind" in answer.json()["checks"]["sequencer"]


async def test_not_ready_on_another_versions_tables(browse: Open, rig: Rig) -> None:
    await rig.run("UPDATE alembic_version SET version_num = '0000'")
    answer = await (await browse()).get("/readyz")
    assert answer.status_code == 503
    assert "0000" in answer.json()["checks"]["migrations"]


async def test_without_redis_it_is_degraded_and_ready(browse: Open, rig: Rig) -> None:
    object.__setattr__(rig.house.settings, "redis_url", "unix:///nowhere/redis.sock")
    answer = await (await browse()).get("/readyz")
    assert answer.status_code == 200
    assert "degraded" in answer.json()["checks"]["redis"]


async def test_metrics_show_the_sentinel_and_name_nobody(browse: Open, rig: Rig) -> None:
    await rig.text("+12025550117", "My name is Ann")
    await rig.run("UPDATE staff SET primary_units = 4 WHERE username = 'ben'")
    answer = await (await browse()).get("/metrics")
    assert answer.status_code == 200
    assert 'cc_invariant_breaches{rule="units_drift"} 1.0' in answer.text
    assert 'cc_invariant_breaches{rule="over_capacity"} 0.0' in answer.text
    assert "cc_waiting 1.0" in answer.text
    assert "2025550117" not in answer.text and "Ann" not in answer.text and "ben" not in answer.text


async def test_metrics_are_for_this_machine_or_who_has_the_token(browse: Open, rig: Rig) -> None:
    away = await browse(address="203.0.113.5")
    assert_problem(await away.get("/metrics"), 403)
    assert_problem(await away.get("/metrics", headers={"authorization": "Bearer "}), 403)
    assert_problem(await (await browse()).get("/metrics", headers={"x-forwarded-for": "203.0.113.5"}), 403)
    object.__setattr__(rig.house.settings, "metrics_token", "a token")
    assert (await away.get("/metrics", headers={"authorization": "Bearer a token"})).status_code == 200
    assert_problem(await away.get("/metrics", headers={"authorization": "Bearer a tokem"}), 403)
    assert_problem(await away.get("/metrics", headers={b"authorization": b"Bearer \xf6"}), 403)


async def test_an_unknown_address_and_a_wrong_method_are_answered_in_words(browse: Open) -> None:
    browser = await browse()
    assert_problem(await browser.get("/api/nothing"), 404, "not-found")
    assert_problem(await browser.post("/api/me"), 405, "method")
