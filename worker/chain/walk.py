"""Walks a completion along its chain, from provider to provider, until one answers or the chain ends."""

from dataclasses import replace
from typing import TYPE_CHECKING

from config.outcomes import Outcome
from worker.admission.bulkheads import BULKHEADS
from worker.admission.decision import Decision, Permit
from worker.admission.first_tokens import Lesson
from worker.chain import attempted, failure_messages, report
from worker.chain.call import Call
from worker.chain.delivery import Completion, Continue, Delivery, StopReason, with_compatibility
from worker.chain.held_task import HeldTask
from worker.chain.metering import metered
from worker.chain.policy import affordable, after_exhaustion, after_failure
from worker.chain.position import position
from worker.errors import AttemptFailed, Revoked
from worker.limits.slots import SLOTS
from worker.result import Answer
from worker.store.store import Store
from worker.task import identity, journal, lease
from worker.task.journal import SKIPPED, Entry
from worker.task.parking import ParkUntil
from worker.telemetry.metrics.recording import METRICS
from worker.telemetry.traces import tracing as traces

if TYPE_CHECKING:
    from worker.telemetry.traces.spans import DeliverySpan


def complete(store: Store, delivery: Delivery) -> Completion | Continue:
    """Returns a completion's result, or when and where it continues.

    During a Redis outage a walk that has begun goes on without breakers; see without_redis.py.

    Raises:
        TaskFailed: it failed for good; the message has each provider's reason.
        Revoked: the producer revoked it.
        TaskIdReused: its id stands for another request, which has no outcome yet.
    """
    delivery = with_compatibility(delivery)
    task, remaining = HeldTask(store, delivery), delivery.candidates()
    decision = task.take(remaining)
    if tracing := traces.tracing():
        from worker.chain.traced import traced  # it imports OpenTelemetry

        return traced(tracing, task, lambda span: _complete(task, remaining, decision, span))
    return _complete(task, remaining, decision)


def _complete(
    task: HeldTask, remaining: list[str], decision: Decision, span: "DeliverySpan | None" = None
) -> Completion | Continue:
    """Walks on from the first decision.

    Raises:
        TaskFailed, Revoked, TaskIdReused: as `complete`.
    """
    delivery = task.delivery
    if task.lease.kind in ("answered", "other"):
        return Completion(identity.outcome(task.lease, delivery.task_id))
    if task.lease.kind != "taken":
        return Continue(task.lease.wait, delivery.step, delivery.remaining, delivery.current)
    with task:
        walk = _Walk(task, span)
        return metered(task, lambda: walk.run(walk.catch_up(remaining, decision)))


