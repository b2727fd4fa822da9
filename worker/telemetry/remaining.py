"""What the vendors say remains of their rate limits: each process writes what it heard last, for who looks at it."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass

from worker.providers.remaining import REMAINING, RateLimit
from worker.store.connection import Command
from worker.store.store import Store

KEPT = 3_600
"""Seconds from the last write."""


@dataclass(frozen=True, slots=True)
class VendorLimits:
    """A vendor's rate limits by name, such as `requests`, and when it told them: an epoch in seconds of Redis."""

    at: float
    limits: Mapping[str, RateLimit]


def commands(store: Store, now: float) -> list[Command]:
    """Returns the commands that write what this process heard since the last call, none if it heard nothing.

    `now` is the epoch in seconds of Redis.
    """
    told, heard_at = REMAINING.take(), time.monotonic()
    if not told:
        return []
    key, pairs = store.keys.remaining, list[str]()
    for provider, each in told.items():
        limits = {name: [of.remaining, of.limit] for name, of in each.limits.items()}
        pairs += [provider, json.dumps([now - (heard_at - each.at), limits], separators=(",", ":"))]
    return [("HSET", key, *pairs), ("EXPIRE", key, KEPT)]


def remaining(store: Store) -> dict[str, VendorLimits]:
    """Returns by provider what its vendor told last.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    found = store.run(("HGETALL", store.keys.remaining))[0]
    read = {provider: json.loads(text) for provider, text in found.items()}
    return {
        provider: VendorLimits(at, {name: RateLimit(*pair) for name, pair in limits.items()})
        for provider, (at, limits) in read.items()
    }
