"""A task's lease: only one delivery works at a time, however often the queue delivers the message."""

import math
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import uuid4

from worker.errors import Revoked
from worker.store.connection import Command
from worker.store.store import KEEP, Store
from worker.task.about import NOTHING, About
from worker.task.journal import CRASHED, Entry, Line, load
from worker.task.journal import dump as dump_line
from worker.task.outcome import Outcome, celery_result, dump, is_revoked

LEASE = 15.0
"""Seconds that a lease lasts unless renewed. The queue redelivers a dead worker's message after the same time."""

AT_ONCE = 100
"""Leases that one script renews, in some 0.3 ms."""

RENEW_EVERY = 3.0
"""Seconds between two renewals: a lease survives four that are lost."""

OUTCOME_KEPT = 600
"""Seconds that a task's outcome is remembered at least, without its text, so that a late redelivery asks nobody."""

PATIENCE = 2 * LEASE
"""Seconds past its due time that a later step's message may take before an earlier message goes on in its place."""

Paused = Literal["backoff", "parked"]
"""What a task waits for between two deliveries."""


@dataclass(frozen=True, slots=True)
class LeaseResult:
    """The result of `begin`.

    | kind | meaning | fields |
    |---|---|---|
    | `taken` | this delivery has the lease | all but `answer`, `duplicates`, `wait` |
    | `held` | another delivery has it | `wait`: seconds until its lease ends |
    | `early` | a message of a later step is due | `wait`: seconds until this message may go on in its place |
    | `answered` | the task has ended | `answer`, and `duplicates`: the answers that came after it |
    | `other` | the id stands for another request | `answer`, empty until that has one, and `duplicates` |

    `now` and `first` (the first delivery) are epochs in seconds by the server's clock. `step` is the one to continue
    from. `crashes` counts the workers that died with the lease; `crashed_attempts` are their attempts.

    `paused` is for what the task has waited since its last delivery ended at `paused_at`: `backoff`, which was due at
    `due`, or `parked`; empty if none has ended by itself.
    """

    kind: Literal["taken", "answered", "held", "early", "other"]
    now: float = 0.0
    first: float = 0.0
    step: int = 0
    journal: tuple[Line, ...] = ()
    crashes: int = 0
    crashed_attempts: tuple[Entry, ...] = ()
    answer: str = field(default="", repr=False)
    duplicates: str = ""
    wait: float = 0.0
    paused: Paused | Literal[""] = ""
    paused_at: float = 0.0
    due: float = 0.0


class LeaseRenewer:
    """The leases that this process holds; one thread renews them all."""

    def __init__(self) -> None:
        self._lease_ids: dict[str, str] = {}
        self._lost: set[str] = set()
        self._lock = threading.Lock()

    def add(self, task_id: str, lease_id: str) -> None:
        """Adds a lease; one that this process held of the same task before is lost."""
        with self._lock:
            before = self._lease_ids.get(task_id, lease_id)
            if before != lease_id:
                self._lost.add(before)
            self._lease_ids[task_id] = lease_id

    def discard(self, task_id: str, lease_id: str) -> None:
        """Removes a lease, unless the task has another one since."""
        with self._lock:
            self._lost.discard(lease_id)
            if self._lease_ids.get(task_id) == lease_id:
                del self._lease_ids[task_id]

    def is_lost(self, lease_id: str) -> bool:
        """Returns whether another delivery was found to hold a lease's task."""
        return lease_id in self._lost

    def renew(self, store: Store) -> None:
        """Renews every lease.

        Raises:
            RedisUnavailable: the store did not answer.
        """
        with self._lock:
            leases = list(self._lease_ids.items())
        if not leases:
            return
        held = [each for part in store.run(*_renewals(store, leases)) for each in part]
        with self._lock:
            lost = {lease_id for (_, lease_id), is_held in zip(leases, held, strict=True) if not is_held}
            self._lost |= lost & set(self._lease_ids.values())


def _renewals(store: Store, leases: list[tuple[str, str]]) -> Iterator[Command]:
    """Yields a command for each `AT_ONCE` of the leases, as the server is blocked meanwhile."""
    for start in range(0, len(leases), AT_ONCE):
        some = leases[start : start + AT_ONCE]
        keys = [store.keys.task(task_id) for task_id, _ in some]
        yield store.script("renew", keys, _ms(LEASE), KEEP, *(lease_id for _, lease_id in some))


RENEWER = LeaseRenewer()


def new_lease_id() -> str:
    """Returns a new lease id."""
    return uuid4().hex


