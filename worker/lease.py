"""A task's lease: one delivery of a message works at a time, however often the queue delivers it."""

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import uuid4

from worker import errors
from worker.connection import Command
from worker.errors import Revoked, TaskFailed
from worker.journal import LOST, Entry, Line, load
from worker.store import KEEP, Store

LEASE = 15.0
"""Seconds that a lease lasts unless renewed: the queue redelivers a dead worker's message after as long."""

RENEW_EVERY = 3.0
"""Seconds between two renewals: four may be lost before the lease is."""

PATIENCE = 2 * LEASE
"""Seconds past its due time that a later message may take before an earlier one goes on in its place."""


@dataclass(frozen=True, slots=True)
class Begun:
    """What `begin` found.

    With `taken` the lease is ours; `now` and `first` (the first delivery) are epochs in seconds by the server's
    clock, `step` the one to go on from; `deaths` counts the earlier holders that never let it go, and `lost` has the
    attempts that they were at. With `held` or `early` it is not, and `wait` says how many seconds to let pass; with
    `answered` the result stands in `answer`, and `wasted` has the answers that came after it. With `other` the id
    stands for another request, whose `answer` is empty until it has one.
    """

    kind: Literal["taken", "answered", "held", "early", "other"]
    now: float = 0.0
    first: float = 0.0
    step: int = 0
    journal: tuple[Line, ...] = ()
    deaths: int = 0
    lost: tuple[Entry, ...] = ()
    answer: str = field(default="", repr=False)
    wasted: str = ""
    wait: float = 0.0


class Held:
    """The leases that this process holds, so that one thread can renew them all."""

    def __init__(self) -> None:
        self._tokens: dict[str, str] = {}
        self._lock = threading.Lock()

    def add(self, task_id: str, token: str) -> None:
        """Remembers a lease just taken."""
        with self._lock:
            self._tokens[task_id] = token

    def discard(self, task_id: str, token: str) -> None:
        """Forgets a lease that was let go."""
        with self._lock:
            if self._tokens.get(task_id) == token:
                del self._tokens[task_id]

    def renew(self, store: Store) -> None:
        """Renews every lease held.

        Raises:
            StoreAway: the store did not answer.
        """
        with self._lock:
            held = list(self._tokens.items())
        if held:
            store.run(*(store.script("renew", [store.task(t)], token, _ms(LEASE), KEEP) for t, token in held))


HELD = Held()


def new_token() -> str:
    """Returns a token that no other delivery has."""
    return uuid4().hex


def begin(store: Store, task_id: str, token: str, step: int, fingerprint: str = "") -> Command:
    """Returns the command that takes a task's lease for one delivery; see `begun`.

    Args:
        store: the shared store.
        task_id: the task.
        token: of the delivery.
        step: of the message.
        fingerprint: what tells its request from another one (see worker/identity.py); empty if that does not matter.
    """
    keys = [store.task(task_id), store.journal(task_id), store.events]
    return store.script("begin", keys, token, _ms(LEASE), step, KEEP, _ms(PATIENCE), fingerprint, task_id)


def begun(reply: list[Any]) -> Begun:
    """Returns what a reply of `begin` says."""
    match reply:
        case ["taken", now, first, step, journal, lost]:
            lines, deaths = tuple(map(load, journal)), lost.count("\n")
            return Begun("taken", now / 1000, first / 1000, step, lines, deaths, lost_attempts(lost))
        case [("answered" | "other") as kind, answer, wasted]:
            return Begun(kind, answer=answer, wasted=wasted)
        case [kind, left]:
            return Begun(kind, wait=left / 1000)
    raise AssertionError(reply)


def pause(store: Store, task_id: str, token: str, step: int, delay: float) -> Command:
    """Returns the command that lets a task go until the message of `step`, due in `delay` seconds."""
    return _settle(store, task_id, token, "", KEEP, step, _ms(delay), "")


def finish(
    store: Store, task_id: str, token: str, outcome: dict[str, Any] | TaskFailed | Revoked, spent: str = ""
) -> Command:
    """Returns the command that ends a task; its reply is the answer that stood already (see `standing`) or empty.

    Args:
        store: the shared store.
        task_id: the task.
        token: of the delivery; empty for who has none.
        outcome: the result, or why it failed for good, or that the producer took it back.
        spent: what the attempt that was answered took, as a line of JSON: waste where an outcome stood already.
    """
    body = {"result": outcome} if isinstance(outcome, dict) else {"failure": [type(outcome).__name__, str(outcome)]}
    # What was taken back may lie in the queue for as long as any completion may take.
    expires = max(store.expires, KEEP) if isinstance(outcome, Revoked) else store.expires
    return _settle(store, task_id, token, json.dumps(body), expires, 0, 0, spent)


def take_back(store: Store, task_ids: Sequence[str]) -> list[str]:
    """Ends tasks as revoked, and returns those that had no other end before.

    Raises:
        StoreAway: the store did not answer.
    """
    stood = store.run(*(finish(store, task_id, "", Revoked("by its producer")) for task_id in task_ids))
    return [task_id for task_id, answer in zip(task_ids, stood, strict=True) if not answer or _revoked(answer)]


def standing(answer: str, wasted: str = "") -> dict[str, Any]:
    """Returns the result that stands for a task, with the attempts whose answers came after it in its story.

    Raises:
        TaskFailed: it failed for good; the class is the one it first failed with.
        Revoked: the producer took it back.
    """
    body: dict[str, Any] = json.loads(answer)
    if "failure" in body:
        name, message = body["failure"]
        raise getattr(errors, name)(message)
    result: dict[str, Any] = body["result"]
    if wasted:
        result["fallback"]["wasted"] = [json.loads(line) for line in wasted.splitlines()]
    return result


def _revoked(answer: str) -> bool:
    return Revoked.__name__ in json.loads(answer).get("failure", ())[:1]


def _settle(store: Store, task_id: str, *args: str | int) -> Command:
    return store.script("settle", [store.task(task_id), store.counters, store.events], *args, task_id)


def lost_attempts(asked: str) -> tuple[Entry, ...]:
    """Returns the attempts that workers died with, from what the scripts noted of each."""
    pairs = (line.split() for line in asked.splitlines() if line)
    return tuple(Entry(provider, LOST, int(at) / 1000, reason="its worker died") for provider, at in pairs)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
