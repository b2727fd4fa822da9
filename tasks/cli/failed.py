"""`fallback failed`: lists the dead letters."""

import json

import click

from tasks.cli.support.dead_letters import as_json, line, none_found
from tasks.cli.support.duration import duration
from tasks.cli.support.redis import requires_redis
from tasks.store import store
from worker.task.dead_letters import newest


@click.command()
@click.option("--since", type=duration, metavar="DURATION", help="Of the last 90, 90s, 10m, 2h, 1d.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="The most to list.")
@click.option("--json", "in_json", is_flag=True, help="An object per line.")
def failed(since: float | None, limit: int, in_json: bool) -> None:
    """Lists the dead letters, the newest first: time, task, chain, error, message, and what they cost."""
    with requires_redis():
        letters = newest(store(), limit, since)
    for letter in letters:
        click.echo(json.dumps(as_json(letter)) if in_json else line(letter))
    if not letters:
        click.echo(none_found(since), err=True)
