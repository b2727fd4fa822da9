"""The event stream: what changed. The script that makes a change writes its event, once for the whole fleet.

Each entry has `type`, `provider` and `at_ms`, and by type:

| type | further fields |
|---|---|
| `circuit-breaker-open` | `cause`, consecutive `failures`, `open_until_ms`, consecutive `opens`; a detector's figures |
| `circuit-breaker-would-open` | `cause`, the detector's figures; the detector only observes |
| `circuit-breaker-half-open`, `circuit-breaker-closed` | |
| `circuit-breaker-forced-open`, `circuit-breaker-forced-closed` | `by`, `until_ms` (0: without end) |
| `circuit-breaker-reset` | `by`, `until_ms` |
| `breaker-settings-differ` | `here`, `there`: settings of two deployments, see lua/admission/breaker.lua |
| `provider-unhealthy`, `provider-recovered` | `cause` |
| `provider-deprioritised` | `until_ms`, the detector's figures |
| `provider-would-be-deprioritised` | the detector's figures; the detector only observes |
| `slow-began` | `first_token_ms`, the median of the last ones; the `usual_ms` of hours |
| `slow-ended` | the same, `cause` (`recovered`, or `usual-now` after a day), `since_ms` |
| `provider-auth-locked` | `cause`, the `fingerprint` of the key that was refused |
| `provider-auth-unlocked` | `by` |
| `duplicate-answer` | `request`: the task, which already had an outcome |
| `task-id-reused` | `request`: the task whose id came with another request; no provider |
| `message-quarantined` | `cause`, in a word; no provider |
| `worker-clock-skewed`, `worker-clock-steady` | `worker`, `offset_ms` (above 0: ahead of Redis); no provider |
| `request-failure` | `request`, `failure`, `decision`, `will_retry`, `next` provider, `countdown_ms` |

Of a `request-failure`, `will_retry` says that the same provider is asked again, after `countdown_ms`; `next` names the
provider to which the completion fails over. Neither is set if no provider admits: it may still start a new round.

A detector's figures are its `sum` and the `limit` that the sum exceeded, and further:

- of failures, the learned `baseline` (a share), and `window_failed` of the last `window_count` calls;
- of stalls, instead of these two: how many calls are `silent`, and `since_ms`, when the first of them began;
- of latency, the `usual_ms` to the first token, and `first_token_ms`.
"""

import threading
from collections import deque
from contextlib import suppress
from typing import Any, NamedTuple

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from worker.errors import RedisUnavailable
from worker.store.store import Store

Event = dict[str, str]
START = "-"
_PAGE = 1000

_BATCH = 100
_BLOCK = 1_000
"""Milliseconds that a read waits for the next event: less than the store's socket does."""
_RETRY_EVERY = 1.0
"""Seconds between two tries during a Redis outage."""


class Entry(NamedTuple):
    """An event with its id in the stream: a later `follow(after=id)` goes on behind it."""

    id: str
    event: Event


def since(store: Store, last: str = START, limit: int | None = None) -> tuple[str, list[Event]]:
    """Returns the id of the last entry read, and the events after the entry `last`, or the first `limit` of them.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    some = () if limit is None else ("COUNT", limit)
    entries = store.run(("XRANGE", store.keys.events, last if last == START else f"({last}", "+", *some))[0]
    return (entries[-1][0] if entries else last), [fields for _, fields in entries]


def between(store: Store, start: float, end: float) -> list[Event]:
    """Returns the events between two epochs in seconds, the newest first; reads them by the thousand.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    found: list[Event] = []
    first, last = f"{start * 1000:.0f}", f"{end * 1000:.0f}"
    while entries := store.run(("XRANGE", store.keys.events, first, last, "COUNT", _PAGE))[0]:
        found += (fields for _, fields in entries)
        first = f"({entries[-1][0]}"
    return found[::-1]


def newest(store: Store, limit: int) -> list[Entry]:
    """Returns the last `limit` entries, the newest first.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    return [Entry(*each) for each in store.run(("XREVRANGE", store.keys.events, "+", START, "COUNT", limit))[0]]


def newest_id(store: Store) -> str:
    """Returns the id of the newest entry, behind which `since` goes on; `START` without any.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    return next((entry.id for entry in newest(store, 1)), START)


class Follower:
    """Iterates over events as they happen, until `close`. One thread iterates; any may close.

    During a Redis outage it waits, and goes on where it stopped. Events that have left the stream meanwhile are lost:
    it keeps about 10,000.
    """

    def __init__(self, store: Store, after: str | None = None) -> None:
        """Takes its place in the stream; during an outage, with the first answer of Redis.

        Args:
            store: where the stream is.
            after: the id of the last event that is not wanted; `START` for all that there are; None for new ones alone.
        """
        self._store = store
        self._last = "0-0" if after == START else after
        self._read: deque[Entry] = deque()
        self._closed = threading.Event()
        with suppress(RedisUnavailable):
            self._begin()

    def __iter__(self) -> "Follower":
        return self

    def __next__(self) -> Entry:
        """Returns the next event; waits for it.

        Raises:
            StopIteration: it was closed.
            redis.exceptions.ResponseError: the server refuses to read, for its ACL or an `after` that is no id.
        """
        while not self._closed.is_set():
            if self._read:
                entry = self._read.popleft()
                self._last = entry.id
                return entry
            try:
                self._begin()
                found = self._store.redis.execute_command(  # type: ignore[no-untyped-call]  # redis-py
                    *("XREAD", "COUNT", _BATCH, "BLOCK", _BLOCK, "STREAMS", self._store.keys.events, self._last)
                )
            except (RedisUnavailable, RedisConnectionError, RedisTimeoutError, OSError):
                self._closed.wait(_RETRY_EVERY)
                continue
            self._read.extend(_entries(found))
        raise StopIteration

    def __enter__(self) -> "Follower":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the iteration within about a second."""
        self._closed.set()

    def _begin(self) -> None:
        if self._last is None:
            seconds, microseconds = self._store.run(("TIME",))[0]
            # The last possible id of a millisecond ago: what happens in this one may come after this call.
            self._last = f"{int(seconds) * 1000 + int(microseconds) // 1000 - 1}-{2**64 - 1}"


def _entries(found: Any) -> list[Entry]:
    return [Entry(id_, fields) for _, entries in found or () for id_, fields in entries]
