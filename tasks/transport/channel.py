"""Fetches messages, delivers them to the consumer, and waits without polling where the server allows it.

1. The connection that kombu keeps for BRPOP has CLIENT TRACKING on: the server tracks the keys that it reads.
2. A script that finds no message has read the lists. The server sends a push when one of them changes.
3. A push is noticed and not parsed: the channel fetches again.
4. Without a push the channel still fetches once a second.
5. Where the server refuses to track, the channel fetches at short intervals: see tracking.py.
"""

from contextlib import nullcontext
from functools import cached_property
from itertools import count
from queue import Empty
from time import monotonic
from typing import Any
from uuid import uuid4

from kombu.transport import redis
from kombu.utils.encoding import bytes_to_str
from kombu.utils.json import dumps, loads
from redis.exceptions import ConnectionError, NoScriptError, ResponseError

from tasks.store import store
from tasks.transport.qos import UNREADABLE, QoS
from tasks.transport.reserve import RESERVE
from tasks.transport.scripts import script
from tasks.transport.tracking import FETCH_EVERY, TRACKING, TRACKING_ON
from worker.store.blocking_pool import blocking
from worker.store.client import refuses_writes

AT_ONCE = 8
"""The most messages of one fetch: 2.3 times the throughput of single ones."""

ENOUGH = 256_000
"""Bytes at which a fetch ends: a message of 4 MB blocks Redis for 14 ms."""


