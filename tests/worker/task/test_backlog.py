"""What waits, and what has failed for good lately."""

import json

import pytest

from tasks.celery import COMPLETIONS
from tasks.node.release import _LISTS
from tests.worker.admission.clocked_breaker import T0, ClockedBreaker
from worker.store.store import Store
from worker.task.backlog import LATELY, Waiting, backlog

NOW = T0 / 1000


def queue(store: Store, priority: int, **ours: float) -> None:
    """Queues a message as Celery writes it; a producer by name has no headers of ours."""
    message = {"body": "eyJ4IjoxfQ==", "headers": {"id": "x", **({"fallback": ours} if ours else {})}}
    store.redis.lpush(store.keys.queues[priority], json.dumps(message))


def test_the_queue_s_lists_are_those_of_its_consumers(store: Store) -> None:
    assert list(store.keys.queues.values()) == list(_LISTS)
    assert store.keys.queues[0] == COMPLETIONS


def test_each_priority_has_its_number_and_its_oldest(store: Store) -> None:
    queue(store, 6, queued_at=NOW - 40.5, deadline_at=NOW)
    queue(store, 6, queued_at=NOW - 10)
    queue(store, 3)
    queue(store, 0, queued_at=NOW - 500)
    found = backlog(store)
    assert found.now == NOW
    assert found.queued[6] == Waiting(2, pytest.approx(NOW - 40.5), "x")
    assert found.queued[3] == Waiting(1, 0, "x")
    assert found.oldest_queued == Waiting(3, pytest.approx(NOW - 40.5))


def test_parked_completions_are_counted_by_what_they_wait_for(store: Store) -> None:
    parked = store.keys.parked
    for priority, at in ((3, T0 - 5000), (6, T0 - 9000)):
        store.redis.zadd(parked("groups"), {f"{priority}:claude,openai": priority})
        store.redis.zadd(parked("group", f"{priority}:claude,openai"), {f"task-{priority}": at})
    assert backlog(store).parked == {"claude,openai": Waiting(2, NOW - 9)}


def test_dead_letters_of_late_are_told_from_those_before(clock: ClockedBreaker, store: Store) -> None:
    ages = (10, 20, LATELY + 10, 2 * LATELY + 10)
    store.redis.zadd(store.keys.dead_letters, {f"task-{age}": T0 - 1000 * age for age in ages})
    found = backlog(store)
    assert (found.failed, found.failed_before, found.failed_since) == (2, 1, NOW - 20)


def test_an_empty_fleet_waits_for_nothing(store: Store) -> None:
    found = backlog(store)
    assert (found.oldest_queued, found.parked, found.failed) == (Waiting(0, 0), {}, 0)
