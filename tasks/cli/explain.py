"""`fallback explain`: the report of one task, without its prompt and its answer."""

import json
from collections.abc import Iterator
from typing import Any

import click

from tasks.celery import settings
from tasks.cli.support.dead_letters import line
from tasks.cli.support.duration import instant
from tasks.cli.support.quoting import quoted
from tasks.cli.support.redis import requires_redis
from tasks.cli.support.usd import usd
from tasks.cli.support.waterfall import moment, waterfall
from tasks.store import store
from worker.task.dead_letters import DeadLetter, find
from worker.task.inspection import History
from worker.telemetry.explanation import Explanation, explanation


@click.command()
@click.argument("task_id")
@click.option("--json", "as_json", is_flag=True, help="An object on one line.")
def explain(task_id: str, as_json: bool) -> None:
    """Shows the status of TASK_ID, and its time as a waterfall: queue, attempts, waits, and who was skipped and why."""
    with requires_redis():
        found, dead_letter = explanation(store(), settings.chains, task_id), find(store(), task_id)
    is_unknown = found.history.state == "unknown"
    if is_unknown and not dead_letter:
        raise click.ClickException(f"{task_id}: nothing is known; no worker has begun it yet, or it has expired")
    refused = dead_letter if is_unknown else None  # refused before a worker began it
    if as_json:
        click.echo(json.dumps({"task_id": task_id, **found.as_json(), **_refused(refused)}))
    elif refused:
        click.echo(line(refused))
    else:
        _print(task_id, found)


def _print(task_id: str, found: Explanation) -> None:
    click.echo(f"{quoted(task_id)}: {_status(found.history)}")
    if sums := ", ".join(_sums(found)):
        click.echo(sums)
    for span in found.before:
        click.echo(moment(span))
    if found.before:
        click.echo("replayed")
    if found.spans:
        for text in waterfall(found.spans, found.history.now):
            click.echo(text)
    if not any("provider" in span.fields for span in (*found.before, *found.spans)):
        click.echo("no provider has been considered yet", err=True)


def _refused(dead_letter: DeadLetter | None) -> dict[str, Any]:
    if dead_letter is None:
        return {}
    return {
        "state": "failed",
        "chain": dead_letter.chain,
        "error": dead_letter.error,
        "message": dead_letter.message,
        "ended_at": dead_letter.at_ms / 1000,
    }


def _status(found: History) -> str:
    asking = "".join(f", asking {entry.provider} since {instant(entry.at)}" for entry in found.asking)
    match found.state:
        case "answered":
            return f"answered by {found.report['provider']} on chain {found.chain}" if found.report else "answered"
        case "failed":
            return f"failed, {found.failure[0]}: {quoted(found.failure[1])}"
        case "parked":
            return "parked until a provider admits"
        case "scheduled":
            return f"scheduled for {instant(found.due)}"
        case "due":
            return f"continues at {instant(found.due)}"
        case "worker died":
            return f"its worker died{asking}; it continues when its message is delivered again"
        case _:
            return f"in progress{asking}"


def _sums(found: Explanation) -> Iterator[str]:
    """Yields how long it took, how far it was from its deadline, and what it cost."""
    has_ended, left = found.history.ended > 0, found.remaining
    if found.elapsed is not None:
        yield f"took {found.elapsed:.2f} s" if has_ended else f"{found.elapsed:.2f} s so far"
    if left is not None and has_ended:
        yield f"ended {left:.2f} s before its deadline" if left >= 0 else f"ended {-left:.2f} s after its deadline"
    elif left is not None:
        yield f"{left:.2f} s left" if left >= 0 else f"its deadline passed {-left:.2f} s ago"
    if found.cost_usd:
        yield f"{usd(found.cost_usd)}"
