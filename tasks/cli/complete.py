"""`fallback complete`: one completion from the command line."""

from contextlib import suppress
from threading import Event, Timer
from typing import Any

import click
from celery.exceptions import TimeoutError as ResultTimeout
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from tasks.celery import settings
from tasks.cli.support.redis import require_redis, requires_redis
from tasks.cli.support.workers import consuming
from tasks.completion import complete as task
from worker.errors import TaskFailed

_SOON = 1.0
"""Seconds without an answer after which the command asks, beside its waiting, whether there are workers."""

_MARGIN = 10.0
"""Seconds beyond the chain's timeout until the command stops waiting; the task continues."""


@click.command()
@click.argument("prompt")
@click.option("--chain", default="default", show_default=True, help="The chain to walk.")
@click.option("--model", default="default", show_default=True, help="The tier, such as fast.")
def complete(prompt: str, chain: str, model: str) -> None:
    """Queues PROMPT, waits for its answer and prints it; its id and its attempts go to standard error."""
    request = {"messages": [{"role": "user", "content": prompt}], "model": model}
    require_redis()
    try:
        with requires_redis():
            result = task.delay(request, chain=chain)
        click.echo(f"queued as {result.id}", err=True)
        answer = _answer(result, settings.chains[chain].timeout + _MARGIN)
    except TaskFailed as failed:
        raise click.ClickException(f"{type(failed).__name__}: {failed}") from None
    except ResultTimeout:
        raise click.ClickException(f"no answer yet; the task continues as {result.id}") from None
    click.echo(answer["choices"][0]["message"]["content"])
    report = answer["fallback"]
    for attempt in report["attempts"]:
        columns = (attempt["provider"], attempt["model"], attempt["outcome"], attempt["reason"])
        click.echo("  " + " | ".join(str(column) for column in columns if column), err=True)
    click.echo(f"  {report['elapsed_ms']:.0f} ms on chain {report['chain']}", err=True)


def _answer(result: Any, seconds: float) -> Any:
    """Returns the answer; if it does not come soon, reports that there is no worker, and waits meanwhile.

    Raises:
        ResultTimeout: it did not come in time.
        TaskFailed: the completion failed.
    """
    answered = Event()
    look = Timer(_SOON, _report_no_worker, (answered,))
    look.daemon = True
    look.start()
    try:
        return result.get(timeout=seconds)
    finally:
        answered.set()
        look.cancel()


def _report_no_worker(answered: Event) -> None:
    with suppress(OperationalError, RedisError, OSError):  # the waiting thread reports an outage
        if not consuming() and not answered.is_set():
            click.echo("no worker answers yet; start one with `celery -A tasks worker`. Waiting ...", err=True)
