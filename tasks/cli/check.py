"""`fallback check`: whether completions can be answered, before any is queued."""

from collections.abc import Iterable
from itertools import chain

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from config.chains import Chain
from config.groups import shown
from config.providers import DISABLED
from tasks.celery import COMPLETIONS, settings
from tasks.cli.support.advice import of_durability, of_neighbours, of_tracking
from tasks.cli.support.asking import Asked, ask
from tasks.cli.support.console import console as fitting_console
from tasks.cli.support.durability import durability
from tasks.cli.support.limits_table import limits_table
from tasks.cli.support.neighbours import neighbours
from tasks.cli.support.prices_table import prices_table
from tasks.cli.support.problems_list import problems_list
from tasks.cli.support.redis import place, require_redis, requires_redis
from tasks.cli.support.tracking import tracking_refusal
from tasks.cli.support.workers_table import workers_table
from tasks.store import store
from worker.diagnosis.problems import Problem, problems, stop_all, takes_reports
from worker.limits.unpriced import unpriced
from worker.providers.credentials import fingerprint
from worker.store.memory import memory
from worker.store.store import Store
from worker.telemetry.workers import Worker, workers


@click.command()
def check() -> None:
    """Checks Redis, workers, providers and chains; warns of risks. Exits with 1 if a chain cannot answer."""
    console = fitting_console()
    require_redis()
    with requires_redis():
        now, found, fleet = store().time(), problems(settings, store()), workers(store())
        _redis(console, found)
        _workers(console, fleet, now, is_known=takes_reports(found))
        if takes_reports(found):
            _alerts(console, fleet)
        _warn(console)
    asked = {
        name: ask(provider, fleet, store(), fingerprint(provider, settings.namespace))
        for name, provider in settings.providers.items()
    }
    table = Table("provider", "dialect", "base URL", "status", box=None, pad_edge=False)
    for name, provider in settings.providers.items():
        table.add_row(name, provider.dialect, provider.base_url or "-", Text(asked[name].status))
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
    console.print(problems_list(found, now), soft_wrap=True)
    _end(found, asked, now)


def _end(found: Iterable[Problem], asked: dict[str, Asked], now: float) -> None:
    """Ends the command with 1 where a chain cannot answer.

    Raises:
        click.ClickException: it names the chains without a provider that answers, and what else stops completions.
    """
    reached = {name for name, each in asked.items() if each.is_usable}
    broken = list(_without_provider(reached))
    lines = [f"no provider answers for chain {', '.join(broken)}"] if broken else []
    lines += [each.line(now) for each in stop_all(found) if each.subject not in broken]
    if lines:
        raise click.ClickException("\n".join(lines))


def _providers(chain: Chain) -> str:
    """Returns a chain's providers in order, those of a group in brackets."""
    return shown(chain.listed) if chain.order == "listed" else shown([chain.providers])


def _redis(console: Console, found: Iterable[Problem]) -> None:
    state = next((each.what for each in stop_all(found) if each.kind.startswith("redis-")), "")
    used = str(memory(store()))
    console.print(f"Redis      {place()} answers" + (f", {used}" if used else ""), highlight=False, soft_wrap=True)
    if state:
        console.print(f"           {state}", highlight=False, soft_wrap=True)


def _workers(console: Console, fleet: list[Worker], now: float, *, is_known: bool) -> None:
    consuming = sum(worker.alive and worker.consuming for worker in fleet)
    words = str(consuming) if consuming or fleet else "none; start one with `celery -A tasks worker`"
    console.print(f"workers    {words if is_known else 'not known, Redis takes no reports'}")
    if fleet:
        console.print(workers_table(fleet, now, is_known=is_known))


def _alerts(console: Console, fleet: list[Worker]) -> None:
    """Prints who sends the alerts of each receiver that this shell or a worker knows."""
    alive = [worker for worker in fleet if worker.alive]
    for name in dict.fromkeys((*settings.alerts, *(name for worker in alive for name in worker.receivers))):
        senders = [worker.name for worker in alive if worker.receivers.get(name) == ""]
        words = f"sent by {senders[0]}" if len(senders) == 1 else f"sent by one of {', '.join(senders)}"
        console.print(
            f"alerts     {name}: {words if senders else 'not sent, see below'}", markup=False, highlight=False
        )


def _warn(console: Console) -> None:
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
