"""The `fallback` command."""

import logging

import click

from tasks.cli.breaker import breaker
from tasks.cli.check import check
from tasks.cli.complete import complete
from tasks.cli.config import config
from tasks.cli.demo import demo
from tasks.cli.drain import drain
from tasks.cli.events import events
from tasks.cli.explain import explain
from tasks.cli.failed import failed
from tasks.cli.forget import forget
from tasks.cli.import_litellm import import_litellm
from tasks.cli.providers import providers
from tasks.cli.replay import replay
from tasks.cli.spend import spend
from tasks.cli.status import status
from tasks.cli.up import up


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="fallback-workers", message="%(version)s")
def main() -> None:
    """Completions that do not go down when a provider does."""
    # Each command reports a Redis outage itself; without this handler a log line would repeat it.
    logging.getLogger("worker").addHandler(logging.NullHandler())


for _command in (
    breaker,
    check,
    complete,
    config,
    demo,
    drain,
    events,
    explain,
    failed,
    forget,
    providers,
    import_litellm,
    replay,
    spend,
    status,
    up,
):
    main.add_command(_command)
