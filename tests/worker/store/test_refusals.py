"""A Redis that refuses writes: what it says of its memory, and what a process logs of it."""

import logging

import pytest

from tests.worker.admission.clocked_breaker import url
from tests.worker.store.stores import store_at
from worker.errors import RedisFull
from worker.store.memory import Memory, memory, refusal
from worker.store.refusals import Refusals
from worker.store.store import Store


@pytest.fixture
def full(own_server) -> Store:
    store = store_at(own_server.url)
    store.redis.config_set("maxmemory", 1_000_000)
    return store


def test_a_full_redis_is_told_from_one_that_takes_writes(full: Store) -> None:
    cause = refusal(full)
    assert type(cause).__name__ == "OutOfMemoryError"
    assert memory(full).share > 1
    with pytest.raises(RedisFull, match="raise its maxmemory"):
        full.run(("SET", "x", 1))
    full.redis.config_set("maxmemory", 0)
    assert refusal(full) is None
    assert not full.redis.dbsize()  # it asked without writing anything


def test_a_user_who_may_not_ask_knows_nothing(redis) -> None:
    redis.execute_command("ACL", "SETUSER", "guest", "on", ">hidden", "~*", "+@all", "-info", "-zadd")
    guest = store_at(url(redis).replace("redis://", "redis://guest:hidden@"))
    assert (memory(guest), refusal(guest), str(memory(guest))) == (Memory(0, 0), None, "")


def test_a_refusal_is_one_line_until_it_is_over(full: Store, caplog: pytest.LogCaptureFixture) -> None:
    refusals, cause = Refusals(), refusal(full)
    assert cause
    with caplog.at_level(logging.WARNING):
        refusals.taken()
        for _ in range(3):
            refusals.refused(full, cause)
        refusals.taken()
        refusals.taken()
    lines = [record.getMessage().split(" ")[:3] for record in caplog.records]
    assert [line[0] for line in lines] == ["redis-full", "redis-takes-writes"]
    assert (lines[0][1].startswith("used="), lines[0][2]) == (True, "max=1000000")
