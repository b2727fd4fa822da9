"""`fallback status`: breakers, health and models of the providers, the workers, and what is wrong."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any, NoReturn

import click
from rich.console import Group
from rich.live import Live

from tasks.celery import settings
from tasks.cli.support.console import console as fitting_console
from tasks.cli.support.duration import duration
from tasks.cli.support.interrupt import until_interrupted
from tasks.cli.support.limits_table import limits_table
from tasks.cli.support.models_table import models_table
from tasks.cli.support.problems_list import problems_list
from tasks.cli.support.providers_table import providers_table
from tasks.cli.support.redis import outage, requires_redis
from tasks.cli.support.report import report
from tasks.cli.support.scores_table import scores_table
from tasks.cli.support.workers_table import workers_table
from tasks.store import store
from worker.diagnosis.problems import problems, takes_reports
from worker.errors import RedisUnavailable
from worker.telemetry.workers import workers

Read = Callable[[], Any]
Show = Callable[[Any], None]


@click.command()
@click.option("--watch", is_flag=True, help="Repeat until Ctrl-C.")
@click.option("--interval", type=duration, default="2s", show_default=True, help="Between two updates of --watch.")
@click.option("--models", is_flag=True, help="The models that each provider lists, instead of the providers.")
@click.option("--json", "as_json", is_flag=True, help="Everything, models too, as an object on one line.")
def status(watch: bool, interval: float, models: bool, as_json: bool) -> None:
    """Shows each provider's health, breaker, response times and last error; the workers; what is wrong and its cure."""
    console = fitting_console()
    table = models_table if models else _tables
    read: Read = report if as_json else table
    show: Show = _print_json if as_json else partial(console.print, soft_wrap=not console.is_terminal)
    if not watch:
        with requires_redis():
            try:
                show(read())
            except RedisUnavailable as exc:
                if as_json:
                    _print_json(outage(exc))
                raise
        return
    with until_interrupted():
        if as_json or not console.is_terminal:
            _watch(read, show, interval)
        with Live(console=console, auto_refresh=False) as live:
            _watch(read, partial(live.update, refresh=True), interval)


def _tables() -> Group:
    now, found = store().time(), problems(settings, store())
    return Group(
        providers_table(),
        *filter(None, (limits_table(settings), scores_table(settings))),
        workers_table(workers(store()), now, is_known=takes_reports(found)),
        problems_list(found, now),
    )


def _watch(read: Read, show: Show, interval: float) -> NoReturn:
    while True:
        try:
            found = read()
        except RedisUnavailable as exc:
            found = f"{outage(exc)}; asking again"
        show(found)
        time.sleep(interval)


def _print_json(found: dict[str, Any] | str) -> None:
    if isinstance(found, str):
        found = {
            "time": time.time(),
            "error": found,
            "problems": [asdict(each) for each in problems(settings, store())],
        }
    click.echo(json.dumps(found))