class _Walk:
    """Takes one delivery from provider to provider, until an answer, a pause or a failure for good."""

    def __init__(self, task: HeldTask, span: "DeliverySpan | None" = None) -> None:
        self.task = task
        self.span = span
        self.delivery = task.delivery
        self.route = task.delivery.route

    def catch_up(self, remaining: list[str], decision: Decision) -> Decision:
        """Returns a decision for the journal's position: a message that is delivered again may be behind it."""
        task = self.task
        if not task.lines:
            task.lines = [Entry(name, SKIPPED, task.started_at, reason=reason) for name, reason in self.route.unfit()]
        now = position(self.route, task.lines)
        by_journal = now.remaining(self.route)
        if by_journal == remaining and now.first(self.route) == self.delivery.current:
            return decision
        if decision.permit:
            task.permits.give_back(decision.permit)
        return task.permits.acquire(by_journal, task.lines)

    def run(self, decision: Decision) -> Completion | Continue:
        """Follows decisions until the delivery ends.

        Raises:
            TaskFailed: no provider remains, the deadline passed, or too many workers died with it.
            Revoked: the producer revoked it.
        """
        while True:
            self._add_skipped(decision)
            if decision.kind == "lease-lost":
                return Continue(lease.LEASE, self.delivery.step, self.delivery.remaining, self.delivery.current)
            if decision.kind == "retry":
                return self.task.pause(decision.wait or 0.0)
            if decision.permit is None:
                return self._after_exhaustion(decision)
            if paused := self._stop_before(decision.permit):
                return paused
            result = self._attempt_in_place(decision.permit)
            if isinstance(result, Completion):
                return result
            decision = result

    def _add_skipped(self, decision: Decision) -> None:
        for each in decision.skipped:
            entry = Entry(each.provider, SKIPPED, self.task.time(), reason=each.reason, until=each.until)
            if self.span:
                self.span.skipped(entry)
            if journal.is_new(self.task.lines, entry):
                self.task.lines.append(entry)

    def _stop_before(self, permit: Permit) -> Continue | None:
        """Returns None if the attempt may start; else gives the permit back and returns a pause.

        Raises:
            TaskFailed, Revoked: as `_raise_if_over`.
        """
        stop = self.delivery.stop_reason()
        if stop is None and self.task.time_left() > 0 and not self.task.crashed_too_often:
            return None
        self.task.permits.give_back(permit)
        self._raise_if_over(stop)
        return self.task.pause(0.0)

    def _raise_if_over(self, stop: StopReason | None) -> None:
        """Raises the outcome of a completion that must not go on.

        Raises:
            Revoked: the producer revoked it.
            TaskFailed: too many workers died with it, or its deadline passed.
        """
        if stop == "revoked":
            raise Revoked(self.delivery.task_id)
        if self.task.crashed_too_often:
            raise failure_messages.crashes_error(self.task.lease.crashes, self.task.considered())
        if self.task.time_left() <= 0:
            raise failure_messages.deadline_error(self.route.chain, self.task.lines)

    def _attempt_in_place(self, permit: Permit) -> Completion | Decision:
        """Asks one provider if it has a place left in this process; another thread may have taken the last one.

        Raises:
            TaskFailed, Revoked: as `_attempt`.
        """
        with BULKHEADS.place(permit.provider, urgent=self.route.chain.is_urgent) as has_place:
            if has_place:
                with SLOTS.renewed(permit.slot_id, permit.provider):
                    return self._attempt(permit)
        self.task.permits.give_back(permit)
        remaining = position(self.route, self.task.lines).remaining(self.route)
        return self.task.permits.acquire(remaining, self.task.lines)

    def _attempt(self, permit: Permit) -> Completion | Decision:
        """Asks one provider; returns the result, or the decision that follows from its failure.

        Raises:
            TaskFailed, Revoked: the attempt was cut short, or another outcome was stored first.
        """
        call = Call(self.task, permit, self.span)
        try:
            answer = call.answer()
        except AttemptFailed as failed:
            entry = call.entry_of_failure(failed)
            return self._after_failure(permit, failed, entry, call.first_token.lesson(failed, call.lasted_ms))
        return self._succeed(permit, answer, call.entry_of_answer(answer), call.first_token.lesson())

    def _succeed(self, permit: Permit, answer: Answer, entry: Entry, lesson: Lesson | None) -> Completion:
        task = self.task
        self._add(entry)
        recorded = attempted.of_answer(task, permit, answer, entry, lesson)
        considered, first = task.considered(), task.lease.first
        result = report.result(self.delivery, permit.provider, answer, considered, first, task.time())
        return task.succeed(recorded, result, report.cost_line(entry))

    def _after_failure(self, permit: Permit, failed: AttemptFailed, entry: Entry, lesson: Lesson | None) -> Decision:
        """Records a failed attempt and returns what comes next.

        Raises:
            TaskFailed: the deadline cut the attempt short.
            Revoked: the producer revoked it during the attempt.
        """
        self._add(entry)
        step = after_failure(self.route, self.task.lines, failed, self.task.time_left())
        recorded = attempted.of_failure(self.task, permit, failed, entry, step, lesson)
        decision = self.task.record_failure(recorded, step.remaining)
        if failed.reason == "revoked":
            raise Revoked(self.delivery.task_id)
        if failed.reason == "lease_lost":
            return Decision("lease-lost")
        if failed.reason == "shutdown":
            return Decision("retry", wait=0.0)
        if entry.outcome == Outcome.CUT_SHORT:
            raise failure_messages.deadline_error(self.route.chain, self.task.lines)
        return Decision("retry", wait=step.countdown) if decision.kind == "retry" else decision

    def _add(self, entry: Entry) -> None:
        self.task.lines.append(entry)
        METRICS.attempt(self.route.chain, self.task.lines)

    def _after_exhaustion(self, decision: Decision) -> Continue:
        """Returns when a new round of the chain starts; its message may be parked until a provider admits.

        A provider that admits, but has no place left in this process, is waited for without a slot.

        Raises:
            TaskFailed: there is no further round, or no time for it.
            Revoked: the producer revoked it.
        """
        task, chain = self.task, self.route.chain
        self._raise_if_over(self.delivery.stop_reason())
        now = position(self.route, task.lines)
        able, postponed = affordable(now.able(self.route), task.lines), decision.postponed(task.time())
        admissions = task.permits.admissions(able) if able else {}
        admitting = [p for p in now.remaining(self.route) if admissions.get(p) == 0.0 and p not in postponed]
        full = [p for p in admitting if not task.permits.with_room([p])]
        if full:
            return task.pause(min(BULKHEADS.turn(full[0], urgent=chain.is_urgent), max(task.time_left(), 0.0)))
        new_round = after_exhaustion(self.route, task.lines, admissions, postponed)
        if new_round is None or (new_round.delay >= task.time_left() and not new_round.limited):
            raise failure_messages.exhausted_error(chain, task.lines)
        if new_round.start:
            task.lines.append(new_round.start)
        if not new_round.parks:
            return task.pause(new_round.delay)
        deadline = self.delivery.deadline(task.lease.first)
        until = ParkUntil(new_round.limited or tuple(able), chain.priority, deadline, chain.name)
        return replace(task.pause(new_round.delay, next_step=False), park_until=until)
