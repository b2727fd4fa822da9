"""Health, breakers and models of the providers as JSON values."""

from dataclasses import asdict
from typing import Any

from pydantic import TypeAdapter

from tasks.celery import settings
from tasks.cli.support.scores_table import scores
from tasks.store import store
from worker.diagnosis.problems import problems
from worker.health import model_registry
from worker.health.health import Health, health
from worker.limits.usage import Used, usage
from worker.task import parking, scheduling
from worker.telemetry.workers import workers

_HEALTH = TypeAdapter(Health)
_OUTSIDE = {"breaker": {"provider", "now", "status", "cause", "scores"}}
"""Fields of the breaker that the report has one level above it."""


def report() -> dict[str, Any]:
    """Returns the time, counts, problems, workers and providers, as docs/how-to/respond-to-an-alert.md shows them.

    Every instant is an epoch in seconds by the clock of Redis, 0 if there is none; durations are seconds.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    found = health(store(), list(settings.providers))
    counts = {"parked": parking.count(store()), "scheduled": scheduling.count(store())}
    used = usage(store(), list(settings.providers))
    providers = [_provider(*each) for each in zip(found, used, strict=True)]
    fleet = {
        "problems": [asdict(each) for each in problems(settings, store())],
        "workers": [asdict(each) for each in workers(store())],
    }
    return {"time": found[0].breaker.now, **counts, **fleet, "providers": providers}


def _provider(found: Health, used: Used) -> dict[str, Any]:
    breaker = found.breaker
    provider = settings.providers[breaker.provider]
    statuses = model_registry.tiers(store(), provider)
    return {
        "provider": provider.name,
        "status": breaker.status,
        "cause": breaker.cause,
        "configured": provider.missing is None,
        "missing": provider.missing,
        **_HEALTH.dump_python(found, exclude=_OUTSIDE),
        "limits": provider.limits.model_dump(),
        "scores": scores(provider, breaker),
        "used": {name: value for name, value in asdict(used).items() if name != "provider"},
        "tiers": {tier: {"model": model.name, "status": statuses[tier]} for tier, model in provider.models.items()},
        "models": [asdict(model) for model in model_registry.models(store(), provider.name)],
    }
