"""`fallback forget`: deletes what Redis has of ended completions."""

import click

from tasks.cli.support.quoting import quoted
from tasks.cli.support.redis import requires_redis
from tasks.store import store
from worker.task import outcome


@click.command()
@click.argument("task_ids", nargs=-1, required=True, metavar="TASK_ID...")
def forget(task_ids: tuple[str, ...]) -> None:
    """Deletes the results of ended completions, and their dead letters with the requests.

    Their ids stay used: who asks again under one of them is refused.
    """
    with requires_redis():
        unknown = [task_id for task_id in task_ids if not outcome.forget(store(), task_id)]
    for task_id in unknown:
        click.echo(f"{quoted(task_id)}: has no outcome; one under way can be revoked", err=True)
    if unknown:
        raise SystemExit(1)
