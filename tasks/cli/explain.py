"""`fallback explain`: the report of one task, without its prompt and its answer."""

from collections.abc import Iterator

import click

from tasks.cli.support.dead_letters import line
from tasks.cli.support.duration import instant
from tasks.cli.support.quoting import quoted
from tasks.cli.support.redis import requires_redis
from tasks.cli.support.usd import perhaps, usd
from tasks.store import store
from worker.task.dead_letters import find
from worker.task.inspection import History, history
from worker.task.journal import Entry


@click.command()
@click.argument("task_id")
def explain(task_id: str) -> None:
    """Shows the status of TASK_ID, and a line for each provider that was considered."""
    with requires_redis():
        found, dead_letter = history(store(), task_id), find(store(), task_id)
    if found.state == "unknown" and dead_letter:  # refused before a worker began it
        click.echo(line(dead_letter))
        return
    if found.state == "unknown":
        raise click.ClickException(f"{task_id}: nothing is known; no worker has begun it yet, or it has expired")
    click.echo(f"{quoted(task_id)}: {_status(found)}")
    lines = list(_lines(found))
    for each in lines:
        click.echo(each)
    if not lines:
        click.echo("no provider has been considered yet", err=True)


def _status(found: History) -> str:
    asking = "".join(f", asking {entry.provider} since {instant(entry.at)}" for entry in found.asking)
    match found.state:
        case "answered":
            return f"answered by {found.report['provider']} on chain {found.report['chain']}"
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


def _lines(found: History) -> Iterator[str]:
    yield from map(_line, found.before)
    if found.before:
        yield "replayed"
    yield from map(_line, found.entries)
    for each in found.duplicates:
        cost = usd(each["cost_usd"]) or "an unknown price"
        yield f"{instant(each['at'])} {each['provider']} gave a duplicate answer, for {cost}"


def _line(entry: Entry) -> str:
    took = None if entry.latency_ms is None else f"{entry.latency_ms:.0f} ms"
    price = usd(entry.cost_usd) if entry.billed is None else perhaps(entry.cost_usd)
    columns = (instant(entry.at), entry.provider, entry.model, entry.outcome, entry.status, took, price, entry.reason)
    return " ".join(quoted(str(each)) for each in columns if each is not None)
