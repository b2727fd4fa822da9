"""`fallback complete`: one completion from the command line."""

import click
from celery.exceptions import TimeoutError as ResultTimeout

from tasks.celery import settings
from tasks.cli.redis import demand_redis
from tasks.cli.workers import consuming
from tasks.completion import complete as task
from worker.errors import TaskFailed

_MARGIN = 10.0
"""Seconds beyond the chain's own timeout until the answer is given up on here; the task goes on."""


@click.command()
@click.argument("prompt")
@click.option("--chain", default="default", show_default=True, help="The chain to walk.")
@click.option("--model", default="default", show_default=True, help="The tier, such as fast.")
def complete(prompt: str, chain: str, model: str) -> None:
    """Queues PROMPT, waits for its answer and prints it; how it came about goes to standard error."""
    request = {"messages": [{"role": "user", "content": prompt}], "model": model}
    demand_redis()
    try:
        result = task.delay(request, chain=chain)
        if not consuming() and not result.ready():
            click.echo("no worker answers yet; start one with `celery -A tasks worker`. Waiting ...", err=True)
        answer = result.get(timeout=settings.chains[chain].timeout + _MARGIN)
    except TaskFailed as failed:
        raise click.ClickException(f"{type(failed).__name__}: {failed}") from None
    except ResultTimeout:
        raise click.ClickException(f"no answer yet; the task goes on as {result.id}") from None
    click.echo(answer["choices"][0]["message"]["content"])
    story = answer["fallback"]
    for attempt in story["attempts"]:
        words = (attempt["provider"], attempt["model"], attempt["outcome"], attempt["reason"])
        click.echo("  " + " | ".join(str(word) for word in words if word), err=True)
    click.echo(f"  {story['elapsed_ms']:.0f} ms on chain {story['chain']}", err=True)
