"""Holds a task during one delivery: takes its lease, keeps its journal, and settles it."""

import time
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from worker.admission.breaker import Attempted, Decision
from worker.chain import without_redis
from worker.chain.account import Account
from worker.chain.delivery import Completion, Continue, Delivery
from worker.chain.order import Order
from worker.chain.permits import Permits
from worker.chain.position import position
from worker.errors import RedisUnavailable, Revoked, TaskFailed
from worker.request.version import version as request_version
from worker.store.connection import Command
from worker.store.store import Store
from worker.task import dead_letters, journal, lease
from worker.task.journal import Entry, Line, RoundStart
from worker.task.lease import RENEWER, LeaseResult, Paused
from worker.task.outcome import Outcome, stored_result


class HeldTask:
    """One delivery's hold on its task. Within a `with` block the lease is renewed.

    No method raises `RedisUnavailable`: during an outage records are lost, and an outcome comes with the commands that
    will store it.

    Attributes:
        store: the shared store.
        delivery: the delivery that holds the task.
        started: when the delivery began, on the monotonic clock.
        started_at: the same as an epoch in seconds, by the store's clock once the lease is taken.
        lease: the result of taking the lease.
        lines: the journal.
        account: what the completion may use and has used.
        order: what the completion tells of its chain's groups.
        permits: asks for leave to call a provider.
    """

    def __init__(self, store: Store, delivery: Delivery) -> None:
        self.store, self.delivery = store, delivery
        self.started, self.started_at = time.monotonic(), time.time()
        self.lease = LeaseResult("taken")
        self.lines: list[Line] = []
        self._saved = 0  # how many of the first lines are stored
        self._lease_id = lease.new_lease_id()
        self.account = Account(delivery)
        self.order = Order(self.account)
        self.permits = Permits(store, self._lease_id, self.order)

    def take(self, remaining: list[str]) -> Decision:
        """Takes the lease and asks for a permit, in one round trip; sets `lease` and returns the decision."""
        delivery, fingerprint = self.delivery, self.delivery.fingerprint
        task = (self.store, delivery.task_id)
        replay = [] if delivery.replay is None else [dead_letters.replay(*task, delivery.replay, fingerprint)]
        begin = lease.begin(*task, self._lease_id, delivery.step, fingerprint, delivery.about)
        request = self.permits.request(remaining, self.lines)
        try:
            *_, begin_reply, reply = self.store.run(*replay, begin, request.command)
        except RedisUnavailable:
            self.lease = LeaseResult("taken", self.started_at, self.started_at, delivery.step)
            return request.without_redis(self.store)
        self.lease = lease.parse_begin_reply(begin_reply)
        if self.lease.kind == "taken":
            self.started_at, self.lines = self.lease.now, list(self.lease.journal)
            self._saved = len(self.lines)
        return request.decision(reply)

    @property
    def is_lost(self) -> bool:
        """Whether another delivery holds the task, as far as the last renewal tells."""
        return RENEWER.is_lost(self._lease_id)

    def __enter__(self) -> Self:
        RENEWER.add(self.delivery.task_id, self._lease_id)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        RENEWER.discard(self.delivery.task_id, self._lease_id)

    def record_failure(self, attempted: Attempted, remaining: Sequence[str]) -> Decision:
        """Records a failed attempt with its journal line and returns what comes next, in one round trip."""
        request = self.permits.record(attempted, remaining, self.lines)
        unsaved = journal.append(self.store, self.delivery.task_id, self._unsaved)
        try:
            reply, *_ = self.store.run(request.command, *unsaved)
        except RedisUnavailable:
            without_redis.remember_failure(attempted.permit.provider)
            return request.without_redis(self.store)
        self._saved = len(self.lines)
        return request.decision(reply)

    def pause(self, delay: float, *, next_step: bool = True) -> Continue:
        """Releases the task, and returns when and where a message continues it: the next step's, or the current one."""
        step = self.lease.step + 1 if next_step else self.delivery.step
        unsaved, key = self._unsaved, self.store.keys.task(self.delivery.task_id)
        is_fresh = any(isinstance(line, RoundStart) and line.fresh for line in unsaved)
        forget: list[Command] = [("HDEL", key, "tried")] if is_fresh else []
        waits: Paused = "backoff" if next_step else "parked"
        pause = lease.pause(self.store, self.delivery.task_id, self._lease_id, step, delay, unsaved, waits)
        with suppress(RedisUnavailable):  # the lease runs out by itself, and the message carries the step
            self.store.run(*forget, pause)
        route = self.delivery.route
        version = max(journal.version(self.lines), request_version(self.delivery.request.wire()))
        now = position(route, self.lines)
        return Continue(delay, step, tuple(now.remaining(route)), current=now.first(route), version=version)

    def succeed(self, attempted: Attempted, result: dict[str, Any], cost: str) -> Completion:
        """Records the answered attempt and ends the task, in one round trip.

        Returns:
            the result that stands: that of the delivery which was answered first.

        Raises:
            TaskFailed, Revoked: another delivery stored this outcome first.
        """
        settle = self._finish(result, cost)
        try:
            _, stored = self.store.run(self.permits.record(attempted).command, settle)
        except RedisUnavailable:
            return Completion(result, (settle,))
        return Completion(stored_result(stored)) if stored else Completion(result, ())

    def fail(self, failure: TaskFailed | Revoked) -> Completion:
        """Ends the task with a failure; returns the result if another delivery stored one first.

        Raises:
            TaskFailed, Revoked: this failure, or the one that was stored first.
        """
        delivery, dead_letter = self.delivery, list[Command]()
        if isinstance(failure, TaskFailed):
            chain, request = delivery.route.chain.name, delivery.request.wire()
            dead_letter = [dead_letters.keep(self.store, delivery.task_id, chain, request, failure, self.considered())]
        settle = [*dead_letter, self._finish(failure)]
        try:
            *_, stored = self.store.run(*settle)
        except RedisUnavailable:
            failure.unsettled = tuple(settle)
            raise failure from None
        if not stored:
            failure.unsettled = ()
            raise failure
        return Completion(stored_result(stored))

    def considered(self) -> list[Entry]:
        """Returns the providers considered so far, with the attempts that crashed with their workers."""
        return journal.considered(self.lines, self.lease.crashed_attempts)

    def time(self) -> float:
        """Returns the epoch in seconds, by the store's clock."""
        return self.started_at + time.monotonic() - self.started

    def time_left(self) -> float:
        """Returns the seconds to the deadline."""
        return self.delivery.deadline(self.lease.first) - self.time()

    @property
    def crashed_too_often(self) -> bool:
        """Returns whether more workers died with the task than `max_crashes`."""
        max_crashes = self.delivery.max_crashes
        return max_crashes is not None and self.lease.crashes > max_crashes

    def _finish(self, outcome: Outcome, cost: str = "") -> Command:
        task = (self.store, self.delivery.task_id, self._lease_id)
        expires = self.delivery.route.chain.results.expires
        return lease.finish(*task, outcome, cost, lines=self._unsaved, expires=expires, at=self.time())

    @property
    def _unsaved(self) -> list[Line]:
        return self.lines[self._saved :]
