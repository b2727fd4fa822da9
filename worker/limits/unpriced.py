"""Finds budgets and groups over providers whose prices are unknown: they would count as free."""

import time
from collections.abc import Iterator

from config.chains import Chain
from config.providers import Provider
from config.settings import Settings
from worker.pricing.cost import pricing


def unpriced(settings: Settings) -> list[str]:
    """Returns a line for each budget and group over a provider without prices: its setting, and what is missing."""
    return list(dict.fromkeys(f"{budget}: {missing}" for budget, missing in _missing(settings)))


def _missing(settings: Settings) -> Iterator[tuple[str, str]]:
    for name, provider in settings.providers.items():
        if provider.limits.usd_per_day is not None:
            yield from ((f"providers.{name}.limits.usd_per_day", each) for each in _without_price(provider))
    for chain in filter(lambda chain: chain.enabled, settings.chains.values()):
        lacking = [each for name in chain.providers for each in _without_price(settings.providers[name])]
        yield from ((budget, each) for budget in _budgets(chain, settings) for each in lacking)
        scored = [each for name in chain.scored for each in _without_price(settings.providers[name])]
        setting = "providers" if chain.order == "listed" else "order"
        yield from ((f"chains.{chain.name}.{setting}", each) for each in scored)


def _budgets(chain: Chain, settings: Settings) -> Iterator[str]:
    for setting in ("max_cost_usd", "usd_per_day"):
        if getattr(chain, setting) is not None:
            yield f"chains.{chain.name}.{setting}"
    if settings.tenants:
        yield "tenants"


def _without_price(provider: Provider) -> Iterator[str]:
    """Yields a reason for each model without prices. A llama.cpp server without any costs nothing."""
    if provider.missing or provider.dialect == "llama_cpp":
        return
    for tier, model in provider.models.items():
        if pricing(provider, model, time.time()) is None:
            yield f"providers.{provider.name}.models.{tier} has no price; set input_usd and output_usd, 0 if free"
