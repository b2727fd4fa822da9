"""What a heartbeat does for people: a fault of it ends neither the others nor the thread that renews leases."""

import logging
import time
from functools import partial

import pytest

from tasks.node.event_log import EventLog
from tasks.node.reports import LATE, run_reports
from tests.worker.admission.clocked_breaker import url
from tests.worker.store.stores import store_at
from worker.errors import RedisUnavailable
from worker.store.store import Store
from worker.telemetry import harmless
from worker.telemetry.counters import flush
from worker.telemetry.metrics.recording import METRICS


@pytest.fixture
def store(redis, monkeypatch) -> Store:
    monkeypatch.setattr(harmless.FAULTS, "_said_at", float("-inf"))
    monkeypatch.setattr(harmless.FAULTS, "_unsaid", 0)
    METRICS.forget()
    METRICS.overhead(0.1)
    return store_at(url(redis))


def test_what_cannot_be_counted_is_a_line_and_the_fleet_s_events_are_still_logged(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    log = EventLog()
    log.report(store)
    store.redis.set(store.keys.metrics, "somebody's text")
    event = {"type": "provider-recovered", "provider": "alpha", "at_ms": "1", "since_ms": "no time"}
    store.redis.xadd(store.keys.events, event)
    store.redis.xadd(store.keys.events, {"type": "provider-recovered", "provider": "beta", "at_ms": "1"})
    made: list[str] = []
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            run_reports(
                time.monotonic(), partial(flush, store), partial(log.report, store), partial(made.append, "the others")
            )
    assert made == ["the others"] * 2
    assert "telemetry-failed in=flush error=ResponseError times=1" in caplog.text


def test_a_redis_that_does_not_answer_is_not_asked_for_the_next_report() -> None:
    METRICS.overhead(0.1)
    made: list[str] = []
    with pytest.raises(RedisUnavailable):
        run_reports(
            time.monotonic(), partial(flush, store_at("redis://127.0.0.1:1/0")), partial(made.append, "the others")
        )
    assert made == []


def test_a_beat_that_took_long_reports_nothing(store: Store) -> None:
    made: list[str] = []
    run_reports(time.monotonic() - LATE, partial(made.append, "the others"))
    assert made == []
