"""Messages that are none: out of the way, kept for a while, reported without their words."""

import json

import pytest
from redis import Redis

from tasks.store import store
from tests.tasks.transport.consuming import KOMBU, QUEUE, Consuming, publish
from tests.worker.admission.clocked_breaker import url

SECRET = "the patient's name"
MESSAGES = {
    "not JSON": f"{SECRET} {{",
    "not UTF-8": SECRET.encode() + b"\xff\xfe",
    "empty": "",
    "a number": "123",
    "a list": json.dumps([SECRET]),
    "without properties": json.dumps({"body": SECRET}),
    "a body that is not base64": json.dumps({"body": SECRET, "properties": {"body_encoding": "base64"}}),
    "a body in an unknown encoding": json.dumps({"body": SECRET, "properties": {"body_encoding": "rot13"}}),
    "nested without end": "[" * 100_000,
}


@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES)
def test_what_is_no_message_is_moved_away(redis: Redis, redis_url: str, message: str) -> None:
    redis.lpush(QUEUE, message)
    publish(redis_url, "hello")
    with Consuming(redis_url) as consuming:
        consuming.receive(1)
        assert consuming.bodies == ["hello"]
        assert redis.hkeys("unacked") == [consuming.received[0].delivery_tag]
        assert redis.llen(store().keys.quarantine) == 1


def test_it_is_kept_as_it_came_beside_its_queue(every_redis: Redis) -> None:
    every_redis.lpush(QUEUE, "not JSON {")
    with Consuming(url(every_redis)) as consuming:
        consuming.turn()
        assert every_redis.lrange(store().keys.quarantine, 0, -1) == [f'[not JSON {{,"","{QUEUE}"]']


def test_it_is_told_without_its_words(redis: Redis, redis_url: str, caplog: pytest.LogCaptureFixture) -> None:
    redis.lpush(QUEUE, MESSAGES["not JSON"])
    with Consuming(redis_url) as consuming:
        consuming.turn()
    [(_, event)] = redis.xrange(store().keys.events)
    assert (event["type"], event["provider"], event["cause"]) == ("message-quarantined", "", "JSONDecodeError")
    assert redis.hgetall(store().keys.counters) == {"quarantined": "1"}
    assert [line for line in caplog.messages if line == "message-quarantined cause=JSONDecodeError"]
    assert SECRET not in caplog.text


def test_the_latest_hundred_are_kept_for_a_week(redis: Redis, redis_url: str) -> None:
    redis.lpush(QUEUE, *(f"not JSON {number}" for number in range(120)))
    with Consuming(redis_url) as consuming:
        while redis.llen(QUEUE):
            consuming.turn()
    kept = redis.lrange(store().keys.quarantine, 0, -1)
    assert (len(kept), kept[0]) == (100, f'[not JSON 119,"","{QUEUE}"]')
    assert 6 * 86_400 < redis.ttl(store().keys.quarantine) <= 7 * 86_400


def test_it_takes_no_place_of_another(redis: Redis, redis_url: str) -> None:
    redis.lpush(QUEUE, *["not JSON"] * 5)
    publish(redis_url, 1, 2, 3)
    with Consuming(redis_url, prefetch=2) as consuming:
        consuming.receive(2)
        consuming.turn()
        assert consuming.bodies == [1, 2]


def test_a_message_that_its_consumer_cannot_take_is_moved_away(redis: Redis, redis_url: str) -> None:
    publish(redis_url, "hello")

    def refuse(message: object) -> None:
        raise KeyError("id")  # as Celery does for a task without one; to kombu it is the connection's end

    with Consuming(redis_url, on_message=refuse) as consuming:
        consuming.turn()
        assert redis.llen(store().keys.quarantine) == 1
        assert not redis.exists("unacked", "unacked_index")


@pytest.mark.parametrize(
    "stored", ["not JSON", '["no list of three"]', '[1, "", "completions"]', '[{}, "nowhere", "bound"]']
)
def test_a_broken_register_is_moved_away_and_the_rest_put_back(redis: Redis, redis_url: str, stored: str) -> None:
    redis.hset("unacked", "broken", stored)
    redis.zadd("unacked_index", {"broken": 1.0})
    publish(redis_url, "hello")
    with Consuming(redis_url, transport=KOMBU) as dead:
        dead.receive(1)
        dead.die()
    with Consuming(redis_url) as consuming:
        consuming.receive(1)
        assert consuming.bodies == ["hello"]
        assert redis.lrange(store().keys.quarantine, 0, -1) == [stored]


def test_an_index_entry_without_a_message_goes(redis: Redis, redis_url: str) -> None:
    redis.zadd("unacked_index", {"nothing": 1.0})
    with Consuming(redis_url) as consuming:
        consuming.turn()
        assert not redis.exists("unacked_index")
