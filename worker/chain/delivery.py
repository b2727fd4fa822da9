"""One delivery of one completion, and what it can end with: a completion, or a message to continue later."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from worker.chain.capability import incapable
from worker.chain.route import Route
from worker.request import CompletionRequest
from worker.request.version import FIRST_VERSION
from worker.store.connection import Command
from worker.task.parking import ParkUntil

StopReason = Literal["revoked", "stopping", "terminating"]
"""Who stops a delivery: its producer, a warm shutdown of its worker (SIGTERM), or a cold one (SIGQUIT)."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery of one completion.

    Attributes:
        task_id: the task's id.
        request: the parsed request.
        route: the chain with its providers.
        stop_reason: called before each attempt, where any reason counts; between stream events, where only `revoked`
            does; and while the provider is silent, where `stopping` does too.
        step: counts the task's messages.
        remaining: the providers that the last message left of the chain, in order; None for all.
        current: the provider of a group whose retries come first, None for none.
        sent_at: epoch in seconds; None if it was queued at once, or nobody traces.
        queued_at: epoch in seconds; of a completion that is due later, when it is due.
        deadline_at: epoch in seconds; None counts the time-out from the first delivery.
        max_crashes: how many workers may die with the task, None for any number.
        replay: epoch in ms of the failure that this delivery replays, None for no replay.
        fingerprint: identifies the request, see worker/task/identity.py.
        trace_context: `traceparent` and `tracestate` of the message, as far as it has them.
    """

    task_id: str
    request: CompletionRequest
    route: Route
    stop_reason: Callable[[], StopReason | None]
    step: int = 0
    remaining: tuple[str, ...] | None = None
    current: str | None = None
    sent_at: float | None = None
    queued_at: float | None = None
    deadline_at: float | None = None
    max_crashes: int | None = None
    replay: int | None = None
    fingerprint: str = ""
    trace_context: Mapping[str, str] = field(default_factory=dict)

    def candidates(self) -> list[str]:
        """Returns the providers that may be asked, without those that only another worker's configuration has."""
        candidates = self.route.candidates()
        return candidates if self.remaining is None else [p for p in self.remaining if p in candidates]

    @property
    def timeout(self) -> float:
        """Returns the seconds from queueing to answer."""
        return self.request.timeout or self.route.chain.timeout

    def deadline(self, first: float) -> float:
        """Returns the deadline, an epoch in seconds; `first` is the epoch of the first delivery."""
        return self.deadline_at or first + self.timeout


@dataclass(frozen=True, slots=True)
class Completion:
    """An answered completion; `result` is what the producer gets.

    `unsettled` are the commands that store it, where Redis did not take them; empty if this delivery has stored it,
    None if it was found stored.
    """

    result: dict[str, Any] = field(repr=False)
    unsettled: tuple[Command, ...] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Continue:
    """A completion that continues in `delay` seconds, by a message with this step and these providers remaining.

    `current` is the provider of a group whose retries come first, None for none.

    `version` is that of the workers which can read its journal.

    With `park_until`, the current message is to be parked instead; the delay is then only an estimate.
    """

    delay: float
    step: int
    remaining: tuple[str, ...] | None
    current: str | None = None
    park_until: ParkUntil | None = None
    version: int = FIRST_VERSION


def with_compatibility(delivery: Delivery) -> Delivery:
    """Returns the delivery with the tier of its request, and the providers that cannot take it, in its route."""
    route, tier = delivery.route, delivery.request.model
    providers = {name: route.providers[name] for name in route.chain.providers}
    return replace(delivery, route=replace(route, tier=tier, lacking=incapable(delivery.request, providers)))
