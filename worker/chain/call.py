"""One call of a provider: how long it may take, and what ends it before the provider has answered."""

import math
import time
from typing import TYPE_CHECKING

from config.providers import Model, Provider
from worker.admission.breaker import Permit
from worker.admission.stalls import STALLS, CallInFlight
from worker.chain import attempt_entry
from worker.chain.first_token import FirstToken
from worker.chain.held_task import HeldTask
from worker.chain.policy import affordable
from worker.chain.position import position
from worker.errors import AttemptFailed
from worker.providers import NO_HEADERS, ask
from worker.result import Answer
from worker.task.journal import Entry

if TYPE_CHECKING:
    from worker.telemetry.traces.spans import DeliverySpan

SILENT = 2.0
"""Seconds without a byte after which a worker that stops closes a call: another worker makes it again.

At half a second a rolling restart asked 267 of 2,000 completions twice whose provider answers within 1.5 s. A call that
is closed was perhaps billed.
"""

LOOK_EVERY = 1.0
"""Seconds after which a call that is silent for longer than usual asks again whether another provider admits."""


class Call:
    """One call, under a permit.

    Attributes:
        model: the provider's model of the request's tier.
        at: when it began, an epoch in seconds.
        started: the same on the monotonic clock.
    """

    def __init__(self, task: HeldTask, permit: Permit, delivery_span: "DeliverySpan | None" = None) -> None:
        self._task, self._permit, self._delivery = task, permit, task.delivery
        self.provider: Provider = task.delivery.route.providers[permit.provider]
        self.model: Model = self.provider.model(task.delivery.request.model)
        self.at, self.started = task.time(), time.monotonic()
        self._span = delivery_span and delivery_span.attempt(self.provider, self.model, self.at)
        self.first_token = FirstToken(self.provider, self.model, self._delivery.request)
        self._limit = self.first_token.limit(permit.usual)
        self._look_at = self._limit or math.inf
        self._has_token = False
        self._flight: CallInFlight | None = None

    @property
    def lasted_ms(self) -> float:
        """Returns the milliseconds since it began."""
        return round(1000 * (time.monotonic() - self.started), 1)

    def answer(self) -> Answer:
        """Returns the provider's answer.

        Raises:
            AttemptFailed: there is none.
        """
        share = self._share()
        self.started = time.monotonic()
        self._flight = self._in_flight()
        try:
            return ask(
                self.provider,
                self.model,
                self._delivery.request,
                deadline=self.started + self._task.time_left(),
                share=share,
                headers=self._span.headers if self._span else NO_HEADERS,
                on_first_byte=lambda: self._task.permits.extend(self._permit, self.provider.attempt_limit(self.model)),
                on_first_token=self._spoke,
                check_wanted=self._check_wanted,
            )
        except AttemptFailed as failed:
            if failed.status is not None:
                self._spoke()
            raise
        finally:
            if self._flight:
                STALLS.discard(self._flight)

    def entry_of_answer(self, answer: Answer) -> Entry:
        """Returns the journal's entry of the answered call; its span ends."""
        score = self._permit.score
        entry = attempt_entry.answered(self.provider, self.model, self.at, self.lasted_ms, answer, score)
        if self._span:
            self._span.answered(entry, answer)
        return entry

    def entry_of_failure(self, failed: AttemptFailed) -> Entry:
        """Returns the journal's entry of the failed call; its span ends."""
        score = self._permit.score
        entry = attempt_entry.failed(self.provider, self.model, self.at, self.lasted_ms, failed, score)
        if self._span:
            self._span.failed(entry, failed.reason)
        return entry

    def _in_flight(self) -> CallInFlight | None:
        """Returns the call as one whose silence the fleet should know of, None if nothing usual is known."""
        if self._limit is None or self._permit.half_open_id or self.provider.breaker.adaptive.stalls == "off":
            return None
        call = CallInFlight(
            self.provider.name,
            self._delivery.task_id,
            self._permit.generation,
            self._task.time(),
            self._limit,
            self.provider.first_token_limit(self.model),
        )
        STALLS.add(call)
        return call

    def _spoke(self) -> None:
        self._has_token = True
        if self.provider.breaker.adaptive.stalls != "off":
            STALLS.spoke(self.provider.name, self._task.time(), self._flight)

    def _check_wanted(self, silence: float) -> None:
        """Ends an attempt that nobody wants any more; nothing has come for `silence` seconds.

        Raises:
            AttemptFailed: the producer revoked the completion, another delivery holds the task, the worker stops while
                the provider is silent, or it is silent for longer than usual and another one admits.
        """
        stop = self._delivery.stop_reason()
        if stop == "revoked":
            raise AttemptFailed("revoked")
        if self._task.is_lost:
            raise AttemptFailed("lease_lost")
        if stop == "stopping" and silence >= SILENT:
            raise AttemptFailed("shutdown")
        if not silence and self._flight:
            self._flight.heard = time.monotonic()
        if silence and self._is_slow():
            # Of a breaker that is half-open the call is the test, and has failed it.
            raise AttemptFailed("learned_limit", counts=bool(self._permit.half_open_id))

    def _is_slow(self) -> bool:
        """Returns whether the first token is later than the learned limit, and another provider admits.

        Redis is asked only then, and once a second from then on.
        """
        age = time.monotonic() - self.started
        if self._has_token or age < self._look_at:
            return False
        self._look_at = age + LOOK_EVERY
        others = self._task.permits.with_room(self._waiting())
        return bool(others) and 0.0 in self._task.permits.admissions(others).values()

    def _share(self) -> float | None:
        """Returns the seconds until the first token that leave time for others, None where they have it anyway.

        It is the time left / (1 + the providers not asked yet that admit).
        """
        left, own, waiting = self._task.time_left(), self.provider.until_first_token(self.model), self._waiting()
        if not waiting or left / (1 + len(waiting)) >= own:
            return None
        others = list(self._task.permits.admissions(waiting).values()).count(0.0)
        return left / (1 + others) if others else None

    def _waiting(self) -> list[str]:
        route, lines = self._delivery.route, self._task.lines
        return affordable(position(route, lines).waiting(route, self.provider.name), lines)
