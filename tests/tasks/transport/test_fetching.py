"""How messages come: registered, in order, as many as are wanted, and at once."""

import threading
import time
from contextlib import suppress

from redis import Redis

from tests.tasks.transport.consuming import KOMBU, OURS, QUEUE, Consuming, held, publish
from tests.worker.admission.clocked_breaker import url


def tracking(redis: Redis) -> list[str]:
    """Returns which connections the server pushes to."""
    return [client["id"] for client in redis.client_list() if "t" in client["flags"]]


def test_a_message_is_registered_before_anybody_has_read_it(every_redis: Redis) -> None:
    publish(url(every_redis), "hello")
    with Consuming(url(every_redis)) as consuming:
        consuming.connection.transport.cycle.on_poll_start()
        consuming.channel.client.connection.can_read(1.0)
        assert every_redis.llen(QUEUE) == 0
        assert every_redis.hlen("unacked") == every_redis.zcard("unacked_index") == 1


def test_the_register_is_kombus(redis: Redis, redis_url: str) -> None:
    publish(redis_url, {"numbers": [1.0, 12345678901234567890], "nothing": []})
    with Consuming(redis_url) as consuming:
        [message] = consuming.receive(1)
        [[registered, exchange, routing_key]] = held(redis)
    assert (exchange, routing_key) == ("", QUEUE)
    assert registered["body"] == message._raw["body"]


def test_the_most_urgent_comes_first(every_redis: Redis) -> None:
    for priority in (9, 3, 6, 0):
        publish(url(every_redis), priority, priority=priority)
    with Consuming(url(every_redis)) as consuming:
        consuming.receive(4)
        assert consuming.bodies == [0, 3, 6, 9]


def test_the_oldest_comes_first_among_equals(redis_url: str) -> None:
    publish(redis_url, *range(20))
    with Consuming(redis_url) as consuming:
        consuming.receive(20)
        assert consuming.bodies == list(range(20))


def test_no_more_come_than_are_wanted(redis: Redis, redis_url: str) -> None:
    publish(redis_url, *range(10))
    with Consuming(redis_url, prefetch=3) as consuming:
        consuming.receive(3)
        consuming.turn(0.3)
        assert (len(consuming.received), redis.llen(QUEUE)) == (3, 7)


def test_one_more_comes_for_one_let_go(redis: Redis, redis_url: str) -> None:
    publish(redis_url, *range(10))
    with Consuming(redis_url, prefetch=3) as consuming:
        consuming.receive(3)[0].ack()
        consuming.receive(4)
        assert redis.llen(QUEUE) == 6


def test_large_messages_come_one_by_one(redis: Redis, redis_url: str) -> None:
    publish(redis_url, *("x" * 300_000 for _ in range(3)))
    with Consuming(redis_url) as consuming:
        consuming.connection.transport.cycle.on_poll_start()
        consuming.channel.client.connection.can_read(1.0)
        assert redis.llen(QUEUE) == 2
        consuming.receive(3)


def test_every_queue_has_its_turn(redis_url: str) -> None:
    for queue in ("one", "two"):
        publish(redis_url, *[queue] * 20, queue=queue)
    with Consuming(redis_url, queues=("one", "two")) as consuming:
        consuming.receive(17)
        assert set(consuming.bodies) == {"one", "two"}


def test_a_waiting_consumer_is_told_at_once(every_redis: Redis) -> None:
    with Consuming(url(every_redis)) as consuming:
        consuming.turn(0.2)
        asked = every_redis.info("commandstats")["cmdstat_evalsha"]["calls"]
        later = threading.Timer(0.2, publish, (url(every_redis), time.monotonic()))
        later.start()
        consuming.connection.drain_events(timeout=0.9)
        consuming.receive(1)
        later.join()
        assert every_redis.info("commandstats")["cmdstat_evalsha"]["calls"] == asked + 1


def test_a_push_while_nothing_is_wanted_leaves_the_connection_alone(redis: Redis, redis_url: str) -> None:
    with Consuming(redis_url, prefetch=1) as consuming:
        consuming.turn()
        publish(redis_url, "first")
        consuming.receive(1)
        connected = tracking(redis)
        publish(redis_url, "second", priority=6)
        consuming.turn(0.3)
        consuming.received[0].ack()
        consuming.receive(2)
        assert tracking(redis) == connected


def test_a_server_that_forgot_the_script_is_given_it_again(redis: Redis, redis_url: str) -> None:
    with Consuming(redis_url) as consuming:
        consuming.turn()
        redis.script_flush()
        publish(redis_url, "hello")
        consuming.receive(1)


def test_a_connection_that_was_cut_waits_for_pushes_again(redis: Redis, redis_url: str) -> None:
    with Consuming(redis_url) as consuming:
        consuming.turn()
        redis.client_kill_filter(_type="normal", skipme=True)
        for _ in range(3):
            with suppress(*consuming.connection.connection_errors):
                consuming.turn()
        assert len(tracking(redis)) == 1


def test_replies_that_nobody_acknowledges_are_not_registered(redis: Redis, redis_url: str) -> None:
    publish(redis_url, "reply")
    with Consuming(redis_url, queues=()) as consuming:
        received: list[object] = []
        consuming.channel.queue_declare(QUEUE)
        consuming.channel.basic_consume(QUEUE, no_ack=True, callback=received.append, consumer_tag="replies")
        consuming.turn(1.0)
        assert len(received) == 1
        assert not redis.exists("unacked", "unacked_index")


def test_messages_of_kombus_transport_and_of_ours_look_the_same_to_a_consumer(redis_url: str) -> None:
    seen = []
    for transport in (KOMBU, OURS):
        publish(redis_url, "hello", priority=6)
        with Consuming(redis_url, transport=transport) as consuming:
            [message] = consuming.receive(1)
            seen.append((message.body, message.headers, message.delivery_info, message.content_type))
            message.ack()
    assert seen[0] == seen[1]
