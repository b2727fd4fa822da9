"""What is known of the providers that scored chains choose from: c, t and p of an answer of the usual size."""

import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from rich.table import Table

from config.providers import Provider
from config.settings import Settings
from tasks.store import store
from worker.admission.breaker import Snapshot, snapshot
from worker.admission.score import Scored
from worker.pricing.cost import pricing
from worker.result import Usage


def scores_table(settings: Settings) -> Table | None:
    """Returns a row per model that was chosen by its score; None if no chain has a group.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    scored = [name for name in settings.providers if any(name in chain.scored for chain in settings.chains.values())]
    if not scored:
        return None
    found = Table(box=None, pad_edge=False)
    for name in ("scores", "c, USD", "t, s", "p", "prompt", "answer", "in flight"):
        found.add_column(name, no_wrap=True)
    for each in snapshot(store(), scored):
        for row in _rows(settings.providers[each.provider], each):
            found.add_row(*row)
    return found


def scores(provider: Provider, found: Snapshot) -> dict[str, dict[str, Any]]:
    """Returns the figures by tier: the usual call's `cost_usd`, None without a price, and those of `Scored`."""
    return {tier: {"cost_usd": _usd(provider, tier, of), **asdict(of)} for tier, of in found.scores.items()}


def _rows(provider: Provider, found: Snapshot) -> Iterator[tuple[str, ...]]:
    if not found.scores:
        yield provider.name, *6 * ("-",)
    for tier, of in found.scores.items():
        usd = _usd(provider, tier, of)
        yield (
            f"{provider.name}/{tier}",
            "?" if usd is None else f"{usd:.5f}",
            f"{of.seconds:.2f}" if of.output else "-",
            f"{of.success:.3f}",
            f"{of.prompt:,}",
            f"{of.output:,}",
            f"{of.in_flight:.1f}",
        )


def _usd(provider: Provider, tier: str, of: Scored) -> float | None:
    if tier not in provider.models:
        return None
    found = pricing(provider, provider.models[tier], time.time())
    return found.rates.cost(Usage(of.prompt, of.output, cached=round(of.cached * of.prompt))) if found else None
