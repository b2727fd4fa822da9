"""Completions that wait until a provider admits again: whole in Redis, in no worker's memory."""

from collections.abc import Sequence
from dataclasses import dataclass

from worker.call import Waiting
from worker.store import Store


@dataclass(frozen=True, slots=True)
class InHand:
    """A message that a worker was given: the keys of the messages in hand and of their ages, and its tag."""

    messages: str
    ages: str
    tag: str


@dataclass(frozen=True, slots=True)
class Released:
    """What a release left: how many wait, and whether more could leave at once."""

    more: bool
    waiting: int


def park(store: Store, task_id: str, waiting: Waiting, message: InHand) -> bool:
    """Moves a message from the worker's hands into its waiting room; False where it was not in hand any more.

    Raises:
        StoreAway: the store did not answer.
    """
    room = f"{waiting.priority}:{','.join(sorted(waiting.providers))}"
    ours = (store.waiting(), store.waiting("rooms"), store.waiting("room", room), store.task(task_id))
    deadline = round(waiting.deadline * 1000)
    command = store.script(
        "park", (message.messages, message.ages, *ours), message.tag, task_id, room, waiting.priority, deadline
    )
    return bool(store.run(command)[0])


def release(store: Store, ages: str, lists: Sequence[str]) -> Released:
    """Puts into the queue's lists what may go on now, and what is too late; see lua/release.lua for the pace.

    Args:
        store: the shared store.
        ages: the key of the ages of the messages in hand.
        lists: the queue's, the most urgent first; the name of one ends in its priority.

    Raises:
        StoreAway: the store did not answer.
    """
    keys = (store.waiting(), store.waiting("rooms"), store.waiting("pace"), ages, *lists)
    command = store.script("release", keys, store.breaker(""), store.waiting("room", ""))
    more, waiting = store.run(command)[0]
    return Released(bool(more), waiting)


def count(store: Store) -> int:
    """Returns how many completions wait.

    Raises:
        StoreAway: the store did not answer.
    """
    number: int = store.run(("HLEN", store.waiting()))[0]
    return number
