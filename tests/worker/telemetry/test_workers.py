"""What the fleet knows of its workers."""

import json
from dataclasses import replace

import pytest

from tests.worker.admission.clocked_breaker import T0, ClockedBreaker, url
from tests.worker.store.stores import store_at
from worker.store.store import Store
from worker.telemetry import events
from worker.telemetry.workers import ALIVE, KEPT, Worker, remove, report, workers

ONE = Worker(
    name="one@host",
    version="1.0.0",
    started_at=1_699_999_000.5,
    seen_at=0.0,
    consuming=True,
    reason="",
    clock_offset=0.02,
    slots=100,
    used=3,
    last_task_at=0,
    keys={"claude": "a1b2c3", "llama_cpp": ""},
    missing={},
)


def test_a_worker_is_read_as_it_reported_itself(store: Store) -> None:
    report(store, ONE)
    [found] = workers(store)
    assert replace(found, seen_at=0, alive=True) == ONE
    assert found.seen_at == T0 / 1000


def test_a_worker_that_stops_is_gone(store: Store) -> None:
    report(store, ONE)
    report(store, replace(ONE, name="two@host"))
    remove(store, ONE.name)
    assert [worker.name for worker in workers(store)] == ["two@host"]


def test_a_killed_worker_s_report_is_kept_for_an_hour(clock: ClockedBreaker, store: Store) -> None:
    report(store, ONE)
    clock.after((KEPT + 1) * 1000)
    report(store, replace(ONE, name="two@host"))
    assert [worker.name for worker in workers(store)] == ["two@host"]


def test_reports_of_others_are_read_once_a_minute_and_no_damaged_one_matters(
    clock: ClockedBreaker, store: Store
) -> None:
    report(store, ONE)
    store.redis.hset(store.keys.workers, mapping={"damaged@host": "no JSON", "two@host": '{"mood":"good"}'})
    store.redis.config_resetstat()
    for _ in range(20):  # a minute
        clock.after(3_000)
        report(store, ONE)
    assert store.redis.info("commandstats")["cmdstat_hgetall"]["calls"] == 1
    assert store.redis.hlen(store.keys.workers) == 3


def test_who_has_not_reported_for_long_is_not_alive(redis) -> None:
    store = store_at(url(redis))
    report(store, ONE)
    assert workers(store)[0].alive
    stored = json.loads(redis.hget(store.keys.workers, ONE.name))
    redis.hset(store.keys.workers, ONE.name, json.dumps(stored | {"seen_ms": stored["seen_ms"] - ALIVE * 1000 - 1}))
    assert not workers(store)[0].alive


@pytest.mark.parametrize("offset", [1.5, -1.5])
def test_a_skewed_clock_is_one_event_and_its_end_another(store: Store, offset: float) -> None:
    for seconds in (0.1, offset, offset, 0.9, 0.0):
        report(store, replace(ONE, clock_offset=seconds))
    found = [(each["type"], each["worker"], each["offset_ms"]) for each in events.since(store)[1]]
    assert found == [
        ("worker-clock-skewed", "one@host", f"{offset * 1000:.0f}"),
        ("worker-clock-steady", "one@host", "900"),
    ]


def test_a_worker_of_another_release_breaks_nothing(store: Store) -> None:
    report(store, ONE)
    store.redis.hset(store.keys.workers, "old@host", json.dumps({"seen_ms": T0, "name": "old@host", "skewed": False}))
    new = json.loads(store.redis.hget(store.keys.workers, ONE.name)) | {"name": "new@host", "mood": "good"}
    store.redis.hset(store.keys.workers, "new@host", json.dumps(new))
    assert [worker.name for worker in workers(store)] == ["new@host", "one@host"]
