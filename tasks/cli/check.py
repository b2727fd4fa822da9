"""`fallback check`: configuration, reachability and the wire contract, before anything is queued."""

from collections.abc import Iterable
from itertools import chain

import click
from rich.console import Console
from rich.table import Table

from config.providers import Provider
from tasks.celery import COMPLETIONS, settings
from tasks.cli.advice import of_durability, of_neighbours
from tasks.cli.durability import durability
from tasks.cli.neighbours import neighbours
from tasks.cli.redis import demand_redis, place, redis_demanded
from tasks.cli.workers import consuming
from tasks.completion import store
from worker.probe import probe


@click.command()
def check() -> None:
    """Says whether completions can be answered, and what else is on the Redis. Ends with 1 if they cannot."""
    console = Console()
    demand_redis()
    console.print(f"Redis      {place()} answers")
    console.print(f"workers    {consuming() or 'none; start one with `celery -A tasks worker`'}")
    _warn(console)
    reached = set()
    table = Table("provider", "dialect", "base URL", "says", box=None, pad_edge=False)
    for name, provider in settings.providers.items():
        said, good = _ask(provider)
        reached |= {name} if good else set()
        table.add_row(name, provider.dialect, provider.base_url or "-", said)
    console.print(table)
    chains = Table("chain", "providers", "failover", "priority", "timeout", box=None, pad_edge=False)
    for name, each in settings.chains.items():
        chains.add_row(name, ", ".join(each.providers), each.failover, str(each.priority), f"{each.timeout:g} s")
    console.print(chains)
    contract = f'app.signature("fallback.complete", queue="{COMPLETIONS}", priority=6).delay(request, chain="default")'
    console.print(f"by name    {contract}", soft_wrap=True)
    if dead := list(_dead(reached)):
        raise click.ClickException(f"no provider answers for chain {', '.join(dead)}")


def _warn(console: Console) -> None:
    with redis_demanded():
        lines = chain(of_durability(durability(store())), of_neighbours(neighbours(store(), settings.namespace)))
        for line in lines:
            console.print(f"warning    {line}", soft_wrap=True, markup=False, highlight=False)


def _dead(reached: set[str]) -> Iterable[str]:
    return (name for name, chain in settings.chains.items() if not reached & set(chain.providers))


def _ask(provider: Provider) -> tuple[str, bool]:
    if provider.missing:
        variable = provider.base_url_env if not provider.base_url else provider.api_key_env
        return f"not configured: {provider.missing}" + (f" (set {variable})" if variable else ""), False
    found = probe(provider)
    if not found.reachable:
        return f"not reachable: {found.error}", False
    if not found.authenticated:
        return f"refuses the key: {found.error}", False
    return f"answers in {found.latency_ms:.0f} ms", True
