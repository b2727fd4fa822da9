"""Parked completions: each waits in Redis, not in a worker's memory, until a provider admits again."""

from collections.abc import Sequence
from dataclasses import dataclass

from worker.store.store import Store


@dataclass(frozen=True, slots=True)
class ParkUntil:
    """What a parked completion waits for: one of `providers` to admit, or `deadline`, an epoch in seconds.

    `chain` is the one that it is of.
    """

    providers: tuple[str, ...]
    priority: int
    deadline: float
    chain: str


@dataclass(frozen=True, slots=True)
class UnackedMessage:
    """A message that no worker has acknowledged yet: its tag, and the keys of all such messages and of their ages."""

    messages: str
    ages: str
    tag: str


@dataclass(frozen=True, slots=True)
class Released:
    """The result of a release: whether more could leave at once, and how many are still parked."""

    more: bool
    parked: int


def park(store: Store, task_id: str, until: ParkUntil, message: UnackedMessage) -> bool:
    """Moves an unacknowledged message into its group; returns False if it was acknowledged meanwhile.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    group = f"{until.priority}:{','.join(sorted(until.providers))}"
    ours = (
        store.keys.parked(),
        store.keys.parked("groups"),
        store.keys.parked("group", group),
        store.keys.task(task_id),
        store.keys.parked("chains"),
    )
    group_args = (group, until.priority, round(until.deadline * 1000), until.chain)
    command = store.script("park", (message.messages, message.ages, *ours), message.tag, task_id, *group_args)
    return bool(store.run(command)[0])


def release(store: Store, ages: str, lists: Sequence[str]) -> Released:
    """Moves parked completions that may go on, or have no time left, into the queue; see lua/parking/release.lua.

    Args:
        store: the shared store.
        ages: the key of the ages of the unacknowledged messages.
        lists: the keys of the queue's lists, most urgent first; each ends in its priority.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    keys = (store.keys.parked(), store.keys.parked("groups"), store.keys.parked("flow"), ages, *lists)
    command = store.script("release", keys, store.keys.breaker(""), store.keys.parked("group", ""))
    more, parked = store.run(command)[0]
    return Released(bool(more), parked)


def count(store: Store) -> int:
    """Returns how many completions are parked.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    number: int = store.run(("HLEN", store.keys.parked()))[0]
    return number


@dataclass(frozen=True, slots=True)
class Parked:
    """How many completions of a chain are parked, and when the oldest was first delivered: an epoch in seconds."""

    number: int
    oldest: float


def by_chain(store: Store, chains: Sequence[str]) -> dict[str, Parked]:
    """Returns what is parked of each of the chains, in one round trip; the oldest of none is 0.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    keys = [store.keys.parked("chain", chain) for chain in chains]
    found = store.run(*(part for key in keys for part in (("ZCARD", key), ("ZRANGE", key, 0, 0, "WITHSCORES"))))
    oldest = (float(first[0][1]) / 1000 if first else 0.0 for first in found[1::2])
    return dict(zip(chains, map(Parked, found[::2], oldest), strict=True))
