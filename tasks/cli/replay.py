"""`fallback replay`: runs dead letters again."""

import json

import click

from tasks.celery import settings
from tasks.cli.support.dead_letters import as_json, line, none_found
from tasks.cli.support.duration import duration
from tasks.cli.support.redis import requires_redis
from tasks.completion import complete
from tasks.headers import HEADER
from tasks.store import store
from worker.errors import TaskFailed
from worker.task.dead_letters import DeadLetter, find, newest, request


@click.command()
@click.argument("task_id", required=False)
@click.option("--since", type=duration, metavar="DURATION", help="All that failed in the last 90, 90s, 10m, 2h, 1d.")
@click.option("--chain", type=click.Choice(list(settings.chains)), help="On this chain instead of its own.")
@click.option("--dry-run", is_flag=True, help="Only list what would be replayed.")
@click.option("--json", "in_json", is_flag=True, help="An object per line, as `failed --json`, with `replayed`.")
def replay(task_id: str | None, since: float | None, chain: str | None, dry_run: bool, in_json: bool) -> None:
    """Queues TASK_ID, or all of --since, again: under its id, from the head of the chain, with the full timeout."""
    if (task_id is None) == (since is None):
        raise click.UsageError("name either a TASK_ID or --since")
    with requires_redis():
        letters = _named(task_id) if task_id is not None else newest(store(), seconds=since)[::-1]
        refused = 0
        for letter in letters:
            try:
                if not dry_run:
                    _queue(letter, chain or letter.chain)
            except TaskFailed as exc:
                refused += 1
                click.echo(f"{letter.task_id}: not replayed, {type(exc).__name__}: {exc}", err=True)
                if in_json:
                    click.echo(_json(letter, replayed=False))
            else:
                click.echo(_json(letter, replayed=not dry_run) if in_json else line(letter))
    if since is not None and not letters:
        click.echo(f"{none_found(since)}; there is nothing to replay", err=True)
    elif since is not None:
        click.echo(f"{len(letters) - refused} {'would be ' if dry_run else ''}replayed", err=True)
    if refused:
        raise SystemExit(1)


def _json(letter: DeadLetter, *, replayed: bool) -> str:
    return json.dumps({**as_json(letter), "replayed": replayed})


def _named(task_id: str) -> list[DeadLetter]:
    if letter := find(store(), task_id):
        return [letter]
    raise click.ClickException(f"{task_id}: no dead letter of this id; it may have been answered since")


def _queue(letter: DeadLetter, chain: str) -> None:
    complete.apply_async(
        (request(store(), letter),),
        {"chain": chain},
        task_id=letter.task_id,
        headers={HEADER: {"replay": letter.at_ms}},
    )
