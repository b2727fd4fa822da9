"""Everything that is known of the providers, for programs."""

from dataclasses import asdict
from typing import Any

from pydantic import TypeAdapter

from tasks.celery import settings
from tasks.completion import store
from worker import registry
from worker.health import Health, health
from worker.waiting import count

_HEALTH = TypeAdapter(Health)
_OUTSIDE = {"breaker": {"provider", "now", "status", "cause"}}
"""Fields of the breaker that stand one level above it."""


def report() -> dict[str, Any]:
    """Returns `time`, `waiting` and `providers`, as docs/operations.md shows them.

    Every instant is an epoch in seconds by the store's clock, 0 where there is none; durations are seconds.

    Raises:
        StoreAway: the store did not answer.
    """
    found = health(store(), list(settings.providers))
    return {"time": found[0].breaker.now, "waiting": count(store()), "providers": [_provider(each) for each in found]}


def _provider(found: Health) -> dict[str, Any]:
    breaker = found.breaker
    provider = settings.providers[breaker.provider]
    standing = registry.tiers(store(), provider)
    return {
        "provider": provider.name,
        "status": breaker.status,
        "cause": breaker.cause,
        "configured": provider.missing is None,
        "missing": provider.missing,
        **_HEALTH.dump_python(found, exclude=_OUTSIDE),
        "tiers": {tier: {"model": model.name, "status": standing[tier]} for tier, model in provider.models.items()},
        "models": [asdict(model) for model in registry.models(store(), provider.name)],
    }
