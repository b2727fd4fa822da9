"""Asks for messages, hands them to the consumer, and waits without polling.

The connection that kombu keeps for BRPOP tracks what it reads (CLIENT TRACKING): a script that finds nothing has read
the lists, so the server pushes a line when one of them changes. The line itself is never read, only noticed: whoever
finds it asks again. One question a second is asked all the same.
"""

from itertools import count
from queue import Empty
from time import monotonic
from typing import Any
from uuid import uuid4

from kombu.transport import redis
from kombu.utils.encoding import bytes_to_str
from kombu.utils.json import dumps, loads
from redis.exceptions import ConnectionError, NoScriptError, ResponseError

from tasks.completion import store
from tasks.scripts import script
from tasks.transport.qos import UNREADABLE, QoS
from worker.client import refuses_writes

AT_ONCE = 8
"""Messages fetched by one question, at most: 2.3 times the throughput of one."""

ENOUGH = 256_000
"""Bytes from which on a question fetches no further message: one of 4 MB blocks Redis for 14 ms."""

ASK_AGAIN = 1.0
"""Seconds from one question to the next while no push comes."""


class Channel(redis.Channel):
    """A channel whose messages are popped and registered by one script, under a new delivery tag each time."""

    QoS = QoS
    _in_poll: Any
    _brpop_sent_at: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._prefix, self._numbers = f"{uuid4().hex}:", count()
        self._tag, self._queues = "", list[str]()  # of the last question
        self._asks_by_script = False
        self._ask_at = 0.0
        self._prepared: Any = None
        self._unacknowledged: set[str] = set()
        super().__init__(*args, **kwargs)

    def basic_consume(self, queue: str, no_ack: bool = False, *args: Any, **kwargs: Any) -> Any:
        """Consumes a queue; one that nobody acknowledges, such as an `inspect`'s replies, in kombu's own way."""
        if no_ack:
            self._unacknowledged.add(queue)
        return super().basic_consume(queue, no_ack, *args, **kwargs)

    def registered(self, tag: str) -> bool:
        """Says whether the message of this delivery tag was registered when it was popped."""
        return tag.startswith(self._prefix)

    def returning(self, stored: bytes) -> tuple[dict[str, Any], str, str]:
        """Returns a registered message, marked as delivered before, its exchange and its routing key.

        Raises:
            ValueError, TypeError, LookupError: it cannot be read.
        """
        message, exchange, routing_key = loads(bytes_to_str(stored))
        if not isinstance(exchange, str) or not isinstance(routing_key, str):
            raise TypeError("no exchange and routing key")
        try:
            message["headers"]["redelivered"] = True
            message["properties"]["delivery_info"]["redelivered"] = True
        except KeyError:  # as kombu does
            pass
        return message, exchange, routing_key

    def lists(self, message: dict[str, Any], exchange: str, routing_key: str) -> list[str]:
        """Returns the lists that a message goes back to: one, or none where no queue is bound any more."""
        priority = self._get_message_priority(message)
        return [self._q_for_pri(queue, priority) for queue in self._lookup(exchange, routing_key)]

    def leave_poll_if_due(self) -> None:
        """Lets the poller ask again: unless an answer is due, or a push is waited for."""
        if self._in_poll and self._brpop_sent_at is None and monotonic() >= self._ask_at:
            self._in_poll = None

    def _brpop_start(self, timeout: float | None = None) -> None:
        queues = self._queue_cycle.consume(len(self.active_queues))
        self._asks_by_script = self._unacknowledged.isdisjoint(queues)
        if not self._asks_by_script:
            super()._brpop_start(timeout)
        elif queues:
            self._ask(self.client.connection, queues)

    def _ask(self, connection: Any, queues: list[str]) -> None:
        self._in_poll = connection
        self._prepare(connection)
        self._tag = f"{self._prefix}{next(self._numbers)}:"
        self._queues = queues * len(self.priority_steps)
        lists = [self._q_for_pri(queue, step) for step in self.priority_steps for queue in queues]
        keys = [self.unacked_key, self.unacked_index_key, *lists]
        # By the queue's name, as kombu says it: an empty exchange.
        ends = [f',"",{dumps(queue)}]' for queue in self._queues]
        most = min(AT_ONCE, self.qos.can_consume_max_estimate() or AT_ONCE)
        command = ("EVALSHA", script("fetch").sha, len(keys), *keys, self._tag, most, ENOUGH, *ends)
        connection.send_command(*command, check_health=False)
        self._brpop_sent_at = monotonic()

    def _prepare(self, connection: Any) -> None:
        """Tells a new server session to push what changes, and the script."""
        if connection._sock is self._prepared:
            return
        commands = [("CLIENT", "TRACKING", "ON", "NOLOOP"), ("SCRIPT", "LOAD", script("fetch").script)]
        connection.send_packed_command(connection.pack_commands(commands), check_health=False)
        for _ in commands:
            connection.read_response()
        self._prepared = connection._sock

    def _brpop_read(self, **options: Any) -> bool:
        if not self._asks_by_script:
            read: bool = super()._brpop_read(**options)
            return read
        sent_at, self._brpop_sent_at = self._brpop_sent_at, None
        self._ask_at = 0.0
        if sent_at is None:  # a push, or the connection's end: asking finds out which
            raise Empty
        answer = self._answer(self.client.connection, sent_at)
        # What nobody read for so long is others' by now, or will be.
        if not answer or monotonic() - sent_at > self.visibility_timeout / 2:
            raise Empty
        for number, (place, message) in enumerate(zip(answer[::2], answer[1::2], strict=True)):
            self._hand_over(f"{self._tag}{number}", message, self._queues[place])
        return True

    def _answer(self, connection: Any, sent_at: float) -> list[Any]:
        try:
            answer: list[Any] = connection.read_response()
            if not answer and not connection.can_read(0):  # else a push stands behind the answer
                self._ask_at = sent_at + ASK_AGAIN
        except NoScriptError:  # SCRIPT FLUSH
            self._prepared = None
            return []
        except ResponseError as exc:
            if not refuses_writes(exc):
                raise
            self._ask_at = sent_at + ASK_AGAIN
            return []
        except self.connection_errors:
            connection.disconnect()
            raise
        return answer

    def _hand_over(self, tag: str, message: bytes, queue: str) -> None:
        if self._closing:
            self.qos.restore_by_tag(tag)
            return
        self._queue_cycle.rotate(queue)
        try:
            payload = loads(bytes_to_str(message))
            payload["properties"]["delivery_tag"] = tag
            self.connection._deliver(payload, queue)
        except UNREADABLE as exc:
            self.qos.quarantine(tag, exc)

    def conn_or_acquire(self, client: Any = None) -> Any:
        """Returns a context with a client: the shared store's once there is no connection to ask for an address.

        A task that outlives its channel has yet to be acknowledged.
        """
        return super().conn_or_acquire(store().redis if client is None and self._is_cut_off else client)

    @property
    def _is_cut_off(self) -> bool:
        return self.connection is None or self.connection.client is None

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        """Refuses a closed connection with an error that Celery expects.

        kombu 5.7 closes channels after their connection when Redis has gone, and asks it for its address once more:
        an AttributeError ended the worker in most of our kill -9 of Redis with an acknowledgement open.
        """
        if self._is_cut_off:
            raise ConnectionError("the connection is closed")
        params: dict[str, Any] = super()._connparams(asynchronous)
        return params
