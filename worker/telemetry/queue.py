"""How much is queued, and since when."""

from collections.abc import Sequence
from dataclasses import dataclass

from worker.store.store import Store


@dataclass(frozen=True, slots=True)
class Queued:
    """One list of the queue.

    Attributes:
        number: its messages.
        queued_at: epoch in seconds when the completion was queued whose message is next; None for none, or where its
            producer stamped no time, as one by name does.
        next_id: the id of that message, empty for none.
    """

    number: int
    queued_at: float | None
    next_id: str


def queued(store: Store, lists: Sequence[str]) -> list[Queued]:
    """Returns what is in each of the queue's lists; of messages only headers are read.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    return [Queued(number, _epoch(at), task) for number, at, task in store.run(store.script("queue", lists))[0]]


def _epoch(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
