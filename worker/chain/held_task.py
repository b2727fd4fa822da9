"""Holds a task during one delivery: takes its lease, keeps its journal, and settles it."""

import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from types import TracebackType
from typing import Any, Self

from worker.admission import breaker
from worker.admission.breaker import Attempted, Decision, Permit
from worker.admission.bulkheads import BULKHEADS, with_skipped
from worker.chain import without_redis
from worker.chain.account import Account
from worker.chain.delivery import Completion, Continue, Delivery
from worker.chain.order import Order
from worker.chain.position import position
from worker.errors import RedisUnavailable, Revoked, TaskFailed
from worker.limits.slots import SLOTS
from worker.request.version import version as request_version
from worker.store.connection import Command
from worker.store.store import Store
from worker.task import dead_letters, journal, lease
from worker.task.journal import Entry, Line, RoundStart
from worker.task.lease import RENEWER, LeaseResult, Paused
from worker.task.outcome import Outcome, stored_result


@dataclass
class HeldTask:
    """One delivery's hold on its task. Within a `with` block the lease is renewed.

    No method raises `RedisUnavailable`: during an outage decisions come from `without_redis`, records are lost, and an
    outcome comes with the commands that will store it.

    Attributes:
        store: the shared store.
        delivery: the delivery that holds the task.
        lease_id: the id of its lease.
        started: when the delivery began, on the monotonic clock.
        started_at: the same as an epoch in seconds, by the store's clock once the lease is taken.
        lease: the result of taking the lease.
        lines: the journal.
        saved: how many of the first `lines` are stored.
        permits: counts the requests for a permit, as each half-open permit and each slot needs an id of its own.
        slot_id: of the last permit's slot, empty without one; renewed until it is settled.
    """

    store: Store
    delivery: Delivery
    lease_id: str = field(default_factory=lease.new_lease_id)
    started: float = field(default_factory=time.monotonic)
    started_at: float = field(default_factory=time.time)
    lease: LeaseResult = field(default_factory=lambda: LeaseResult("taken"))
    lines: list[Line] = field(default_factory=list)
    saved: int = 0
    permits: int = 0
    slot_id: str = ""

    def take(self, remaining: list[str]) -> Decision:
        """Takes the lease and asks for a permit, in one round trip; sets `lease` and returns the decision."""
        delivery, fingerprint = self.delivery, self.delivery.fingerprint
        task = (self.store, delivery.task_id)
        replay = [] if delivery.replay is None else [dead_letters.replay(*task, delivery.replay, fingerprint)]
        begin = lease.begin(*task, self.lease_id, delivery.step, fingerprint, delivery.about)
        asked = self.with_room(remaining)
        try:
            *_, begin_reply, acquire_reply = self.store.run(*replay, begin, self._acquire_command(asked))
        except RedisUnavailable:
            self.lease = LeaseResult("taken", self.started_at, self.started_at, delivery.step)
            return with_skipped(without_redis.decide(self.store, asked), remaining, asked)
        self.lease = lease.parse_begin_reply(begin_reply)
        if self.lease.kind == "taken":
            self.started_at, self.lines = self.lease.now, list(self.lease.journal)
            self.saved = len(self.lines)
        decision = breaker.parse_acquire_reply(acquire_reply, self._permit_id, asked)
        return with_skipped(self._granted(decision), remaining, asked)

    @cached_property
    def account(self) -> Account:
        """What the completion may use and has used."""
        return Account(self.delivery)

    @cached_property
    def order(self) -> Order:
        """What the completion tells of its chain's groups."""
        return Order(self.account)

    @property
    def is_lost(self) -> bool:
        """Whether another delivery holds the task, as far as the last renewal tells."""
        return RENEWER.is_lost(self.lease_id)

    def __enter__(self) -> Self:
        RENEWER.add(self.delivery.task_id, self.lease_id)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        RENEWER.discard(self.delivery.task_id, self.lease_id)
        SLOTS.discard(self.slot_id)

    def acquire(self, remaining: list[str]) -> Decision:
        """Returns a permit from the first provider that admits, or why there is none."""
        asked = self.with_room(remaining)
        try:
            reply = self.store.run(self._acquire_command(asked))[0]
        except RedisUnavailable:
            return with_skipped(without_redis.decide(self.store, asked), remaining, asked)
        decision = breaker.parse_acquire_reply(reply, self._permit_id, asked)
        return with_skipped(self._granted(decision), remaining, asked)

    def with_room(self, providers: list[str]) -> list[str]:
        """Returns those of the providers that have a place left in this process; see `Bulkheads`."""
        return BULKHEADS.with_room(providers, urgent=self.delivery.route.chain.is_urgent)

    def admissions(self, providers: list[str]) -> dict[str, float | None]:
        """Returns the seconds until each provider admits; see `breaker.admissions`."""
        try:
            return breaker.admissions(self.store, providers)
        except RedisUnavailable:
            return without_redis.admissions(providers)

    def record_failure(self, attempted: Attempted, remaining: list[str]) -> Decision:
        """Records a failed attempt with its journal line and returns what comes next, in one round trip."""
        asked = self.with_room(remaining)
        try:
            unsaved = journal.append(self.store, self.delivery.task_id, self.lines[self.saved :])
            reply, *_ = self.store.run(self._record_command(attempted, asked), *unsaved)
        except RedisUnavailable:
            without_redis.remember_failure(attempted.permit.provider)
            return with_skipped(without_redis.decide(self.store, asked), remaining, asked)
        self.saved = len(self.lines)
        decision = breaker.parse_record_reply(reply, self._permit_id, attempted.permit.provider, asked)
        return with_skipped(self._granted(decision), remaining, asked)

    def give_back(self, permit: Permit) -> None:
        """Returns an unused half-open permit or slot; during a Redis outage it runs out by itself."""
        if permit.half_open_id or permit.slot_id:
            unused = Attempted(permit, "ignored", 0.0, bill=self.account.unused(permit.provider))
            with suppress(RedisUnavailable):
                self.store.run(self._record_command(unused, []))

    def extend(self, permit: Permit, seconds: float) -> None:
        """Extends a half-open permit at the first byte; if that fails, a success may not count."""
        if permit.half_open_id:
            with suppress(RedisUnavailable):
                breaker.extend(self.store, permit, seconds)

    def pause(self, delay: float, *, next_step: bool = True) -> Continue:
        """Releases the task, and returns when and where a message continues it: the next step's, or the current one."""
        step = self.lease.step + 1 if next_step else self.delivery.step
        unsaved, key = self.lines[self.saved :], self.store.keys.task(self.delivery.task_id)
        is_fresh = any(isinstance(line, RoundStart) and line.fresh for line in unsaved)
        forget: list[Command] = [("HDEL", key, "tried")] if is_fresh else []
        waits: Paused = "backoff" if next_step else "parked"
        pause = lease.pause(self.store, self.delivery.task_id, self.lease_id, step, delay, unsaved, waits)
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
            _, stored = self.store.run(self._record_command(attempted, []), settle)
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
        task = (self.store, self.delivery.task_id, self.lease_id)
        expires = self.delivery.route.chain.results.expires
        unsaved = self.lines[self.saved :]
        return lease.finish(*task, outcome, cost, lines=unsaved, expires=expires, at=self.time())

    @property
    def _permit_id(self) -> str:
        return f"{self.lease_id}:{self.permits}"

    def _acquire_command(self, remaining: list[str]) -> Command:
        self.permits += 1
        task = (self.store, self.delivery.task_id, self.lease_id, self._permit_id)
        return breaker.acquire(*task, remaining, self._demand(remaining))

    def _record_command(self, attempted: Attempted, remaining: list[str]) -> Command:
        self.permits += 1
        SLOTS.discard(self.slot_id)
        task = (self.store, self.delivery.task_id, self.lease_id, self._permit_id)
        return breaker.record(*task, attempted, remaining, self._demand(remaining))

    def _demand(self, remaining: list[str]) -> str:
        return self.account.demand(remaining, self.order.scoring(remaining, self.lines))

    def _granted(self, decision: Decision) -> Decision:
        """Has the slot of a permit renewed from now on; returns the decision."""
        if decision.permit and decision.permit.slot_id:
            self.slot_id = decision.permit.slot_id
            SLOTS.add(self.slot_id, decision.permit.provider)
        return decision
