"""What genai-prices lists of a model. Nothing else imports it, and nothing is fetched: its data comes with its package.

It is imported at the first question. In a worker that takes 0.3 s and 5 MB (docs/benchmarks/worker.md). A producer,
beat and Flower never ask.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING

from config.providers import Provider
from worker.pricing.rates import Rate, Rates

if TYPE_CHECKING:
    from genai_prices import types
    from genai_prices.data_snapshot import DataSnapshot

_IDS = {"gemini": "google", "xai": "x-ai", "moonshot": "moonshotai"}
"""The library's name of a vendor, where it is not that of the preset."""

_MINUTE = 60
"""Seconds for which prices are read once, which takes 30 us: they change at whole minutes."""

_PARTS = {
    "cached": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
    "reasoning": "output_reasoning_mtok",
}


@dataclass(frozen=True, slots=True, eq=False)
class Listed:
    """A model that the library lists. `window` is in tokens, None if unknown."""

    provider: str
    window: int | None
    model: "types.ModelInfo" = field(repr=False)

    def rates(self, at: float, tier: str | None = None) -> Rates | None:
        """Returns the prices at an epoch in seconds, None if there are none for text.

        Args:
            at: some prices begin at a date, some hold for hours of a day.
            tier: the vendor's word for the speed that was bought (`flex`, `priority`, `fast`), as its answer tells it.
        """
        return _rates(self, int(at // _MINUTE) * _MINUTE, tier)


@dataclass(frozen=True, slots=True)
class Source:
    """The library's name and version, and the day from which its newest price in force holds."""

    name: str
    newest: date


def listed(provider: Provider, model: str) -> Listed | None:
    """Returns what the library lists of a provider's model, None if it does not know the vendor or the model.

    The vendor is the one to whom the base URL belongs; else the provider's preset; else Anthropic for its dialect. A
    server of the `openai` dialect at an unknown address may be anybody's, so nothing is known of it.
    """
    if provider.dialect == "llama_cpp":
        return None
    preset = provider.preset or ""
    return _listed(provider.base_url, preset or ("anthropic" if provider.dialect == "anthropic" else ""), model)


def source() -> Source:
    """Returns where the prices come from, and how new they are."""
    return Source(f"genai-prices {version('genai-prices')}", max(_days(datetime.now(UTC).date())))


@lru_cache(maxsize=1024)
def _listed(base_url: str, preset: str, model: str) -> Listed | None:
    vendor = _vendor(base_url, _IDS.get(preset, preset))
    found = vendor and vendor.find_model(model, all_providers=_snapshot().providers)
    return Listed(vendor.id, found.context_window, found) if vendor and found else None


@lru_cache(maxsize=1024)
def _rates(listed: Listed, at: int, tier: str | None) -> Rates | None:
    context = {"service_tier": tier, "speed": tier} if tier else None
    prices = listed.model.get_prices(datetime.fromtimestamp(at, UTC), context)
    main, answer = _rate(prices.input_mtok), _rate(prices.output_mtok)
    if main is None or answer is None:
        return None
    parts = {name: _rate(getattr(prices, key)) for name, key in _PARTS.items()}
    thousand = _rate(prices.requests_kcount)
    return Rates(main, answer, **parts, request=thousand.base / 1000 if thousand else 0.0)


def _vendor(base_url: str, name: str) -> "types.Provider | None":
    try:
        return _snapshot().find_provider(None, None, base_url)
    except LookupError:
        return next((vendor for vendor in _snapshot().providers if vendor.id == name), None)


@cache
def _snapshot() -> "DataSnapshot":
    from genai_prices.data_snapshot import get_snapshot

    return get_snapshot()


def _days(today: date) -> Iterator[date]:
    """Yields the days up to today from which prices hold."""
    yield date.min
    for vendor in _snapshot().providers:
        for model in vendor.models:
            dated = model.prices if isinstance(model.prices, list) else []
            starts = (getattr(each.constraint, "start_date", None) for each in (*dated, *(model.price_variants or ())))
            yield from (start for start in starts if start and start <= today)


def _rate(price: "Decimal | types.TieredPrices | None") -> Rate | None:
    if price is None or isinstance(price, Decimal):
        return None if price is None else Rate(float(price))
    return Rate(float(price.base), tuple((tier.start, float(tier.price)) for tier in price.tiers))
