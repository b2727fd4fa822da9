"""What becomes of messages whose holder let them go, or went."""

import pytest
from redis import Redis

from tasks.transport.scripts import script
from tests.tasks.transport.consuming import KOMBU, OURS, QUEUE, TIMEOUT, Consuming, publish
from tests.waiting import wait_until
from tests.worker.admission.clocked_breaker import url


def test_a_dead_holders_message_is_delivered_again(every_redis: Redis) -> None:
    publish(url(every_redis), "hello")
    with Consuming(url(every_redis)) as dead:
        dead.receive(1)
        dead.die()
    with Consuming(url(every_redis)) as consuming:
        [message] = consuming.receive(1)
        assert message.decode() == "hello"
        assert message.delivery_info["redelivered"] is True


def test_it_is_delivered_under_a_new_tag_so_that_a_late_acknowledgement_is_harmless(
    redis: Redis, redis_url: str
) -> None:
    publish(redis_url, "hello")
    with Consuming(redis_url) as slow, Consuming(redis_url) as other:
        [late] = slow.receive(1)
        other.receive(1)
        late.ack()
        assert redis.hkeys("unacked") == [other.received[0].delivery_tag]


def test_a_message_that_is_held_stays(redis: Redis, redis_url: str) -> None:
    publish(redis_url, "hello")
    with Consuming(redis_url) as holder, Consuming(redis_url) as other:
        [message] = holder.receive(1)
        now = float(redis.time()[0])
        redis.zadd("unacked_index", {message.delivery_tag: now + 10 * TIMEOUT})
        other.turn(2 * TIMEOUT)
        assert other.received == []


def test_a_message_held_again_after_it_was_found_overdue_stays(redis: Redis, redis_url: str) -> None:
    publish(redis_url, "hello")
    with Consuming(redis_url) as consuming:
        [message] = consuming.receive(1)
        consuming.channel.qos._restore(message.delivery_tag, redis, "RPUSH", TIMEOUT)
        assert redis.hkeys("unacked") == [message.delivery_tag]


def test_a_message_is_put_back_once_by_many_that_found_it_overdue(redis: Redis, redis_url: str) -> None:
    publish(redis_url, "hello")
    with Consuming(redis_url) as consuming:
        [message] = consuming.receive(1)
        for _ in range(2):
            script("restore")(["unacked", "unacked_index", QUEUE], [message.delivery_tag, "again", "RPUSH", 0], redis)
        assert redis.lrange(QUEUE, 0, -1) == ["again"]


def test_a_rejected_message_comes_back_once_it_is_overdue(redis: Redis, redis_url: str) -> None:
    publish(redis_url, 1)
    with Consuming(redis_url, prefetch=1) as consuming:
        [rejected] = consuming.receive(1)
        rejected.reject(requeue=True)
        publish(redis_url, 2)
        consuming.receive(2)[-1].ack()
        assert consuming.bodies == [1, 2]
        assert redis.hkeys("unacked") == [rejected.delivery_tag]
        assert consuming.receive(3)[-1].decode() == 1


def test_a_consumer_that_closes_gives_back_what_it_has_and_what_it_was_sent(redis: Redis, redis_url: str) -> None:
    publish(redis_url, *range(3))
    with Consuming(redis_url, prefetch=2) as consuming:
        consuming.receive(2)
        consuming.received[0].ack()
        consuming.connection.transport.cycle.on_poll_start()
        wait_until(lambda: redis.llen(QUEUE) == 0)
    assert redis.llen(QUEUE) == 2
    assert not redis.exists("unacked", "unacked_index")


def test_a_full_server_can_be_emptied(every_redis: Redis) -> None:
    publish(url(every_redis), *range(3))
    with Consuming(url(every_redis)) as consuming:
        every_redis.config_set("maxmemory", 1)
        try:
            rejected, *others = consuming.receive(3)
            rejected.reject(requeue=True)
            for message in others:
                message.ack()
            consuming.receive(4)[-1].ack()
        finally:
            every_redis.config_set("maxmemory", 0)
        assert not every_redis.exists("unacked", "unacked_index", QUEUE)


def test_what_is_held_stays_held_in_a_full_server(every_redis: Redis) -> None:
    every_redis.zadd("unacked_index", {"tag": 1.0})
    every_redis.config_set("maxmemory", 1)
    try:
        script("extend_visibility")(["unacked_index"], ["tag", "gone"], every_redis)
    finally:
        every_redis.config_set("maxmemory", 0)
    [(tag, held)] = every_redis.zrange("unacked_index", 0, -1, withscores=True)
    assert (tag, held > 1.0) == ("tag", True)


def test_an_answer_that_nobody_read_in_time_is_dropped(redis: Redis, redis_url: str) -> None:
    publish(redis_url, "hello")
    with Consuming(redis_url) as slow, Consuming(redis_url) as other:
        slow.connection.transport.cycle.on_poll_start()
        other.receive(1)  # once it was overdue
        slow.turn(0.0)
        assert slow.received == []


@pytest.mark.parametrize(("holder", "other"), [(KOMBU, OURS), (OURS, KOMBU)], ids=["to ours", "to kombu's"])
def test_either_transport_takes_over_from_the_other(redis: Redis, redis_url: str, holder: str, other: str) -> None:
    publish(redis_url, {"said": [1.0, []]}, priority=6)
    with Consuming(redis_url, transport=holder) as dead:
        dead.receive(1)
        dead.die()
    with Consuming(redis_url, transport=other) as consuming:
        [message] = consuming.receive(1)
        assert message.decode() == {"said": [1.0, []]}
        message.ack()
        assert not redis.exists("unacked", "unacked_index")
