"""`fallback forget`: deletes what Redis has of ended completions."""

import click

from tasks.cli.support.quoting import quoted
from tasks.cli.support.redis import requires_redis
from tasks.store import store
from worker.task import outcome


@click.command()
@click.argument("task_id", nargs=-1, required=True)
def forget(task_id: tuple[str, ...]) -> None:
    """Deletes the results of ended completions, and their dead letters with the requests.

    Their ids stay used: who asks again under one of them is refused.
    """
    with requires_redis():
        unknown = [each for each in task_id if not outcome.forget(store(), each)]
    for each in unknown:
        click.echo(f"{quoted(each)}: has no outcome; one under way can be revoked", err=True)
    if unknown:
        raise SystemExit(1)
