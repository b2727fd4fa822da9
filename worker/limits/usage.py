"""What is used of the limits of providers now."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from config.limits import Limits
from config.settings import Settings
from worker.limits.demand import EVERY_OTHER
from worker.store.store import Store


@dataclass(frozen=True, slots=True)
class Used:
    """What the fleet has used of one provider: in the last minute, in flight, and today (UTC)."""

    provider: str
    requests: int
    tokens: int
    concurrency: int
    usd: float

    def by_limit(self, limits: Limits) -> dict[str, tuple[int, int | None]]:
        """Returns what is used and the limit, None without one, by the limit's setting; budgets are not among them."""
        return {
            "concurrency": (self.concurrency, limits.concurrency),
            "requests_per_minute": (self.requests, limits.requests_per_minute),
            "tokens_per_minute": (self.tokens, limits.tokens_per_minute),
        }


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


def budgets(settings: Settings) -> dict[str, float]:
    """Returns the budgets of a day in USD that have a name: those of providers, chains and listed tenants."""
    found = {f"provider:{name}": each.limits.usd_per_day for name, each in settings.providers.items()}
    found |= {f"chain:{name}": each.usd_per_day for name, each in settings.chains.items()}
    found |= {f"tenant:{name}": each.usd_per_day for name, each in settings.tenants.items() if name != EVERY_OTHER}
    return {name: usd for name, usd in found.items() if usd is not None}


def budgeted(store: Store, names: Sequence[str]) -> list[float]:
    """Returns the USD of today (UTC), reserved and spent, of budgets by the names that `budgets` returns.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    if not names:
        return []
    return [int(nano or 0) / 1e9 for nano in store.run(("HMGET", _today(store), *names))[0]]


def of_other_tenants(store: Store, listed: Collection[str]) -> list[float]:
    """Returns the USD of today of each tenant that has the budget of `*`: of at most 10,000, as the hash is bounded.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    if EVERY_OTHER not in listed:
        return []
    found = store.run(("HGETALL", _today(store)))[0]
    own = {f"tenant:{name}" for name in listed if name != EVERY_OTHER}
    return [int(nano) / 1e9 for name, nano in found.items() if name.startswith("tenant:") and name not in own]


def _today(store: Store) -> str:
    return store.keys.budgets(int(store.time() // 86_400))
