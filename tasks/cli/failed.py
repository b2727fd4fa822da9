"""`fallback failed`: lists the dead letters."""

import json
from typing import Any

import click

from tasks.cli.support.dead_letters import line, none_found
from tasks.cli.support.duration import duration
from tasks.cli.support.redis import requires_redis
from tasks.store import store
from worker.chain.report import total
from worker.task.dead_letters import DeadLetter, newest
from worker.task.journal import fields


@click.command()
@click.option("--since", type=duration, metavar="DURATION", help="Of the last 90, 90s, 10m, 2h, 1d.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="The most to list.")
@click.option("--json", "as_json", is_flag=True, help="An object per line.")
def failed(since: float | None, limit: int, as_json: bool) -> None:
    """Lists the dead letters, the newest first: time, task, chain, error, message, and what they cost."""
    with requires_redis():
        letters = newest(store(), limit, since)
    for letter in letters:
        click.echo(_as_json(letter) if as_json else line(letter))
    if not letters:
        click.echo(none_found(since), err=True)


def _as_json(letter: DeadLetter) -> str:
    whole: dict[str, Any] = {"task_id": letter.task_id, "at": letter.at_ms / 1000, "chain": letter.chain}
    whole |= {"error": letter.error, "message": letter.message, "cost_usd": total(letter.attempts)}
    return json.dumps(whole | {"attempts": [fields(attempt) for attempt in letter.attempts]})
