"""The table of what is used of the providers' limits."""

from collections.abc import Iterator

from rich.table import Table

from config.limits import Limits
from config.settings import Settings
from tasks.store import store
from worker.limits.usage import Used, usage


def limits_table(settings: Settings) -> Table | None:
    """Returns a row per provider with limits: what is used of each; None if there are none.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    limited = [name for name, provider in settings.providers.items() if provider.limits != Limits()]
    if not limited:
        return None
    found = Table(box=None, pad_edge=False)
    for name in ("limits", "in flight", "requests a minute", "tokens a minute", "USD today"):
        found.add_column(name, no_wrap=True)
    for used in usage(store(), limited):
        found.add_row(used.provider, *_cells(used, settings.providers[used.provider].limits))
    return found


def _cells(used: Used, limits: Limits) -> Iterator[str]:
    for count, limit in used.by_limit(limits).values():
        yield "-" if limit is None else f"{count:,} of {limit:,}"
    yield "-" if limits.usd_per_day is None else f"{used.usd:.4f} of {limits.usd_per_day:g}"
