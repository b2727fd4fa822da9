"""What an attempt costs: by the configuration, else as the vendor told, else by the library's prices."""

from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import urlsplit

from config.providers import Model, Provider
from worker.pricing import library
from worker.pricing.rates import Rate, Rates
from worker.result import Usage

Origin = Literal["config", "library"]

_ANTHROPIC = (0.1, 1.25, 2.0)
"""What tokens cost that were read from a cache, written to it, and written for an hour, over those of the input.

https://platform.claude.com/docs/en/build-with-claude/prompt-caching#pricing. Some models differ (Sonnet 5.5 reads for
0.05), so the library's own proportion comes first. Vendors of the `openai` dialect differ from model to model, from a
hundredth to all of the input's price: without better knowledge a cached token costs what the vendor charges at most.
"""

_TELL = ("openrouter.ai", "api.x.ai")
"""Hosts whose answers tell what was charged.

https://openrouter.ai/docs/use-cases/usage-accounting, https://docs.x.ai/developers/cost-tracking. Elsewhere `cost` may
be anything.
"""


@dataclass(frozen=True, slots=True)
class Pricing:
    """The prices in force of a provider's model, and whose they are."""

    rates: Rates
    origin: Origin


def cost(provider: Provider, model: Model, usage: Usage | None, at: float) -> float | None:
    """Returns the USD of one attempt at an epoch in seconds, None where usage or prices are unknown."""
    if usage is None:
        return None
    found = pricing(provider, model, at, usage.tier)
    is_told = usage.charged_usd is not None and _host(provider) in _TELL
    if is_told and (found is None or found.origin != "config"):
        return usage.charged_usd
    return found.rates.cost(usage) if found else None


def pricing(provider: Provider, model: Model, at: float, tier: str | None = None) -> Pricing | None:
    """Returns the prices of a model at an epoch in seconds, None if they are unknown; configured ones come first.

    Prices of the cache alone change the library's. One price of input and output without the other is none.
    """
    listed = library.listed(provider, model.name)
    rates = listed.rates(at, tier) if listed else None
    is_configured = not (model.input_usd is None and model.output_usd is None)
    if is_configured:
        rates = _configured(provider, model, rates)
    if rates and model.cached_usd is not None:
        rates = replace(rates, cached=Rate(model.cached_usd))
    if rates and model.cache_write_usd is not None:
        rates = _with_write(rates, model.cache_write_usd)
    return Pricing(rates, "config" if is_configured else "library") if rates else None


def _configured(provider: Provider, model: Model, listed: Rates | None) -> Rates | None:
    """Returns the configured prices of input and output, with those of the cache in the vendor's proportion."""
    if model.input_usd is None or model.output_usd is None:
        return None
    cached, write, hour = (Rate(model.input_usd * part) for part in _proportions(provider, listed))
    return Rates(Rate(model.input_usd), Rate(model.output_usd), cached, write, hour)


def _proportions(provider: Provider, listed: Rates | None) -> tuple[float, float, float]:
    """Returns the prices of cached reads, of writes and of those for an hour, over the input's."""
    if listed is None or not (listed.cached and listed.input.base):
        return _ANTHROPIC if provider.dialect == "anthropic" else (1.0, 1.0, 1.0)
    write = listed.cache_write or listed.input
    hour = listed.cache_write_1h or write
    return listed.cached.base / listed.input.base, write.base / listed.input.base, hour.base / listed.input.base


def _with_write(rates: Rates, usd: float) -> Rates:
    """Returns prices with another one of writes; that for an hour keeps its proportion to it."""
    write = (rates.cache_write or rates.input).base
    hour = (rates.cache_write_1h or rates.cache_write or rates.input).base
    return replace(rates, cache_write=Rate(usd), cache_write_1h=Rate(usd * hour / write if write else usd))


def _host(provider: Provider) -> str | None:
    return urlsplit(provider.base_url).hostname
