"""The gauges of providers: their breakers, health, limits and budgets."""

from collections.abc import Iterator, Mapping

from config.limits import Limits
from config.settings import Settings
from tasks.flower.metrics import gauges
from tasks.flower.metrics.samples import Sample
from worker.admission.breaker import Snapshot
from worker.health.health import health
from worker.limits.usage import budgeted, budgets, usage
from worker.store.store import Store


def of_providers(store: Store, settings: Settings, in_flight: Mapping[str, int]) -> Iterator[Sample]:
    """Yields what is known of each provider.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    for each in health(store, list(settings.providers)):
        name, state = each.breaker.provider, in_force(each.breaker)
        yield from ((gauges.BREAKER_STATE, (name, one), one == state) for one in gauges.STATES)
        yield from ((gauges.PROVIDER_STATUS, (name, one), one == each.breaker.status) for one in gauges.STATUSES)
        yield gauges.IN_FLIGHT, (name,), in_flight.get(name, 0)
        if each.success_rate is not None:
            yield gauges.SUCCESS_RATIO, (name,), each.success_rate
        if each.availability is not None:
            yield gauges.AVAILABILITY_RATIO, (name,), each.availability


def in_force(breaker: Snapshot) -> str:
    """Returns the state that decides whether a provider is asked; of several the first that `BREAKER_STATE` names."""
    if breaker.override:
        return f"forced_{breaker.override}"
    if breaker.auth_locked:
        return "auth_locked"
    if breaker.state != "closed":
        return breaker.state.replace("-", "_")
    if breaker.limited_until > breaker.now:
        return "rate_limited"
    return "deprioritised" if breaker.deprioritised_until > breaker.now else "closed"


def of_limits(store: Store, settings: Settings) -> Iterator[Sample]:
    """Yields the share that is used of each limit and budget of the configuration; tenants have no sample.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    limited = {name: each.limits for name, each in settings.providers.items() if _is_limited(each.limits)}
    for used in usage(store, list(limited)) if limited else ():
        for limit, (number, most) in used.by_limit(limited[used.provider]).items():
            if most is not None:
                yield gauges.LIMIT_USED_RATIO, (used.provider, limit), number / most
    named = {field: usd for field, usd in budgets(settings).items() if not field.startswith("tenant:")}
    for (field, usd), spent in zip(named.items(), budgeted(store, list(named)), strict=True):
        whose, _, name = field.partition(":")
        labels = (name, "", "usd_per_day") if whose == "provider" else ("", name, "usd_per_day")
        yield gauges.BUDGET_USED_RATIO, labels, spent / usd


def _is_limited(limits: Limits) -> bool:
    return bool(limits.concurrency or limits.requests_per_minute or limits.tokens_per_minute)
