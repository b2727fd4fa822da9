"""Decides for calls in flight during a Redis outage: the chain's order, without what just failed in this process.

There is no second breaker. During an outage nothing can be fetched, retried or stored, so only completions that a
process already works on get here.
"""

import time
from collections.abc import Sequence

from worker.admission.breaker import Decision, Permit, Skipped
from worker.store.store import Store

MEMORY = 1.0
"""Seconds that a provider is skipped after it failed in this process."""

_failed_at: dict[str, float] = {}


def remember_failure(provider: str) -> None:
    """Remembers that a provider failed in this process."""
    _failed_at[provider] = time.monotonic()


def admissions(providers: Sequence[str]) -> dict[str, float | None]:
    """Returns the seconds until each provider may be asked, 0 for now."""
    now = time.monotonic()
    return {provider: max(0.0, _failed_at.get(provider, -MEMORY) + MEMORY - now) for provider in providers}


def decide(store: Store, providers: Sequence[str]) -> Decision:
    """Returns a permit for the first provider that did not just fail in this process; no breaker counts its result."""
    store.outage.decided()
    now = time.monotonic()
    skipped: list[Skipped] = []
    for provider in providers:
        if now - _failed_at.get(provider, -MEMORY) >= MEMORY:
            return Decision("next", Permit(provider, 0), tuple(skipped))
        skipped.append(Skipped(provider, "failed during the Redis outage", None))
    return Decision("none", None, tuple(skipped), MEMORY)
