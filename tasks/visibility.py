"""Keeps messages that this process works on from being delivered to another: a heartbeat kombu lacks.

Redis delivers a message again once it is older than the visibility timeout in the index of unacknowledged ones.
A thread of the process, not of a connection, refreshes the age of every message held, and the tasks' leases; it also
tells what the process counted while Redis was away.
"""

import logging
import threading
import time
from typing import Any

from celery import bootsteps
from kombu.transport import redis
from redis.exceptions import ConnectionError, RedisError

from tasks.completion import store
from worker.errors import StoreAway
from worker.lease import HELD, RENEW_EVERY
from worker.metrics import flush

_log = logging.getLogger(__name__)
_held: dict[str, str] = {}


class QoS(redis.QoS):
    """Acknowledgements that also tell which messages this process holds."""

    def append(self, message: Any, delivery_tag: str) -> None:
        """Registers a message."""
        super().append(message, delivery_tag)
        _held[delivery_tag] = self.unacked_index_key

    def ack(self, delivery_tag: str) -> None:
        """Lets a message go for good."""
        _held.pop(delivery_tag, None)
        super().ack(delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Lets a message go, back to its queue with `requeue`."""
        _held.pop(delivery_tag, None)
        super().reject(delivery_tag, requeue)


class Channel(redis.Channel):
    """A channel with our acknowledgements."""

    QoS = QoS

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        """Refuses a closed connection with an error that Celery expects.

        kombu 5.7 closes channels after their connection when Redis has gone, and asks it for its address once more:
        an AttributeError ended the worker in most of our kill -9 of Redis with an acknowledgement open.
        """
        if self.connection.client is None:
            raise ConnectionError("the connection is closed")
        params: dict[str, Any] = super()._connparams(asynchronous)
        return params


class Transport(redis.Transport):
    """kombu's Redis transport with our channel."""

    Channel = Channel


class Heartbeat(bootsteps.StartStopStep):
    """A thread of a worker that keeps what the worker holds its own."""

    def start(self, worker: Any) -> None:
        """Starts the thread; it outlives reconnections, and ends with the process."""
        self._ended = threading.Event()
        threading.Thread(target=self._beat, name="visibility", daemon=True).start()

    def terminate(self, worker: Any) -> None:
        """Ends the thread; not at `stop`, after which calls still end."""
        self._ended.set()

    def _beat(self) -> None:
        while not self._ended.wait(RENEW_EVERY):
            try:
                _refresh()
                HELD.renew(store())
                flush(store())
            except (RedisError, StoreAway, OSError) as exc:
                _log.warning("heartbeat-missed error=%s", type(exc).__name__)


def _refresh() -> None:
    now = time.time()
    indexes: dict[str, dict[str, float]] = {}
    for tag, index in list(_held.items()):
        indexes.setdefault(index, {})[tag] = now
    for index, tags in indexes.items():
        store().redis.zadd(index, tags, xx=True)
