"""Workers that are killed while completions are scheduled, and while they go back into the queue; on either server."""

from typing import Any

import pytest

from tasks.local import valkey as valkey_server
from tasks.local.fleet import Fleet
from tests.end_to_end.local_cluster import LocalNode, LocalRedis, LocalSetup
from tests.end_to_end.vendors import QUESTION
from tests.length import at_length
from tests.waiting import wait_until
from worker.task.scheduling import count

NUMBER = 600
FIRST, APART = 12.0, 0.01
"""Seconds until the first is due, and between two."""


@pytest.fixture(params=["valkey", "redis_server"])
def local_redis(request: pytest.FixtureRequest, fleet: Fleet) -> LocalRedis:
    if request.param == "valkey":
        return LocalRedis(valkey_server.start(fleet))
    return LocalRedis(valkey_server.start(fleet, binary=request.getfixturevalue("redis_binary")))


def queue(setup: LocalSetup, numbers: range) -> list[Any]:
    return [setup.complete(QUESTION, countdown=FIRST + number * APART) for number in numbers]


@at_length
def test_none_is_lost(celery_setup: LocalSetup, worker: LocalNode) -> None:
    store = celery_setup.store
    results = queue(celery_setup, range(NUMBER // 2))
    worker.kill()
    results += queue(celery_setup, range(NUMBER // 2, NUMBER))
    second = celery_setup.start_worker("second")
    wait_until(lambda: 0 < count(store) < NUMBER / 2, 60)
    second.kill()
    celery_setup.start_worker("third")
    answers = [result.get(timeout=90) for result in results]
    assert len({answer["id"] for answer in answers}) == NUMBER
    wait_until(lambda: not store.redis.exists("{fallback}:2:unacked", "{fallback}:2:scheduled"), 30)
