"""`fallback up`: everything on this machine, until Ctrl-C."""

import os
import shlex
import signal
import time
from collections.abc import Mapping
from pathlib import Path

import click
from rich.table import Table

from tasks.celery import COMPLETIONS, PROBES, settings
from tasks.cli.support.console import console
from tasks.cli.support.redis import place
from tasks.local import celery_nodes, llama, llmock, valkey
from tasks.local.errors import FleetError
from tasks.local.fleet import Fleet
from tasks.local.ports import free_port

_MARGIN = 30.0
"""Seconds that a stopping worker has beyond its longest attempt."""

_POLL = 0.5


@click.command()
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 64), help="Worker processes.")
@click.option("--run-dir", default=".run/up", show_default=True, type=click.Path(path_type=Path), help="Data and logs.")
@click.option("--simulate", is_flag=True, help="Simulate the vendors whose keys are missing.")
def up(workers: int, run_dir: Path, simulate: bool) -> None:
    """Starts Redis (unless REDIS_URL is set), a local model, workers, beat and Flower; Ctrl-C ends all of it."""
    # SIGTERM ends the command as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    to = console()
    try:
        with Fleet(run_dir) as fleet:
            fleet.environment |= _configuration(os.environ)
            table = start_servers(fleet, simulate=simulate)
            start_nodes(fleet, workers)
            port = free_port(5555)
            celery_nodes.start_flower(fleet, port)
            table.add_row("Flower", f"http://127.0.0.1:{port}")
            table.add_row("workers", f"{workers}, and one for probes with beat; logs in {fleet.folder}")
            to.print(table)
            to.print("In another terminal:", style="bold")
            if words := exported(fleet.environment, os.environ):
                to.print(f"  export {words}", soft_wrap=True, markup=False, highlight=False)
            to.print('  fallback complete "Name three primes"\n  fallback status')
            to.print("Ctrl-C ends all of it.")
            _watch(fleet)
    except FleetError as exc:
        raise click.ClickException(str(exc)) from None
    except KeyboardInterrupt:
        to.print("ended")


def exported(environment: Mapping[str, str], here: Mapping[str, str]) -> str:
    """Returns the variables that another terminal lacks, in the form that a shell reads.

    They are those of the servers started here: addresses, and the simulator's keys. A variable that this shell has set
    may be a secret and is left out. Only the path of the configuration file is always included.

    Args:
        environment: the workers'.
        here: this shell's.
    """
    added = {name: value for name, value in environment.items() if here.get(name) != value}
    shown = added | _configuration(environment)
    return " ".join(f"{name}={shlex.quote(value)}" for name, value in shown.items())


def _configuration(environment: Mapping[str, str]) -> dict[str, str]:
    """Returns FALLBACK_CONFIG, if it is set, with an absolute path, because workers run in another folder."""
    path = environment.get("FALLBACK_CONFIG")
    return {"FALLBACK_CONFIG": str(Path(path).resolve())} if path else {}


def start_servers(fleet: Fleet, *, simulate: bool) -> Table:
    """Starts Redis and a local model if the settings name none; returns a row per server and provider."""
    table = Table("part", "where")
    if "REDIS_URL" in os.environ or settings.model_fields_set & {"redis_url"}:
        table.add_row("Redis", place())
    else:
        server = valkey.start(fleet, port=free_port(6379))
        fleet.environment |= server.environment
        table.add_row("Redis", f"{server.url} (embedded Valkey)")
    own = settings.providers["llama_cpp"]
    if own.enabled and own.missing:
        server_of_model = llama.start(fleet, alias="SmolLM2-135M-Instruct")
        fleet.environment |= server_of_model.environment
    simulated = llmock.start(fleet).environment if simulate else {}
    for name, provider in settings.providers.items():
        if not provider.missing:
            table.add_row(name, provider.base_url)
        elif not provider.enabled:
            table.add_row(name, "disabled; chains skip it")
        elif name == "llama_cpp":
            table.add_row(name, f"{fleet.environment['LLAMA_CPP_BASE_URL']} (SmolLM2-135M on this machine)")
        elif url := simulated.get(provider.base_url_env):
            fleet.environment |= {provider.base_url_env: url, provider.api_key_env: simulated[provider.api_key_env]}
            table.add_row(name, f"{url} (simulated: {provider.missing})")
        else:
            table.add_row(name, f"not configured: {provider.missing}; chains skip it")
    return table


def start_nodes(fleet: Fleet, workers: int) -> None:
    """Starts workers for completions, one small worker for probes, so that long calls do not block them, and beat."""
    grace = max(provider.longest_attempt for provider in settings.providers.values()) + _MARGIN
    for number in range(1, workers + 1):
        celery_nodes.start_worker(fleet, f"worker{number}", queues=[COMPLETIONS], grace=grace)
    celery_nodes.start_worker(fleet, "probes", queues=[PROBES], concurrency=4)
    celery_nodes.start_beat(fleet)


def _watch(fleet: Fleet) -> None:
    while True:
        for process in fleet.processes:
            if not process.running:
                raise FleetError(f"{process.name} ended by itself; its log is {process.log}")
        time.sleep(_POLL)
