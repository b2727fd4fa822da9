"""Slots that urgent messages alone may take: what a channel fetches while nothing else is free."""

from collections.abc import Iterator

import pytest
from redis import Redis

from tasks.transport.reserve import RESERVE
from tests.tasks.transport.consuming import QUEUE, Consuming, publish
from tests.worker.admission.clocked_breaker import url

URGENT, PATIENT = 3, 6


@pytest.fixture(autouse=True)
def one_is_kept() -> Iterator[None]:
    """Keeps one slot."""
    RESERVE.slots = 1
    yield
    RESERVE.slots = 0


def waiting(redis: Redis, priority: int) -> int:
    """Returns how many messages of a priority are in the queue."""
    return int(redis.llen(f"{QUEUE}\x06\x16{priority}" if priority else QUEUE))


@pytest.mark.parametrize("priority", [0, PATIENT, 9])
def test_a_kept_slot_takes_no_other_priority(every_redis: Redis, priority: int) -> None:
    publish(url(every_redis), *range(10), priority=priority)
    with Consuming(url(every_redis), prefetch=3) as consuming:
        consuming.receive(2)
        consuming.turn(0.3)
        assert (len(consuming.received), waiting(every_redis, priority)) == (2, 8)


def test_an_urgent_message_takes_it_at_once(redis: Redis, redis_url: str) -> None:
    publish(redis_url, *range(10), priority=PATIENT)
    with Consuming(redis_url, prefetch=3) as consuming:
        consuming.receive(2)
        publish(redis_url, "urgent", "urgent", priority=URGENT)
        consuming.receive(3)
        consuming.turn(0.3)
        assert consuming.bodies == [0, 1, "urgent"]
        assert (waiting(redis, URGENT), waiting(redis, PATIENT)) == (1, 8)


def test_a_common_slot_that_is_freed_takes_the_next_of_any_priority(redis: Redis, redis_url: str) -> None:
    publish(redis_url, *range(10), priority=PATIENT)
    with Consuming(redis_url, prefetch=3) as consuming:
        consuming.receive(2)
        consuming.turn(0.3)
        consuming.received[0].ack()
        consuming.receive(3)
        assert waiting(redis, PATIENT) == 7


def test_an_urgent_message_in_a_common_slot_leaves_the_kept_one_to_others_like_it(redis_url: str) -> None:
    publish(redis_url, "urgent", priority=URGENT)
    publish(redis_url, *range(10), priority=PATIENT)
    with Consuming(redis_url, prefetch=3) as consuming:
        consuming.receive(2)
        consuming.turn(0.3)
        assert consuming.bodies == ["urgent", 0]


def test_other_queues_have_no_kept_slots(redis_url: str) -> None:
    publish(redis_url, *range(10), queue="probes")
    with Consuming(redis_url, prefetch=3, queues=("probes",)) as consuming:
        consuming.receive(3)


def test_a_message_that_is_given_back_is_the_next_to_come(redis: Redis, redis_url: str) -> None:
    publish(redis_url, *range(3), priority=PATIENT)
    with Consuming(redis_url, prefetch=2) as consuming:
        [first] = consuming.receive(1)
        consuming.turn(0.3)
        consuming.channel.qos.give_back(first.delivery_tag)
        consuming.receive(2)
        assert consuming.bodies == [0, 0]
        assert redis.hlen("unacked") == 1
