"""`fallback check`: whether completions can be answered, before any is queued."""

from collections.abc import Iterable
from itertools import chain

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from config.chains import Chain
from config.groups import shown
from config.providers import DISABLED, Provider
from tasks.celery import COMPLETIONS, settings
from tasks.cli.support.advice import of_durability, of_neighbours, of_tracking
from tasks.cli.support.durability import durability
from tasks.cli.support.limits_table import limits_table
from tasks.cli.support.neighbours import neighbours
from tasks.cli.support.prices_table import prices_table
from tasks.cli.support.redis import place, require_redis, requires_redis
from tasks.cli.support.tracking import tracking_refusal
from tasks.cli.support.workers import consuming
from tasks.store import store
from worker.health.probe import probe
from worker.limits.unpriced import unpriced
from worker.store.store import Store


@click.command()
def check() -> None:
    """Checks Redis, workers, providers and chains; warns of risks. Exits with 1 if a chain has no provider."""
    console = Console()
    require_redis()
    console.print(f"Redis      {place()} answers")
    console.print(f"workers    {consuming() or 'none; start one with `celery -A tasks worker`'}")
    _warn(console)
    reached = set()
    table = Table("provider", "dialect", "base URL", "status", box=None, pad_edge=False)
    for name, provider in settings.providers.items():
        status, is_usable = _ask(provider)
        reached |= {name} if is_usable else set()
        table.add_row(name, provider.dialect, provider.base_url or "-", status)
    console.print(table)
    console.print(prices_table())
    chains = Table("chain", "providers", "failover", "priority", "timeout", box=None, pad_edge=False)
    for name, each in settings.chains.items():
        names = _providers(each) if each.enabled else DISABLED
        chains.add_row(name, Text(names), each.failover, str(each.priority), f"{each.timeout:g} s")
    console.print(chains)
    _limits(console)
    contract = f'app.signature("fallback.complete", queue="{COMPLETIONS}", priority=6).delay(request, chain="default")'
    console.print(f"by name    {contract}", soft_wrap=True)
    if broken := list(_without_provider(reached)):
        raise click.ClickException(f"no provider answers for chain {', '.join(broken)}")


def _providers(chain: Chain) -> str:
    """Returns a chain's providers in order, those of a group in brackets."""
    return shown(chain.listed) if chain.order == "listed" else shown([chain.providers])


def _warn(console: Console) -> None:
    with requires_redis():
        lines = chain(
            of_durability(durability(store())),
            of_neighbours(neighbours(store(), settings.namespace)),
            of_tracking(tracking_refusal(Store(settings.redis_url, settings.namespace, {}))),
        )
        for line in lines:
            console.print(f"warning    {line}", soft_wrap=True, markup=False, highlight=False)


def _limits(console: Console) -> None:
    """Prints limits and budgets.

    Raises:
        click.ClickException: a budget is over a provider without prices.
    """
    with requires_redis():
        if table := limits_table(settings):
            console.print(table)
    for name, each in settings.chains.items():
        budgets = {"a completion": each.max_cost_usd, "a day": each.usd_per_day}
        if words := [f"{usd:g} USD {of}" for of, usd in budgets.items() if usd is not None]:
            console.print(f"budget     chain {name}: {', '.join(words)}", highlight=False)
    for name, tenant in settings.tenants.items():
        console.print(f"budget     tenant {name}: {tenant.usd_per_day:g} USD a day", markup=False, highlight=False)
    if lines := unpriced(settings):
        raise click.ClickException("\n".join(lines))


def _without_provider(reached: set[str]) -> Iterable[str]:
    return (name for name, chain in settings.chains.items() if chain.enabled and not reached & set(chain.providers))


def _ask(provider: Provider) -> tuple[str, bool]:
    if provider.missing == DISABLED:
        return DISABLED, False
    if provider.missing:
        wanted = f" (set {provider.wanted})" if provider.wanted else ""
        return f"not configured: {provider.missing}{wanted}", False
    found = probe(provider)
    if not found.reachable:
        return f"not reachable: {found.error}", False
    if not found.authenticated:
        return f"refuses the key: {found.error}", False
    return f"answers in {found.latency_ms:.0f} ms", True
