"""Releases parked and scheduled completions: a thread of each worker asks Redis, where scripts decide which go on."""

import logging
import threading
from typing import Any

from celery import bootsteps
from kombu.transport.redis import Channel
from redis.exceptions import RedisError

from tasks.celery import COMPLETIONS, UNACKED_INDEX
from tasks.store import store
from worker.errors import RedisUnavailable
from worker.task.parking import release
from worker.task.scheduling import release_due

_log = logging.getLogger(__name__)

_LISTS = (COMPLETIONS, *(f"{COMPLETIONS}{Channel.sep}{priority}" for priority in Channel.priority_steps if priority))
"""The queue's lists as kombu names them, the most urgent first."""

_IDLE, _TICK, _AGAIN = 1.0, 0.1, 0.02
"""Seconds until the next try: if nothing is parked, if something is, if more could be released at once."""


class Release(bootsteps.StartStopStep):
    """A thread of a worker that puts parked and scheduled completions back into the queue."""

    def start(self, worker: Any) -> None:
        """Starts the thread, which outlives reconnections."""
        self._ended = threading.Event()
        threading.Thread(target=self._run, name="release", daemon=True).start()

    def stop(self, worker: Any) -> None:
        """Ends the thread: a stopping worker must not fill a queue that it no longer consumes."""
        self._ended.set()

    def _run(self) -> None:
        pause = _IDLE
        while not self._ended.wait(pause):
            pause = _release()


def _release() -> float:
    """Releases the completions that may continue; returns the seconds until the next try."""
    try:
        due = release_due(store(), _LISTS)
        released = release(store(), UNACKED_INDEX, _LISTS)
    except (RedisUnavailable, RedisError) as exc:
        _log.warning("release-missed error=%s", type(exc).__name__)
        return _IDLE
    if released.more:
        return _AGAIN
    pause = _TICK if released.parked else _IDLE
    return pause if due is None else min(pause, max(due, _AGAIN))
