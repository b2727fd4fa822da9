"""`fallback events`: prints the event stream."""

import json
import time
from collections.abc import Iterator
from itertools import chain

import click

from tasks.cli.support.duration import instant
from tasks.cli.support.interrupt import until_interrupted
from tasks.cli.support.redis import outage, requires_redis
from tasks.store import store
from worker.errors import RedisUnavailable
from worker.telemetry.event_fields import HEAD, text
from worker.telemetry.events import Event, since

_POLL = 1.0
"""Seconds between two reads. A `Follower` would wait in silence for the end of a Redis outage."""


@click.command()
@click.option("--follow", is_flag=True, help="Continue until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="An object per line, as the stream has it.")
def events(follow: bool, as_json: bool) -> None:
    """Prints the event stream, the oldest first: time, type, provider and fields."""
    show = json.dumps if as_json else _line
    with requires_redis():
        last, found = since(store())
    if not found:
        click.echo("no event yet" + ("; waiting for the first" if follow else ""), err=True)
    with until_interrupted():
        for event in chain(found, _following(last) if follow else ()):
            click.echo(show(event))


def _following(last: str) -> Iterator[Event]:
    is_reported = False
    while True:
        time.sleep(_POLL)
        try:
            last, found = since(store(), last)
        except RedisUnavailable as exc:
            if not is_reported:
                click.echo(f"{outage(exc)}; asking again", err=True)
            is_reported = True
        else:
            is_reported = False
            yield from found


def _line(event: Event) -> str:
    fields = text({name: value for name, value in event.items() if name not in HEAD})
    return " ".join(filter(None, (instant(int(event["at_ms"]) / 1000), event["type"], event["provider"], fields)))
