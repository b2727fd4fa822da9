"""`fallback events`: what changed, as the fleet told it."""

import json
import time
from collections.abc import Iterator
from itertools import chain

import click

from tasks.cli.duration import instant
from tasks.cli.interrupt import until_interrupted
from tasks.cli.redis import away, redis_demanded
from tasks.completion import store
from worker.errors import StoreAway
from worker.events import Event, since

_POLL = 1.0
"""Seconds. XREAD would block for longer than the store's socket waits."""

_HEAD = ("type", "provider", "at_ms")
_NOTHING = ("", "0")


@click.command()
@click.option("--follow", is_flag=True, help="Go on until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="An object per line, as the stream has it.")
def events(follow: bool, as_json: bool) -> None:
    """Prints the event stream, the oldest first: time, type, provider and what the event says."""
    show = json.dumps if as_json else _line
    with redis_demanded():
        last, found = since(store())
    if not found:
        click.echo("no event yet" + ("; waiting for the first" if follow else ""), err=True)
    with until_interrupted():
        for event in chain(found, _following(last) if follow else ()):
            click.echo(show(event))


def _following(last: str) -> Iterator[Event]:
    told = False
    while True:
        time.sleep(_POLL)
        try:
            last, found = since(store(), last)
        except StoreAway as exc:
            if not told:
                click.echo(f"{away(exc)}; asking again", err=True)
            told = True
        else:
            told = False
            yield from found


def _line(event: Event) -> str:
    said = (_word(name, value) for name, value in event.items() if name not in _HEAD and value not in _NOTHING)
    return " ".join(filter(None, (instant(int(event["at_ms"]) / 1000), event["type"], event["provider"], *said)))


def _word(name: str, value: str) -> str:
    if name.endswith("until_ms"):
        return f"{name.removesuffix('_ms')}={instant(int(value) / 1000)}"
    return f"{name}={value if value.isprintable() and ' ' not in value else json.dumps(value)}"
