"""What calls in flight do while the shared store is away: the chain's order, less what just failed here.

There is no second breaker. Nothing can be fetched, retried or stored meanwhile, so only the calls that a process
already holds come this way.
"""

import time
from collections.abc import Sequence

from worker.breaker import Decision, PassedOver, Permit
from worker.store import Store

MEMORY = 1.0
"""Seconds that a provider is passed over after it failed in this process."""

_failed_at: dict[str, float] = {}


def failed(provider: str) -> None:
    """Remembers that a provider failed in this process."""
    _failed_at[provider] = time.monotonic()


def decide(store: Store, providers: Sequence[str]) -> Decision:
    """Returns a permit for the first provider that did not just fail here; it counts in no breaker."""
    store.outage.decided()
    now = time.monotonic()
    over: list[PassedOver] = []
    for provider in providers:
        if now - _failed_at.get(provider, -MEMORY) >= MEMORY:
            return Decision("next", Permit(provider, 0), tuple(over))
        over.append(PassedOver(provider, "failed while the store is away", None))
    return Decision("none", None, tuple(over), MEMORY)
