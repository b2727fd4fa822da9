"""Walks a completion along its chain; the only place that asks "the next provider"."""

import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from config.outcomes import RULES, Outcome
from worker import away, breaker, identity, journal, lease, letters, story
from worker.breaker import NEVER, Attempted, Decision, Permit
from worker.call import Call, Completion, Halted, Later, Waiting, fitted
from worker.connection import Command
from worker.errors import AttemptFailed, Revoked, StoreAway, TaskFailed
from worker.journal import PASSED_OVER, Entry, Line
from worker.outcome import classify
from worker.providers import ask
from worker.route import after_exhaustion, after_failure, position
from worker.store import Store


def complete(store: Store, call: Call) -> Completion | Later:
    """Returns a completion's result, or when and where to go on with it.

    Raises:
        TaskFailed: it failed for good; the message says what each provider said.
        Revoked: the producer took it back.
        TaskIdReused: its id stands for another request, which has no outcome yet.
    """
    return _Walk(store, fitted(call)).run()


@dataclass
class _Walk:
    """One delivery's way along the chain. `now` is the epoch at `started`, which is monotonic."""

    store: Store
    call: Call
    token: str = field(default_factory=lease.new_token)
    started: float = field(default_factory=time.monotonic)
    now: float = field(default_factory=time.time)
    begun: lease.Begun = field(default_factory=lambda: lease.Begun("taken"))
    lines: list[Line] = field(default_factory=list)
    saved: int = 0
    permits: int = 0

    def run(self) -> Completion | Later:
        call = self.call
        # A worker with another configuration may have sent it on: with providers that this one does not know.
        rest = [p for p in call.route.candidates() if call.rest is None or p in call.rest]
        begun, decision = self._begin(rest)
        if begun.kind in ("answered", "other"):
            return Completion(identity.outcome(begun, call.task_id))
        if begun.kind != "taken":
            return Later(begun.wait, call.step, call.rest)
        self.begun, self.now, self.lines, self.saved = begun, begun.now, list(begun.journal), len(begun.journal)
        lease.HELD.add(call.task_id, self.token)
        try:
            return self._walk(self._caught_up(rest, decision))
        except (TaskFailed, Revoked) as ended:
            return self._finish(ended, "")
        finally:
            lease.HELD.discard(call.task_id, self.token)

    def _begin(self, rest: list[str]) -> tuple[lease.Begun, Decision]:
        call = self.call
        task, same = (self.store, call.task_id), call.fingerprint
        replay = [] if call.replay is None else [letters.replay(*task, call.replay, same)]
        begin = lease.begin(*task, self.token, call.step, same)
        try:
            *_, taken, granted = self.store.run(*replay, begin, self._acquire(rest))
        except StoreAway:
            return lease.Begun("taken", self.now, self.now, call.step), away.decide(self.store, rest)
        return lease.begun(taken), breaker.acquired(granted, self._permit(), rest)

    def _caught_up(self, rest: list[str], decision: Decision) -> Decision:
        """Returns a decision for where the journal stands: a message delivered again may lag behind it."""
        if not self.lines:
            unfit = self.call.route.unfit()
            self.lines = [Entry(name, PASSED_OVER, self.now, reason=reason) for name, reason in unfit]
        behind = position(self.call.route, self.lines).rest(self.call.route)
        if behind == rest:
            return decision
        if decision.permit:
            self._give_back(decision.permit)
        try:
            return breaker.acquired(self.store.run(self._acquire(behind))[0], self._permit(), behind)
        except StoreAway:
            return away.decide(self.store, behind)

    def _walk(self, decision: Decision) -> Completion | Later:
        while True:
            self._note(decision)
            if decision.kind == "lost":
                return Later(lease.LEASE, self.call.step, self.call.rest)
            if decision.kind == "retry":
                return self._pause(decision.wait or 0.0, self.begun.step + 1)
            if decision.permit is None:
                return self._exhausted(decision)
            if halted := self._halted(decision.permit):
                return halted
            outcome = self._attempt(decision.permit)
            if isinstance(outcome, Completion):
                return outcome
            decision = outcome

    def _note(self, decision: Decision) -> None:
        for over in decision.passed_over:
            entry = Entry(over.provider, PASSED_OVER, self._time(), reason=over.reason, until=over.until)
            if story.news(self.lines, entry):
                self.lines.append(entry)

    def _halted(self, permit: Permit) -> Later | None:
        halted = self.call.halted()
        if halted is None and self._left() > 0 and not self._poisonous():
            return None
        self._give_back(permit)
        self._end(halted)
        return self._pause(0.0, self.begun.step + 1)

    def _end(self, halted: Halted | None) -> None:
        """Ends what was taken back, kills workers, or has no time left."""
        if halted == "revoked":
            raise Revoked(self.call.task_id)
        if self._poisonous():
            raise story.poison(self.begun.deaths, self._considered())
        if self._left() <= 0:
            raise story.late(self.call.route.chain, self.lines)

    def _attempt(self, permit: Permit) -> Completion | Decision:
        provider, call = self.call.route.providers[permit.provider], self.call
        model, at, started = provider.model(call.request.model), self._time(), time.monotonic()
        try:
            answer = ask(
                provider,
                model,
                call.request,
                deadline=started + self._left(),
                on_first_token=lambda: self._extend(permit, provider.attempt_timeout),
                is_revoked=lambda: call.halted() == "revoked",
            )
        except AttemptFailed as failed:
            latency = _ms_since(started)
            entry = Entry(permit.provider, classify(failed), at, model.name, failed.said, failed.status, latency)
            self.lines.append(entry)
            return self._failed(permit, failed, entry)
        latency, first = _ms_since(started), answer.first_token_ms
        success = Entry(permit.provider, Outcome.SUCCESS, at, model.name, latency_ms=latency, first_token_ms=first)
        self.lines.append(success)
        record = self._record(Attempted(permit, "success", latency, first_token=first or 0), [])
        told = story.result(call, permit.provider, answer, self._considered(), self.begun.first, self._time())
        return self._finish(told, story.spent(success, told), record)

    def _failed(self, permit: Permit, failed: AttemptFailed, entry: Entry) -> Decision:
        onward = after_failure(self.call.route, self.lines, failed, self._left())
        attempted = Attempted(
            permit,
            RULES[Outcome(entry.outcome)].breaker,
            entry.latency_ms or 0.0,
            retry_after=1000 * onward.limited,
            countdown=NEVER if onward.countdown is None else 1000 * onward.countdown,
            failure=f"{entry.outcome} {failed.status or failed.reason}",
        )
        try:
            reply, *_ = self.store.run(self._record(attempted, onward.rest), *self._unsaved())
            decision = breaker.recorded(reply, self._permit(), onward.rest)
            self.saved = len(self.lines)
        except StoreAway:
            away.failed(permit.provider)
            decision = away.decide(self.store, onward.rest)
        if entry.outcome == Outcome.CUT_SHORT:
            raise (
                Revoked(self.call.task_id)
                if failed.reason == "revoked"
                else story.late(self.call.route.chain, self.lines)
            )
        return Decision("retry", wait=onward.countdown) if decision.kind == "retry" else decision

    def _exhausted(self, decision: Decision) -> Later:
        self._end(self.call.halted())
        onward = after_exhaustion(self.call.route, self.lines, decision.wait)
        if onward is None or onward.delay >= self._left():
            raise story.exhausted(self.call.route.chain, self.lines)
        self.lines.append(onward.mark)
        if not onward.waits or not decision.passed_over:
            return self._pause(onward.delay, self.begun.step + 1)
        refused = tuple(over.provider for over in decision.passed_over)
        waiting = Waiting(refused, self.call.route.chain.priority, self.call.deadline(self.begun.first))
        return replace(self._pause(onward.delay, self.call.step), waiting=waiting)

    def _pause(self, delay: float, step: int) -> Later:
        with suppress(StoreAway):  # the lease runs out by itself, and the message carries the step
            self.store.run(*self._unsaved(), lease.pause(self.store, self.call.task_id, self.token, step, delay))
        return Later(delay, step, tuple(position(self.call.route, self.lines).rest(self.call.route)))

    def _finish(self, outcome: dict[str, Any] | TaskFailed | Revoked, spent: str, *records: Command) -> Completion:
        call = self.call
        finish = [lease.finish(self.store, call.task_id, self.token, outcome, spent)]
        if isinstance(outcome, TaskFailed):
            finish.insert(
                0, letters.keep(self.store, call.task_id, call.route.chain.name, call.request.wire(), outcome)
            )
        stood = ""
        with suppress(StoreAway):
            *_, stood = self.store.run(*records, *self._unsaved(), *finish)
        if stood:
            return Completion(lease.standing(stood))
        if isinstance(outcome, TaskFailed | Revoked):
            raise outcome
        return Completion(outcome)

    def _considered(self) -> list[Entry]:
        return story.considered(self.lines, self.begun.lost)

    def _poisonous(self) -> bool:
        most = self.call.max_redeliveries
        return most is not None and self.begun.deaths > most

    def _permit(self) -> str:
        return f"{self.token}:{self.permits}"

    def _acquire(self, rest: list[str]) -> Command:
        self.permits += 1
        return breaker.acquire(self.store, self.call.task_id, self.token, self._permit(), rest)

    def _record(self, attempted: Attempted, rest: list[str]) -> Command:
        self.permits += 1
        return breaker.record(self.store, self.call.task_id, self.token, self._permit(), attempted, rest)

    def _unsaved(self) -> list[Command]:
        return journal.append(self.store, self.call.task_id, self.lines[self.saved :])

    def _give_back(self, permit: Permit) -> None:
        if permit.lease:
            with suppress(StoreAway):  # the permit runs out by itself
                self.store.run(self._record(Attempted(permit, "ignored", 0.0), []))

    def _extend(self, permit: Permit, seconds: float) -> None:
        if permit.lease:
            with suppress(StoreAway):  # at worst its success does not count
                breaker.extend(self.store, permit, seconds)

    def _time(self) -> float:
        return self.now + time.monotonic() - self.started

    def _left(self) -> float:
        return self.call.deadline(self.begun.first) - self._time()


def _ms_since(started: float) -> float:
    return round(1000 * (time.monotonic() - started), 1)
