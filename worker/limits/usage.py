"""What is used of the limits of providers now."""

from collections.abc import Sequence
from dataclasses import dataclass

from worker.store.store import Store


@dataclass(frozen=True, slots=True)
class Used:
    """What the fleet has used of one provider: in the last minute, in flight, and today (UTC)."""

    provider: str
    requests: int
    tokens: int
    concurrency: int
    usd: float


def usage(store: Store, providers: Sequence[str]) -> list[Used]:
    """Returns what is used of each provider; of one without limits nothing is counted.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    keys = [store.keys.events, *map(store.keys.breaker, providers)]
    found = store.run(store.script("usage", keys, *providers))[0]
    return [
        Used(provider, requests, tokens, taken, nano / 1e9)
        for provider, (requests, tokens, taken, nano) in zip(providers, found, strict=True)
    ]


def budgeted(store: Store, budgets: Sequence[str]) -> list[float]:
    """Returns the USD of today (UTC), reserved and spent, of budgets named as in lua/limits/limits.lua.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    if not budgets:
        return []
    day = store.run(("TIME",))[0][0] // 86_400
    return [int(nano or 0) / 1e9 for nano in store.run(("HMGET", store.keys.budgets(day), *budgets))[0]]
