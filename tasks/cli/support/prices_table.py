"""The table of what the configured models cost, and whose word for it that is."""

import time
from collections.abc import Iterator

from rich.table import Table

from config.providers import Model, Provider
from tasks.celery import settings
from worker.pricing import library
from worker.pricing.cost import pricing
from worker.pricing.rates import Rates


def prices_table() -> Table:
    """Returns a row per model, and one more where long prompts are dearer, in USD per million tokens.

    Below the table stands the library of those that are not configured.
    """
    found = Table(box=None, pad_edge=False, caption_justify="left", caption_style="")
    for name in ("model", "prompt", "input", "cached", "write", "output", "window", "by"):
        found.add_column(name, no_wrap=True, overflow="fold")
    for provider in settings.providers.values():
        for tier, model in provider.models.items():
            for row in _rows(provider, model):
                found.add_row(f"{provider.name}/{tier}", *row)
    source = library.source()
    found.caption = f"library    {source.name}, whose newest price in force is of {source.newest}"
    return found


def _rows(provider: Provider, model: Model) -> Iterator[tuple[str, ...]]:
    found = pricing(provider, model, time.time())
    listed = library.listed(provider, model.name)
    window = model.context or (listed.window if listed else None)
    shown = _tokens(window) if window else "?"
    if found is None:
        yield "any", *4 * ("?",), shown, "nobody"
        return
    steps = [tokens for tokens, _ in found.rates.input.steps]
    yield "any" if not steps else f"to {_tokens(steps[0])}", *_prices(found.rates, 0), shown, found.origin
    for tokens in steps:
        yield f"above {_tokens(tokens)}", *_prices(found.rates, tokens + 1), shown, found.origin


def _prices(rates: Rates, prompt: int) -> Iterator[str]:
    for rate in (rates.input, rates.cached or rates.input, rates.cache_write or rates.input, rates.output):
        yield f"{rate.at(prompt):g}"


def _tokens(count: int) -> str:
    return f"{count / 1000:g}k"
