"""What the span of a delivery needs to know of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from worker.telemetry.traces.waits import Wait


@dataclass(frozen=True, slots=True)
class Received:
    """One delivery of a completion, as its span needs it.

    Attributes:
        task_id: the task's id.
        chain: the chain's name.
        context: `traceparent` and `tracestate` of its message, as far as it has them.
        is_first: whether it is the task's first delivery.
        at: when it began, an epoch in seconds.
        waits: what the completion waited for before it.
        attempts: how many attempts came before it.
        step: counts the task's messages.
        queue_ms: how long the first delivery waited, None where that is not known.
    """

    task_id: str
    chain: str
    context: Mapping[str, str]
    is_first: bool
    at: float
    waits: Iterable[Wait] = ()
    attempts: int = 0
    step: int = 0
    queue_ms: float | None = None
