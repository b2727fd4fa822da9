"""`fallback drain`: takes one worker out of service, and waits until it has nothing in flight."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import click

from tasks.celery import app
from tasks.cli.support.duration import duration, instant
from tasks.cli.support.redis import require_writes
from tasks.cli.support.workers import answering, one
from tasks.store import store
from worker.telemetry.workers import workers

_EVERY = 0.5
"""Seconds between two questions to the worker."""

_SLOW = 5.0
"""Seconds within which a worker answers that is busy."""

State = dict[str, Any]


@click.command()
@click.argument("worker")
@click.option(
    "--timeout", type=duration, default="330s", show_default=True, metavar="DURATION", help="How long to wait at most."
)
@click.option("--shutdown", is_flag=True, help="Then stop the worker.")
@click.option("--undo", is_flag=True, help="Let a drained worker take messages again.")
def drain(worker: str, timeout: float, shutdown: bool, undo: bool) -> None:
    """Has WORKER take nothing new, and waits until what it has in flight has ended.

    WORKER is a name such as one@host, or the part before the @ if only one has it. Messages that it holds and has not
    begun go back into the queue. Exits with 1 if it is not done in time; it stays drained then.
    """
    if shutdown and undo:
        raise click.UsageError("--shutdown and --undo exclude each other")
    require_writes()
    name = _named(worker)
    if undo:
        _ask(name, "undrain")
        click.echo(f"{name}: takes messages again")
        return
    ends = time.monotonic() + timeout
    for line in _progress(name, ends):
        click.echo(f"{name}: {line}")
    click.echo(f"{name}: drained")
    if shutdown:
        app.control.shutdown(destination=[name])
        _wait(lambda: one("ping", name, 1.0) is None, ends, f"{name}: was told to stop, and still answers")
        click.echo(f"{name}: stopped")


def _named(worker: str) -> str:
    """Returns the full name of a worker that answers.

    Raises:
        click.ClickException: none of this name does, or several do.
    """
    is_known = any(each.name == worker for each in workers(store()))
    if is_known and one("ping", worker, _SLOW) is not None:
        return worker
    names = answering()
    found = [name for name in names if worker in (name, name.split("@")[0])]
    if len(found) == 1:
        return found[0]
    if found:
        raise click.ClickException(f"{worker}: several workers have this name: {', '.join(found)}")
    there = f"those that answer are {', '.join(names)}" if names else "none answers"
    raise click.ClickException(f"{worker}: no worker of this name answers; {there}")


def _ask(name: str, command: str) -> State:
    """Returns the worker's reply.

    Raises:
        click.ClickException: it does not answer, or is of a version before.
    """
    reply = one(command, name, _SLOW)
    if not isinstance(reply, dict) or "held" not in reply:
        why = "does not answer any more" if reply is None else "does not know this command: it runs a version before"
        raise click.ClickException(f"{name}: {why}")
    return reply


def _progress(name: str, ends: float) -> Iterator[str]:
    """Drains a worker; yields what it has in flight whenever that changes, until it has nothing.

    Raises:
        click.ClickException: it is not done in time.
    """
    found, shown, answers = _ask(name, "drain"), "", True
    while found["held"] or found["running"] or not found["drained"]:
        line = f"takes nothing new; {_count(found)} in flight"
        if line != shown:
            yield line
        shown = line
        if time.monotonic() >= ends:
            raise click.ClickException("\n".join([f"{name}: {_late(found, answers)}", *_rest(found)]))
        time.sleep(_EVERY)
        reply = one("in_flight", name, 1.0)
        answers = isinstance(reply, dict)
        found = reply if isinstance(reply, dict) else found


def _count(found: State) -> int:
    return max(len(found["running"]), int(found["held"]))


def _late(found: State, answers: bool) -> str:
    if answers:
        return f"not done in time; it stays drained, with {_count(found)} in flight"
    return f"does not answer any more; when it last did it had {_count(found)} in flight"


def _rest(found: State) -> Iterator[str]:
    """Yields a line per running task: its name, its id and when it began."""
    for task in found["running"]:
        since = "" if task["started"] is None else f" since {instant(task['started'])}"
        yield f"  {task['name']} {task['id']}{since}"


def _wait(is_done: Callable[[], bool], ends: float, late: str) -> None:
    """Waits until something is so.

    Raises:
        click.ClickException: it is not in time; the message is `late`.
    """
    while not is_done():
        if time.monotonic() >= ends:
            raise click.ClickException(late)
        time.sleep(_EVERY)
