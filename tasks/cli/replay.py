"""`fallback replay`: runs again what failed for good."""

import click

from tasks import message
from tasks.celery import settings
from tasks.cli.duration import duration
from tasks.cli.failed import line, nothing_failed
from tasks.cli.redis import redis_demanded
from tasks.completion import complete, store
from worker.errors import TaskFailed
from worker.letters import Letter, find, newest, request


@click.command()
@click.argument("task_id", required=False)
@click.option("--since", type=duration, metavar="DURATION", help="All that failed in the last 90, 90s, 10m, 2h, 1d.")
@click.option("--chain", type=click.Choice(list(settings.chains)), help="On this chain instead of its own.")
@click.option("--dry-run", is_flag=True, help="Only say what would be replayed.")
def replay(task_id: str | None, since: float | None, chain: str | None, dry_run: bool) -> None:
    """Queues TASK_ID, or all of --since, again: under its id, with the whole chain and all its time before it."""
    if (task_id is None) == (since is None):
        raise click.UsageError("name either a TASK_ID or --since")
    with redis_demanded():
        letters = _named(task_id) if task_id is not None else newest(store(), seconds=since)[::-1]
        refused = 0
        for letter in letters:
            try:
                if not dry_run:
                    _queue(letter, chain or letter.chain)
            except TaskFailed as exc:
                refused += 1
                click.echo(f"{letter.task_id}: not replayed, {type(exc).__name__}: {exc}", err=True)
            else:
                click.echo(line(letter))
    if since is not None and not letters:
        click.echo(f"{nothing_failed(since)}; there is nothing to replay", err=True)
    elif since is not None:
        click.echo(f"{len(letters) - refused} {'would be ' if dry_run else ''}replayed", err=True)
    if refused:
        raise SystemExit(1)


def _named(task_id: str) -> list[Letter]:
    if letter := find(store(), task_id):
        return [letter]
    raise click.ClickException(f"{task_id}: not among what failed for good, or answered since")


def _queue(letter: Letter, chain: str) -> None:
    complete.apply_async(
        (request(store(), letter),),
        {"chain": chain},
        task_id=letter.task_id,
        headers={message.HEADER: {"replay": letter.at_ms}},
    )
