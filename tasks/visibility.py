"""Keeps messages that this process works on from being delivered to another: a heartbeat kombu lacks.

Redis delivers a message again once it is older than the visibility timeout in the index of unacknowledged ones.
A thread of the process, not of a connection, refreshes the age of every message held, and the tasks' leases; it also
compares the clocks, and tells what the process counted while Redis was away.
"""

import logging
import threading
from typing import Any

from celery import bootsteps
from redis import Redis
from redis.exceptions import RedisError

from tasks.clock import CLOCK
from tasks.completion import store
from tasks.scripts import script
from tasks.transport.qos import HELD as MESSAGES
from worker.errors import StoreAway
from worker.lease import HELD, RENEW_EVERY
from worker.metrics import flush

_log = logging.getLogger(__name__)


class Heartbeat(bootsteps.StartStopStep):
    """A thread of a worker that keeps what the worker holds its own."""

    def start(self, worker: Any) -> None:
        """Starts the thread; it outlives reconnections, and ends with the process."""
        self._ended = threading.Event()
        CLOCK.distrust()
        _beat()
        threading.Thread(target=self._run, name="visibility", daemon=True).start()

    def terminate(self, worker: Any) -> None:
        """Ends the thread; not at `stop`, after which calls still end."""
        self._ended.set()

    def _run(self) -> None:
        while not self._ended.wait(RENEW_EVERY):
            _beat()


def _beat() -> None:
    try:
        _hold(store().redis)
        HELD.renew(store())
        CLOCK.compare(store().redis)
        flush(store())
    except (RedisError, StoreAway, OSError) as exc:
        _log.warning("heartbeat-missed error=%s", type(exc).__name__)


def _hold(client: Redis) -> None:
    indexes: dict[str, list[str]] = {}
    for tag, index in list(MESSAGES.items()):
        indexes.setdefault(index, []).append(tag)
    for index, tags in indexes.items():
        script("hold")([index], tags, client)
