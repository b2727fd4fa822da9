"""Waits for results: the threads of a producer share one connection, and one of them at a time reads it for all.

Celery's own has a connection per thread. Shared, it would wake every waiting thread for each result: 500 results would
be 250,000 wake-ups.
"""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from celery.backends import asynchronous, redis

from tasks.store import store
from worker.store.blocking_pool import WAIT


@dataclass(eq=False, slots=True)
class _Waiter:
    """A thread that waits until `result` is ready, or reading fails with `error`; `turn` wakes it to look again."""

    result: Any  # vine's promise
    turn: threading.Event = field(default_factory=threading.Event)
    error: Exception | None = None


class Drainer(asynchronous.Drainer):
    """Lets one waiting thread read; it wakes those whose results came, and the next reader when it has its own."""

    def __init__(self, result_consumer: Any) -> None:
        super().__init__(result_consumer)
        self._reading = threading.Lock()
        self._waiters: dict[_Waiter, None] = {}

    def drain_events_until(
        self,
        p: Any,
        timeout: float | None = None,
        interval: float = 1.0,
        on_interval: Callable[[], None] | None = None,
        wait: Any = None,
    ) -> Iterator[None]:
        """Waits until the promise `p` is ready; yields at least once per `interval` seconds.

        Raises:
            TimeoutError: it was not ready within `timeout` seconds.
            RuntimeError: Redis could not be reached.
        """
        ends_at = None if timeout is None else time.monotonic() + timeout
        waiter = _Waiter(p)
        self._waiters[waiter] = None
        try:
            while not p.ready:
                left = interval if ends_at is None else min(interval, ends_at - time.monotonic())
                if left <= 0:
                    raise TimeoutError
                self._wait(waiter, left)
                yield
                if on_interval:
                    on_interval()
        finally:
            del self._waiters[waiter]
            self._pass_on()

    def _pass_on(self) -> None:
        """Wakes the next reader, unless somebody reads."""
        if self._reading.acquire(blocking=False):
            self._reading.release()
            for following in list(self._waiters)[:1]:
                following.turn.set()

    def _wait(self, waiter: _Waiter, seconds: float) -> None:
        if self._reading.acquire(blocking=False):
            try:
                self._read(seconds)
            finally:
                self._reading.release()
        else:
            waiter.turn.wait(seconds)
            waiter.turn.clear()
        if waiter.error and not waiter.result.ready:
            raise RuntimeError(str(waiter.error)) from waiter.error

    def _read(self, seconds: float) -> None:
        """Reads what has come; an error is everybody's, so that nobody reconnects after another has failed to."""
        error = None
        try:
            self.result_consumer.drain_events(timeout=seconds)
        except TimeoutError:  # nothing came
            return
        except (RuntimeError, OSError) as exc:
            error = exc
        for each in list(self._waiters):
            each.error = error
            if error or each.result.ready:
                each.turn.set()


class ResultConsumer(redis.ResultConsumer):
    """Celery's subscription to results, for many threads, which also continues after a reconnect that failed."""

    drainer: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._share_drainer()

    def on_after_fork(self) -> None:
        """Lets the child read: the thread of its parent that reads does not exist here."""
        self._share_drainer()
        super().on_after_fork()

    def consume_from(self, task_id: str) -> None:
        """Subscribes to a task's result."""
        self._renew()
        super().consume_from(task_id)

    def drain_events(self, timeout: float | None = None) -> None:
        """Reads one message, if one comes within `timeout` seconds."""
        self._renew()
        super().drain_events(timeout)

    def _share_drainer(self) -> None:
        if type(self.drainer) in (asynchronous.Drainer, Drainer):  # not gevent's or eventlet's
            self.drainer = Drainer(self)

    def _renew(self) -> None:
        """Subscribes again to all results after a failed reconnect; Celery would subscribe to new ones only."""
        if self._pubsub is None and self.subscribed_to:
            with self._locked(), self.reconnect_on_error():
                if self._pubsub is None:
                    self._reconnect_or_refuse()

    def _reconnect(self) -> None:
        with self._locked():
            self._reconnect_or_refuse()

    def _reconnect_or_refuse(self) -> None:
        """Reconnects; in an outage of more than `WAIT` seconds one thread per second tries, the others fail at once."""
        outage = store().outage
        if outage.seconds > WAIT and (cause := outage.refusal()):
            raise cause
        asked_at = time.monotonic()
        try:
            super()._reconnect()
        except self._connection_errors as exc:
            outage.failed(asked_at, exc)
            raise
        outage.answered(asked_at)
