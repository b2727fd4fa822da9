"""One call of a provider: how long it may take, and what ends it before the provider has answered."""

import time

from config.providers import Model, Provider
from worker.admission.breaker import Permit
from worker.chain.held_task import HeldTask
from worker.chain.position import position
from worker.errors import AttemptFailed
from worker.providers import ask
from worker.result import Answer

SILENT = 2.0
"""Seconds without a byte after which a worker that stops closes a call: another worker makes it again.

At half a second a rolling restart asked 267 of 2,000 completions twice whose provider answers within 1.5 s. A call that
is closed was perhaps billed.
"""


class Call:
    """One call, under a permit.

    Attributes:
        model: the provider's model of the request's tier.
        started: when it began, on the monotonic clock.
    """

    def __init__(self, task: HeldTask, permit: Permit) -> None:
        self._task, self._permit, self._delivery = task, permit, task.delivery
        self.provider: Provider = task.delivery.route.providers[permit.provider]
        self.model: Model = self.provider.model(task.delivery.request.model)
        self.started = time.monotonic()

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
        return ask(
            self.provider,
            self.model,
            self._delivery.request,
            deadline=self.started + self._task.time_left(),
            share=share,
            on_first_byte=lambda: self._task.extend(self._permit, self.provider.attempt_limit(self.model)),
            check_wanted=self._check_wanted,
        )

    def _check_wanted(self, silence: float) -> None:
        """Ends an attempt that nobody wants any more; nothing has come for `silence` seconds.

        Raises:
            AttemptFailed: the producer revoked the completion, another delivery holds the task, or the worker stops
                while the provider is silent.
        """
        stop = self._delivery.stop_reason()
        if stop == "revoked":
            raise AttemptFailed("revoked")
        if self._task.is_lost:
            raise AttemptFailed("lease_lost")
        if stop == "stopping" and silence >= SILENT:
            raise AttemptFailed("shutdown")

    def _share(self) -> float | None:
        """Returns the seconds until the first token that leave time for others, None where they have it anyway.

        It is the time left / (1 + the providers not asked yet that admit).
        """
        left, own, waiting = self._task.time_left(), self.provider.until_first_token(self.model), self._waiting()
        if not waiting or left / (1 + len(waiting)) >= own:
            return None
        others = list(self._task.admissions(waiting).values()).count(0.0)
        return left / (1 + others) if others else None

    def _waiting(self) -> list[str]:
        route = self._delivery.route
        return position(route, self._task.lines).waiting(route, self.provider.name)
