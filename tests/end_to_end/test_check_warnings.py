"""`fallback check` on what else the fleet's Redis holds, and on what Redis would lose; on real servers."""

import sys
from pathlib import Path

import pytest
from redis import Redis

from tasks.cli.support.advice import of_durability, of_neighbours
from tasks.cli.support.durability import durability
from tasks.cli.support.neighbours import Neighbours, neighbours
from tasks.local.readiness import writes
from tasks.local.valkey import Valkey
from tests.end_to_end.command_line import Fallback, Ran, run
from tests.end_to_end.local_cluster import LocalSetup
from tests.end_to_end.vendors import QUESTION
from worker.admission import breaker
from worker.store.store import Store

SAFE = {"maxmemory": "1gb", "maxmemory-policy": "noeviction", "appendonly": "yes"}


@pytest.fixture
def server(own_server: Valkey) -> Redis:
    """A server of the test's own, set up as it should be."""
    client = Redis.from_url(own_server.url, decode_responses=True)
    for name, value in SAFE.items():
        client.config_set(name, value)
    return client


@pytest.fixture
def environment(clean_environment: dict[str, str], own_server: Valkey) -> dict[str, str]:
    return clean_environment | own_server.environment


def warnings(ran: Ran) -> list[str]:
    return [line.removeprefix("warning").strip() for line in ran.stdout.splitlines() if line.startswith("warning")]


def test_a_redis_that_loses_what_is_queued_is_a_line_for_each_reason(
    tmp_path: Path, environment: dict[str, str], server: Redis
) -> None:
    for name, value in (("maxmemory-policy", "allkeys-lru"), ("maxmemory", "0"), ("appendonly", "no")):
        server.config_set(name, value)
    ran = run(tmp_path, environment, "check")
    assert [line.partition(":")[0] for line in warnings(ran)] == [
        "maxmemory-policy is allkeys-lru",
        "maxmemory is 0",
        "appendonly is no",
    ]
    assert "no provider answers" in ran.stderr


def test_another_fleet_on_the_database_is_a_line(tmp_path: Path, environment: dict[str, str], server: Redis) -> None:
    for namespace in ("fallback", "green"):
        other = run(tmp_path, environment | {"FALLBACK_NAMESPACE": namespace}, "breaker", "open", "claude")
        assert other.returncode == 0, other.stderr
    [line] = warnings(run(tmp_path, environment, "check"))
    assert line.startswith("another fleet is on this database, namespace green: ")


def test_a_neighbour_s_queues_are_a_line_and_its_worker_is_not_counted(
    fallback: Fallback, shared_setup: LocalSetup
) -> None:
    redis = shared_setup.store.redis
    for name, value in SAFE.items():
        redis.config_set(name, value)
    shared_setup.complete(QUESTION).get(timeout=30)
    assert warnings(fallback("check")) == []
    command = ["-m", "celery", "-b", shared_setup.environment["REDIS_URL"], "worker", "-Q", "shop,print"]
    command += ["-n", "shop@%h", "-P", "solo", "-l", "INFO"]
    process = shared_setup.fleet.start("shop", [sys.executable, *command], ready=writes(" ready."))
    answering = shared_setup.app.control.inspect(timeout=5.0, limit=2).active_queues()
    assert sorted(name.split("@")[0] for name in answering) == ["shared", "shop"]
    ran = fallback("check")
    process.stop()
    assert ran.returncode == 0, ran.stderr
    assert "workers    1\n" in ran.stdout
    [line] = warnings(ran)
    assert line.startswith("another Celery application is on this database, queues print, shop: ")


def test_a_database_too_large_to_be_looked_through_is_told(store: Store) -> None:
    with store.redis.pipeline() as pipeline:
        for number in range(5_000):
            pipeline.set(f"of-another-application:{number}", "")
        pipeline.execute()
    found = neighbours(store, "fallback", within=0)
    assert found is not None
    assert not found.whole
    assert [line.partition(":")[0] for line in of_neighbours(found)] == ["there may be others on this database"]
    assert neighbours(store, "fallback") == Neighbours((), (), whole=True)


def test_names_that_others_chose_break_no_line(store: Store) -> None:
    redis = store.redis
    redis.sadd("_kombu.binding.a", *(f"\x06\x16\x06\x16queue\n{number}" for number in range(7)))
    redis.sadd("_kombu.binding.b", b"\x06\x16\x06\x16\xff")
    redis.set("_kombu.binding.c", "no set")
    redis.hset("{a\nb}:2:breaker:claude", "state", "open")
    breaker.control(store, "claude", "open", by="us")
    found = neighbours(store, "fallback")
    assert found is not None
    assert found.queues == ("\\xff", *(f"queue\n{number}" for number in range(7)))
    assert found.fleets == ("a\nb",)
    lines = list(of_neighbours(found))
    assert all(line.isprintable() for line in lines)
    assert " and 3 more: " in lines[1]


def test_a_user_who_may_not_ask_is_told_what_was_not_checked(
    tmp_path: Path, environment: dict[str, str], server: Redis, own_server: Valkey
) -> None:
    server.execute_command("ACL", "SETUSER", "guest", "on", ">hidden", "~*", "&*", "+@all", "-info", "-scan", "-config")
    url = own_server.url.replace("redis://", "redis://guest:hidden@")
    assert [line.partition(":")[0] for line in warnings(run(tmp_path, environment | {"REDIS_URL": url}, "check"))] == [
        "maxmemory and appendonly could not be checked",
        "who else is on this database could not be checked",
    ]


def test_a_user_who_may_not_ask_config_is_checked_all_the_same(server: Redis, own_server: Valkey) -> None:
    server.execute_command("ACL", "SETUSER", "guest", "on", ">hidden", "~*", "&*", "+@all", "-config")
    server.config_set("maxmemory", "0")
    guest = Store(own_server.url.replace("redis://", "redis://guest:hidden@"), "fallback", {})
    [line] = of_durability(durability(guest))
    assert line.startswith("maxmemory is 0: ")