def begin(
    store: Store, task_id: str, lease_id: str, step: int, fingerprint: str = "", about: About = NOTHING
) -> Command:
    """Returns the command that takes a task's lease for one delivery; see `parse_begin_reply`.

    Args:
        store: the shared store.
        task_id: the task.
        lease_id: the delivery's lease id.
        step: the message's step.
        fingerprint: the request's, see worker/task/identity.py; empty if it is not known.
        about: what its message says, for operators.
    """
    keys = [store.keys.task(task_id), store.keys.journal(task_id), store.keys.events, store.keys.result(task_id)]
    return store.script(
        "begin", keys, lease_id, _ms(LEASE), step, KEEP, _ms(PATIENCE), fingerprint, task_id, str(about)
    )


def parse_begin_reply(reply: list[Any]) -> LeaseResult:
    """Returns the result in a reply of `begin`."""
    match reply:
        case ["taken", now, first, step, journal, crashed, paused, due]:
            kind, _, since = paused.partition(" ")
            return LeaseResult(
                "taken",
                now / 1000,
                first / 1000,
                step,
                tuple(map(load, journal)),
                crashed.count("\n"),
                crashed_attempts(crashed),
                paused=kind,
                paused_at=int(since or 0) / 1000,
                due=due / 1000,
            )
        case [("answered" | "other") as kind, answer, duplicates]:
            return LeaseResult(kind, answer=answer, duplicates=duplicates)
        case [kind, left]:
            return LeaseResult(kind, wait=left / 1000)
    raise AssertionError(reply)


def pause(
    store: Store,
    task_id: str,
    lease_id: str,
    step: int,
    delay: float,
    lines: Iterable[Line] = (),
    paused: Paused = "backoff",
) -> Command:
    """Returns the command that adds lines to a task's journal and releases it until the message of `step`.

    That message is due in `delay` seconds.
    """
    until = ("", KEEP, step, _ms(delay), "", task_id, "", 0, paused)
    return _settle(store, task_id, lease_id, *until, *map(dump_line, lines))


def finish(
    store: Store,
    task_id: str,
    lease_id: str,
    outcome: Outcome,
    cost: str = "",
    *,
    lines: Iterable[Line] = (),
    expires: float | None = None,
    at: float | None = None,
) -> Command:
    """Returns the command that ends a task, adds lines to its journal, and tells its producer.

    Its reply is the text of the outcome stored before (see `outcome.stored_result`), or empty. It may be sent again
    where its reply was lost.

    Args:
        store: the shared store.
        task_id: the task.
        lease_id: the delivery's; empty without a lease.
        outcome: the result, the failure, or that the producer revoked it.
        cost: the answered attempt's, as a line of JSON; kept if it is a duplicate answer.
        lines: of the journal. They are stored with the outcome: a journal with the answered attempt and without the
            outcome would leave no provider to ask.
        expires: seconds that the result is kept; the store's default if None.
        at: the epoch in seconds at which it ended, by the store's clock; None for when the command is run.
    """
    lifetime = store.expires if expires is None else math.ceil(expires)
    # A revoked task's message may be in the queue for as long as any completion may take.
    kept = max(lifetime, KEEP if isinstance(outcome, Revoked) else OUTCOME_KEPT)
    result = celery_result(task_id, outcome)
    ended = (dump(outcome), kept, 0, _ms(at or 0.0), cost, task_id, result, lifetime, "")
    return _settle(store, task_id, lease_id, *ended, *map(dump_line, lines))


def revoke(store: Store, task_ids: Sequence[str]) -> list[str]:
    """Ends tasks as revoked; returns those that had no other outcome before.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    stored = store.run(*(finish(store, task_id, "", Revoked("by its producer")) for task_id in task_ids))
    return [task_id for task_id, answer in zip(task_ids, stored, strict=True) if not answer or is_revoked(answer)]


def _settle(store: Store, task_id: str, *args: str | bytes | int) -> Command:
    keys = store.keys
    names = [keys.task(task_id), keys.journal(task_id), keys.counters, keys.events, keys.result(task_id)]
    return store.script("settle", names, *args)


def crashed_attempts(asked: str) -> tuple[Entry, ...]:
    """Returns the attempts that crashed with their workers, from the lines `<provider> <ms>` that the scripts wrote."""
    pairs = (line.split() for line in asked.splitlines() if line)
    return tuple(
        Entry(provider, CRASHED, int(at) / 1000, reason="its worker died", billed="unknown") for provider, at in pairs
    )


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
