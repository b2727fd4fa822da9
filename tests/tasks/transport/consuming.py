"""A queue's consumer and producer in this process, as kombu drives them without Celery."""

import json
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from kombu import Connection, Consumer, Message, Producer, Queue
from redis import Redis

QUEUE = "completions"
KOMBU = "kombu.transport.redis:Transport"
OURS = "tasks.transport:Transport"
TIMEOUT = 1.0
"""Seconds after which a message that nobody holds is delivered again."""


class Consuming:
    """A consumer of `QUEUE`; it keeps what it receives, and acknowledges nothing by itself."""

    def __init__(
        self,
        redis_url: str,
        *,
        prefetch: int = 0,
        transport: str = OURS,
        queues: tuple[str, ...] = (QUEUE,),
        on_message: Callable[[Message], None] | None = None,
    ) -> None:
        options = {"visibility_timeout": TIMEOUT, "unacked_restore_throttle": 1}
        self.received: list[Message] = []
        self.connection = Connection(redis_url, transport=transport, transport_options=options)
        self.channel = self.connection.channel()
        self.channel.basic_qos(0, prefetch, False)
        take = on_message or self.received.append
        named = [Queue(name, routing_key=name) for name in queues]
        Consumer(self.channel, named, on_message=take, accept=["json"]).consume()

    @property
    def bodies(self) -> list[Any]:
        """Returns what the received messages say."""
        return [message.decode() for message in self.received]

    def receive(self, number: int, seconds: float = 10.0) -> list[Message]:
        """Goes on until so many messages have come in all."""
        until = time.monotonic() + seconds
        while len(self.received) < number:
            self.turn()
            assert time.monotonic() < until, f"{len(self.received)} of {number} messages came"
        return self.received

    def turn(self, seconds: float = 0.1) -> None:
        """Lets it do what it would do in so many seconds without a message."""
        with suppress(TimeoutError):
            self.connection.drain_events(timeout=seconds)

    def die(self) -> None:
        """Ends it without a word to anybody, as a kill does."""
        self.channel.do_restore = False
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.connection.close()


def publish(redis_url: str, *bodies: Any, priority: int = 0, queue: str = QUEUE, transport: str = KOMBU) -> None:
    """Queues messages as any producer does."""
    with Connection(redis_url, transport=transport) as connection:
        producer = Producer(connection)
        for body in bodies:
            producer.publish(body, routing_key=queue, priority=priority, serializer="json")


def held(redis: Redis) -> list[Any]:
    """Returns what is registered as held, as kombu writes it."""
    return [json.loads(stored) for stored in redis.hvals("unacked")]
