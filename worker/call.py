"""One delivery of one completion, and what can become of it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from worker.capability import incapable
from worker.request import CompletionRequest
from worker.route import Route

Halted = Literal["revoked", "stopping"]


@dataclass(frozen=True, slots=True)
class Call:
    """One delivery of one completion.

    `step` counts the task's messages, `rest` is what the last one left of the chain (None: all of it).
    `queued_at` and `deadline_at` are epochs in seconds; without a deadline the time runs from the first
    delivery. `max_redeliveries` bounds the workers that may die with it, None does not. `replay` is when it failed
    for good (epoch in ms), if that is to be forgotten. `fingerprint` tells its request from another one under the
    same id, see worker/identity.py. `halted` is asked before each attempt, and between stream events for `revoked`.
    """

    task_id: str
    request: CompletionRequest
    route: Route
    halted: Callable[[], Halted | None]
    step: int = 0
    rest: tuple[str, ...] | None = None
    queued_at: float | None = None
    deadline_at: float | None = None
    max_redeliveries: int | None = None
    replay: int | None = None
    fingerprint: str = ""

    @property
    def timeout(self) -> float:
        """Returns the seconds from queueing to answer."""
        return self.request.timeout or self.route.chain.timeout

    def deadline(self, first: float) -> float:
        """Returns the epoch at which the time is over, when the first delivery came at `first`."""
        return self.deadline_at or first + self.timeout


@dataclass(frozen=True, slots=True)
class Completion:
    """An answered completion; `result` is what the producer gets."""

    result: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a completion waits for: that one of `providers` admits. At `deadline`, an epoch in seconds, it is over."""

    providers: tuple[str, ...]
    priority: int
    deadline: float


@dataclass(frozen=True, slots=True)
class Later:
    """A completion that goes on in `delay` seconds, by a message with this step and this rest of the chain.

    With `waiting` the message at hand will do, and it goes on when that is over; the delay is what was foreseen.
    """

    delay: float
    step: int
    rest: tuple[str, ...] | None
    waiting: Waiting | None = None


def fitted(call: Call) -> Call:
    """Returns the call with a route that knows which tier its request asks for, and who cannot take it."""
    route, tier = call.route, call.request.model
    asked = {name: route.providers[name] for name in route.chain.providers}
    return replace(call, route=replace(route, tier=tier, lacking=incapable(call.request, asked)))
