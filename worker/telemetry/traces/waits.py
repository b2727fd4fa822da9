"""What a completion waited for before a delivery: a span of each is in its trace, which then has no unexplained gap."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from worker.task.journal import Entry, entries
from worker.task.lease import LeaseResult

Kind = Literal["scheduled", "queue", "backoff", "parked", "redelivery"]


@dataclass(frozen=True, slots=True)
class Wait:
    """A stretch of time in which no worker had the completion; `start` and `end` are epochs in seconds.

    | kind | from | to |
    |---|---|---|
    | `scheduled` | it was queued, to be due later | it was due |
    | `queue` | it was queued, or due, or its backoff ended | a worker took it |
    | `backoff` | the last delivery ended | the retry, or the next round of the chain, was due |
    | `parked` | the last delivery ended | a provider admitted it and a worker took it |
    | `redelivery` | the last thing that a lost worker is known to have done | another worker took it |

    `provider` is the one that a lost worker was asking, empty where none is known.
    """

    kind: Kind
    start: float
    end: float
    provider: str = ""


def waits(lease: LeaseResult, queued_at: float | None, sent_at: float | None = None) -> list[Wait]:
    """Returns what a completion waited for since it was queued, or since its last delivery.

    A producer that sends by name does not say when it queued the message. `sent_at` is when one was queued that was due
    later, at `queued_at`.
    """
    now = lease.now
    if lease.paused == "parked":
        found = [Wait("parked", lease.paused_at, now)]
    elif lease.paused == "backoff":
        due = min(max(lease.due, lease.paused_at), now)
        found = [Wait("backoff", lease.paused_at, due), Wait("queue", due, now)]
    elif lease.first < now:
        found = [_redelivery(lease)]
    else:
        found = (
            []
            if queued_at is None
            else [Wait("scheduled", sent_at or queued_at, queued_at), Wait("queue", queued_at, now)]
        )
    return [wait for wait in found if wait.end > wait.start]


def _redelivery(lease: LeaseResult) -> Wait:
    asked = lease.crashed_attempts[-1] if lease.crashed_attempts else None
    known = [lease.first, *_ends(entries(lease.journal)), *_ends(lease.crashed_attempts)]
    return Wait("redelivery", max(known), lease.now, asked.provider if asked else "")


def _ends(considered: Iterable[Entry]) -> list[float]:
    return [entry.at + (entry.latency_ms or 0.0) / 1000 for entry in considered]
