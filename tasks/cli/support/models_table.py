"""The table of the models that the providers list."""

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from config.providers import Provider
from tasks.celery import settings
from tasks.store import store
from worker.diagnosis.durations import span
from worker.health import model_registry
from worker.health.model_registry import KnownModel


def models_table() -> Table:
    """Returns a row per model: first those that are configured, also if the provider does not list them.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    found = Table(box=None, pad_edge=False, caption_justify="left", caption_style="")
    for name in ("provider", "model", "status", "lifecycle", "last seen", "tier"):
        found.add_column(name, no_wrap=name != "model", overflow="fold")
    now = store().time()
    for provider in settings.providers.values():
        for row in _rows(provider, now):
            found.add_row(*map(Text, (provider.name, *row)))
    if not any(model_registry.models(store(), name) for name in settings.providers):
        found.caption = "no provider has listed its models yet; a probe asks for them"
    return found


def _rows(provider: Provider, now: float) -> Iterable[tuple[str, ...]]:
    known = model_registry.models(store(), provider.name)
    statuses = model_registry.tiers(store(), provider)
    for tier, configured in provider.models.items():
        if not any(model.answers_to(configured.name) for model in known):
            yield configured.name, statuses[tier], "-", "-", tier
    listed = [(model, _tiers(provider, model)) for model in known]
    for model, tiers in sorted(listed, key=lambda pair: not pair[1]):
        yield model.id, model.status, model.lifecycle, f"{span(now - model.last_seen)} ago", tiers


def _tiers(provider: Provider, model: KnownModel) -> str:
    return ", ".join(tier for tier, configured in provider.models.items() if model.answers_to(configured.name))
