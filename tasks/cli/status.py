"""`fallback status`: the breakers, the health and the models of the fleet's providers."""

import json
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

import click
from rich.console import Console
from rich.live import Live

from tasks.cli.duration import duration
from tasks.cli.interrupt import until_interrupted
from tasks.cli.models_table import models_table
from tasks.cli.providers_table import providers_table
from tasks.cli.redis import away, redis_demanded
from tasks.cli.report import report
from worker.errors import StoreAway

Look = Callable[[], Any]
Show = Callable[[Any], None]


@click.command()
@click.option("--watch", is_flag=True, help="Go on until Ctrl-C.")
@click.option("--interval", type=duration, default="2s", show_default=True, help="Between two looks of --watch.")
@click.option("--models", is_flag=True, help="The registry of models in place of the providers.")
@click.option("--json", "as_json", is_flag=True, help="All of it, models too, as an object on one line.")
def status(watch: bool, interval: float, models: bool, as_json: bool) -> None:
    """Shows each provider's health, breaker, response times and last error."""
    console = Console()
    table = models_table if models else providers_table
    look: Look = report if as_json else table
    show: Show = _print_json if as_json else console.print
    if not watch:
        with redis_demanded():
            show(look())
        return
    with until_interrupted():
        if as_json or not console.is_terminal:
            _watch(look, show, interval)
        with Live(console=console, auto_refresh=False) as live:
            _watch(look, partial(live.update, refresh=True), interval)


def _watch(look: Look, show: Show, interval: float) -> NoReturn:
    while True:
        try:
            found = look()
        except StoreAway as exc:
            found = f"{away(exc)}; asking again"
        show(found)
        time.sleep(interval)


def _print_json(found: dict[str, Any] | str) -> None:
    click.echo(json.dumps({"time": time.time(), "error": found} if isinstance(found, str) else found))
