"""Lets waiting completions go on: a thread of each worker asks the shared store, which decides when it is time."""

import logging
import threading
from typing import Any

from celery import bootsteps
from kombu.transport.redis import Channel
from redis.exceptions import RedisError

from tasks.celery import COMPLETIONS, UNACKED_INDEX
from tasks.completion import store
from worker.errors import StoreAway
from worker.waiting import release

_log = logging.getLogger(__name__)

_LISTS = (COMPLETIONS, *(f"{COMPLETIONS}{Channel.sep}{priority}" for priority in Channel.priority_steps if priority))
"""The queue's lists as kombu names them, the most urgent first."""

_IDLE, _TICK, _AGAIN = 1.0, 0.1, 0.02
"""Seconds between two looks: nobody waits, somebody does, more could have gone at once."""


class Release(bootsteps.StartStopStep):
    """A thread of a worker that puts waiting completions back into the queue."""

    def start(self, worker: Any) -> None:
        """Starts the thread; it outlives reconnections."""
        self._ended = threading.Event()
        threading.Thread(target=self._run, name="waiting", daemon=True).start()

    def stop(self, worker: Any) -> None:
        """Ends the thread: a worker that stops puts nothing into a queue that it does not serve any more."""
        self._ended.set()

    def _run(self) -> None:
        pause = _IDLE
        while not self._ended.wait(pause):
            pause = _look()


def _look() -> float:
    """Releases what may go on and returns the seconds until the next look."""
    try:
        released = release(store(), UNACKED_INDEX, _LISTS)
    except (StoreAway, RedisError) as exc:
        _log.warning("release-missed error=%s", type(exc).__name__)
        return _IDLE
    if released.more:
        return _AGAIN
    return _TICK if released.waiting else _IDLE
