"""`fallback failed`: what failed for good, and why."""

import json

import click

from tasks.cli.duration import duration, instant
from tasks.cli.redis import redis_demanded
from tasks.completion import store
from worker.letters import Letter, newest


@click.command()
@click.option("--since", type=duration, metavar="DURATION", help="Of the last 90, 90s, 10m, 2h, 1d.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="An object per line.")
def failed(since: float | None, limit: int, as_json: bool) -> None:
    """Lists the completions that failed for good, the newest first: time, task, chain, error and story."""
    with redis_demanded():
        letters = newest(store(), limit, since)
    for letter in letters:
        click.echo(_as_json(letter) if as_json else line(letter))
    if not letters:
        click.echo(nothing_failed(since), err=True)


def nothing_failed(since: float | None) -> str:
    """Returns the sentence that stands in place of an empty list."""
    return "no completion has failed for good" + ("" if since is None else " in that time")


def line(letter: Letter) -> str:
    """Returns a failure as one line; what the queue or a provider said is quoted where it could break it."""
    words = map(word, (letter.task_id, letter.chain, letter.error, letter.message))
    return " ".join((instant(letter.at_ms / 1000), *words))


def _as_json(letter: Letter) -> str:
    at = letter.at_ms / 1000
    return json.dumps(
        {"task_id": letter.task_id, "at": at, "chain": letter.chain, "error": letter.error, "message": letter.message}
    )


def word(said: str) -> str:
    """Returns what somebody else said, quoted where it could break a line."""
    return said if said.isprintable() else json.dumps(said)
