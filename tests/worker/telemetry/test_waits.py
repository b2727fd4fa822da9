"""What a completion waited for before a delivery, on real servers, with the time set by the test."""

from tests.worker.admission.clocked_breaker import SECOND, T0
from tests.worker.task.deliveries import begin, pause
from worker.store.store import Store
from worker.task import lease
from worker.telemetry.traces.waits import Wait, waits

NOW = T0 / 1000


def test_the_first_delivery_waited_in_the_queue(store):
    assert waits(begin(store, "a"), NOW - 3) == [Wait("queue", NOW - 3, NOW)]


def test_one_that_was_due_later_was_scheduled_before_that(store):
    expected = [Wait("scheduled", NOW - 60, NOW - 3), Wait("queue", NOW - 3, NOW)]
    assert waits(begin(store, "a"), NOW - 3, NOW - 60) == expected


def test_a_by_name_producer_says_no_time(store):
    assert waits(begin(store, "a"), None) == []


def test_a_producer_s_clock_that_is_ahead_makes_no_wait(store):
    assert waits(begin(store, "a"), NOW + 1) == []


def test_a_retry_waited_until_it_was_due_and_then_in_the_queue(clock, store):
    begin(store, "a")
    clock.after(2 * SECOND)
    pause(store, "a", 1, 5.0)
    clock.after(9 * SECOND)
    expected = [Wait("backoff", NOW + 2, NOW + 7), Wait("queue", NOW + 7, NOW + 11)]
    assert waits(begin(store, "b", 1), NOW - 3) == expected


def test_one_that_is_taken_before_it_is_due_did_not_wait_longer(clock, store):
    begin(store, "a")
    pause(store, "a", 1, 5.0)
    clock.after(4 * SECOND)
    assert waits(begin(store, "b", 1), None) == [Wait("backoff", NOW, NOW + 4)]


def test_a_parked_one_was_parked_until_a_worker_took_it(clock, store):
    begin(store, "a")
    clock.after(SECOND)
    store.run(lease.pause(store, "task", "a", 0, 60.0, paused="parked"))
    clock.after(30 * SECOND)
    assert waits(begin(store, "b"), NOW - 3) == [Wait("parked", NOW + 1, NOW + 31)]


def test_a_lost_worker_s_was_waiting_for_another_one_since_it_last_asked(clock, store):
    begin(store, "a")
    _asked(store, "claude", T0 + SECOND)
    clock.after(20 * SECOND)
    assert waits(begin(store, "b"), NOW - 3) == [Wait("redelivery", NOW + 1, NOW + 20, "claude")]


def test_a_wait_is_told_once_although_the_worker_that_took_it_dies(clock, store):
    begin(store, "a")
    pause(store, "a", 1, 1.0)
    clock.after(2 * SECOND)
    begin(store, "b", 1)
    _asked(store, "openai", T0 + 3 * SECOND)
    clock.after(20 * SECOND)
    assert waits(begin(store, "c", 1), None) == [Wait("redelivery", NOW + 3, NOW + 22, "openai")]


def _asked(store: Store, provider: str, at_ms: int) -> None:
    store.redis.hset(store.keys.task("task"), "asked", f"{provider} {at_ms}")
