"""`fallback explain`: the story of one task, without its prompt and its answer."""

from collections.abc import Iterator

import click

from tasks.cli.duration import instant
from tasks.cli.failed import line, word
from tasks.cli.redis import redis_demanded
from tasks.completion import store
from worker.history import History, history
from worker.journal import Entry
from worker.letters import find


@click.command()
@click.argument("task_id")
def explain(task_id: str) -> None:
    """Tells where TASK_ID stands, and which providers it came by: a line each."""
    with redis_demanded():
        found, letter = history(store(), task_id), find(store(), task_id)
    if found.state == "unknown" and letter:  # refused before any worker began it
        click.echo(line(letter))
        return
    if found.state == "unknown":
        raise click.ClickException(f"{task_id}: nothing is known; no worker has begun it yet, or it is long ago")
    click.echo(f"{word(task_id)}: {_standing(found)}")
    told = list(_told(found))
    for each in told:
        click.echo(each)
    if not told:
        click.echo("no provider has been considered yet", err=True)


def _standing(found: History) -> str:
    asking = "".join(f", asking {entry.provider} since {instant(entry.at)}" for entry in found.asking)
    match found.state:
        case "answered":
            return f"answered by {found.story['provider']} on chain {found.story['chain']}"
        case "failed":
            return f"failed, {found.failure[0]}: {word(found.failure[1])}"
        case "waiting":
            return "waits until a provider admits"
        case "due":
            return f"goes on at {instant(found.due)}"
        case "lost":
            return f"its worker died{asking}; it goes on when its message is delivered again"
        case _:
            return f"in hand{asking}"


def _told(found: History) -> Iterator[str]:
    yield from map(_line, found.before)
    if found.before:
        yield "replayed"
    yield from map(_line, found.entries)
    for spent in found.wasted:
        yield f"{instant(spent['at'])} {spent['provider']} answered too late, for {spent['cost_usd']} USD"


def _line(entry: Entry) -> str:
    took = None if entry.latency_ms is None else f"{entry.latency_ms:.0f} ms"
    words = (instant(entry.at), entry.provider, entry.model, entry.outcome, entry.status, took, entry.reason)
    return " ".join(word(str(each)) for each in words if each is not None)
