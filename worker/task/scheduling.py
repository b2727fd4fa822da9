"""Scheduled completions: each waits in Redis, not in a worker's memory, until it is due."""

from collections.abc import Sequence
from dataclasses import dataclass

from worker.store.store import KEEP, Store
from worker.task.parking import UnackedMessage


@dataclass(frozen=True, slots=True)
class Due:
    """Where and when a message goes back: its queue, the priority of its list there, two epochs in seconds.

    `back_at` is when it goes back into the queue, `at` when its completion is due.
    """

    queue: str
    priority: int
    back_at: float
    at: float


def schedule(store: Store, task_id: str, due: Due, message: UnackedMessage) -> bool:
    """Moves an unacknowledged message into the schedule.

    Returns False if it was acknowledged meanwhile, or is of another queue.

    Raises:
        RedisUnavailable: the store did not answer. It may have been moved all the same.
    """
    keys = (message.messages, message.ages, store.keys.scheduled, store.keys.scheduled_due, store.keys.task(task_id))
    at = (round(due.back_at * 1000), round(due.at * 1000))
    command = store.script("schedule", keys, message.tag, due.queue, due.priority, *at, KEEP)
    return bool(store.run(command)[0])


def release_due(store: Store, lists: Sequence[str]) -> float | None:
    """Moves scheduled messages whose time has come into the queue; see lua/scheduling/release_due.lua.

    Args:
        store: the shared store.
        lists: the keys of the queue's lists, most urgent first; each but the first ends in its priority.

    Returns:
        Seconds until the next one's time comes, 0 if more could go now, None if none is scheduled.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    keys = (store.keys.scheduled, store.keys.scheduled_due, *lists)
    left: int = store.run(store.script("release_due", keys))[0]
    return None if left < 0 else left / 1000


def count(store: Store) -> int:
    """Returns how many messages are scheduled.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    number: int = store.run(("HLEN", store.keys.scheduled))[0]
    return number