class Channel(redis.Channel):
    """A channel that pops and registers messages by one script, with a new delivery tag for each delivery."""

    QoS = QoS
    _in_poll: Any
    _brpop_sent_at: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._prefix, self._numbers = f"{uuid4().hex}:", count()
        self._tag, self._queues = "", list[str]()  # of the last fetch
        self._fetches_by_script = self._fetches_urgent = False
        self._fetch_at, self._fetch_every = 0.0, FETCH_EVERY
        self._prepared: Any = None
        self._unacknowledged: set[str] = set()
        super().__init__(*args, **kwargs)
        self.async_pool.disconnect()  # kombu's PING: a channel that only publishes needs this connection no more

    def basic_consume(self, queue: str, no_ack: bool = False, *args: Any, **kwargs: Any) -> Any:
        """Consumes a queue; one without acknowledgements, such as the replies to `inspect`, in kombu's own way."""
        if no_ack:
            self._unacknowledged.add(queue)
        return super().basic_consume(queue, no_ack, *args, **kwargs)

    def registered(self, tag: str) -> bool:
        """Returns whether the script registered the message of this delivery tag."""
        return tag.startswith(self._prefix)

    def returning(self, stored: bytes) -> tuple[dict[str, Any], str, str]:
        """Returns a registered message, marked as redelivered, with its exchange and its routing key.

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
        """Returns the lists that a message goes back to: one, or none if no queue is bound any more."""
        priority = self._get_message_priority(message)
        return [self._q_for_pri(queue, priority) for queue in self._lookup(exchange, routing_key)]

    def leave_poll_if_due(self) -> None:
        """Lets the poller fetch again, unless a reply is due or the channel waits for a push.

        One that waits for urgent messages fetches again as soon as a common slot is free.
        """
        is_due = monotonic() >= self._fetch_at or (self._fetches_urgent and self.qos.common_places() != 0)
        if self._in_poll and self._brpop_sent_at is None and is_due:
            self._in_poll = None

    def _brpop_start(self, timeout: float | None = None) -> None:
        queues = self._queue_cycle.consume(len(self.active_queues))
        self._fetches_by_script = self._unacknowledged.isdisjoint(queues)
        if not self._fetches_by_script:
            super()._brpop_start(timeout)
        elif queues:
            self._fetch(self.client.connection, queues)

    def _fetch(self, connection: Any, queues: list[str]) -> None:
        self._in_poll = connection
        self._prepare(connection)
        self._tag = f"{self._prefix}{next(self._numbers)}:"
        common = self.qos.common_places()
        self._fetches_urgent = common == 0
        steps = [RESERVE.priority] if self._fetches_urgent else self.priority_steps
        self._queues = queues * len(steps)
        lists = [self._q_for_pri(queue, step) for step in steps for queue in queues]
        keys = [self.unacked_key, self.unacked_index_key, *lists]
        # kombu's form of a delivery by the queue's name: an empty exchange.
        ends = [f',"",{dumps(queue)}]' for queue in self._queues]
        most = min(AT_ONCE, common or self.qos.can_consume_max_estimate() or AT_ONCE)
        command = ("EVALSHA", script("fetch").sha, len(keys), *keys, self._tag, most, ENOUGH, *ends)
        connection.send_command(*command, check_health=False)
        self._brpop_sent_at = monotonic()

    def _prepare(self, connection: Any) -> None:
        """Turns tracking on, if the server allows it, and loads the script, once per connection to the server."""
        if connection._sock is self._prepared:
            return
        commands = [TRACKING_ON, ("SCRIPT", "LOAD", script("fetch").script)]
        connection.send_packed_command(connection.pack_commands(commands), check_health=False)
        refusal = None
        try:
            connection.read_response()
        except ResponseError as exc:
            refusal = exc
        connection.read_response()
        self._fetch_every = TRACKING.wait(refusal)
        self._prepared = connection._sock

    def _brpop_read(self, **options: Any) -> bool:
        if not self._fetches_by_script:
            read: bool = super()._brpop_read(**options)
            return read
        sent_at, self._brpop_sent_at = self._brpop_sent_at, None
        self._fetch_at = 0.0
        if sent_at is None:  # a push, or the connection's end: the next fetch shows which
            raise Empty
        reply = self._reply(self.client.connection, sent_at)
        # After so long other workers may restore these messages, or will soon.
        if not reply or monotonic() - sent_at > self.visibility_timeout / 2:
            raise Empty
        for number, (place, message) in enumerate(zip(reply[::2], reply[1::2], strict=True)):
            self._deliver_or_quarantine(f"{self._tag}{number}", message, self._queues[place])
        return True

    def _reply(self, connection: Any, sent_at: float) -> list[Any]:
        try:
            reply: list[Any] = connection.read_response()
            if not reply and not connection.can_read(0):  # else a push follows the reply
                self._fetch_at = sent_at + self._fetch_every
                if self._fetch_every < FETCH_EVERY:  # kombu's own timers wake the loop once a second
                    self.connection.cycle.wake_at(self._fetch_at)
        except NoScriptError:  # SCRIPT FLUSH
            self._prepared = None
            return []
        except ResponseError as exc:
            if not refuses_writes(exc):
                raise
            self._fetch_at = sent_at + FETCH_EVERY
            return []
        except self.connection_errors:
            connection.disconnect()
            raise
        return reply

    def _deliver_or_quarantine(self, tag: str, message: bytes, queue: str) -> None:
        if self._closing or queue not in self.active_queues:  # cancelled while the fetch was under way
            self.qos.restore_by_tag(tag)
            return
        self._queue_cycle.rotate(queue)
        try:
            payload = loads(bytes_to_str(message))
            payload["properties"]["delivery_tag"] = tag
            self.connection._deliver(payload, queue)
        except UNREADABLE as exc:
            self.qos.quarantine(tag, exc)

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        """Binds a queue. What a Redis that refuses writes has already bound, or kombu will bind again, is no error."""
        try:
            super()._queue_bind(exchange, routing_key, pattern, queue)
        except ResponseError as exc:
            if not refuses_writes(exc):
                raise
            is_renewed = queue in self._expires  # see maybe_refresh_binding_expiry
            if not is_renewed and (routing_key or "", pattern or "", queue) not in self.get_table(exchange):
                raise ConnectionError(f"{queue} cannot be bound, because Redis refuses writes") from exc

    def maybe_refresh_binding_expiry(self) -> None:
        """Renews the bindings that expire; kombu would log a traceback at each turn while Redis refuses writes."""
        try:
            super().maybe_refresh_binding_expiry()
        except ResponseError as exc:
            if not refuses_writes(exc):
                raise

    def conn_or_acquire(self, client: Any = None) -> Any:
        """Returns a context with a client: the channel's, which kombu would make anew for each command.

        If the connection is closed, it is the shared store's.
        """
        return nullcontext(client or (store().redis if self._is_cut_off else self._commands))

    @cached_property
    def _commands(self) -> Any:
        return self._create_client()

    def _get_pool(self, asynchronous: bool = False) -> Any:
        pool = super()._get_pool(asynchronous)
        return pool if asynchronous else blocking(pool, self.max_connections)

    @property
    def _is_cut_off(self) -> bool:
        return self.connection is None or self.connection.client is None

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        """Raises an error that Celery expects if the connection is closed.

        When Redis ends, kombu 5.7 closes channels after their connection and then asks it for its address: an
        AttributeError ended the worker in most of our kill -9 of Redis with an acknowledgement open.
        """
        if self._is_cut_off:
            raise ConnectionError("the connection is closed")
        params: dict[str, Any] = super()._connparams(asynchronous)
        return params
