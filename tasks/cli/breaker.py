"""`fallback breaker`: manual control of one provider's breaker."""

import getpass
import os
import socket

import click

from tasks.celery import settings
from tasks.cli.support.duration import duration, instant
from tasks.cli.support.redis import requires_redis
from tasks.store import store
from worker.admission.breaker import Snapshot, control, snapshot
from worker.diagnosis.durations import span


def _user_and_host() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # no such user, in a container; a KeyError until Python 3.12
        user = f"uid-{os.getuid()}"
    return f"{user}@{socket.gethostname()}"


_provider = click.argument("provider", metavar="PROVIDER", type=click.Choice(list(settings.providers)))
_for = click.option("--for", "seconds", type=duration, help="How long: 90, 90s, 10m, 2h, 1d. Default: no end.")
_by = click.option("--by", metavar="NAME", default=_user_and_host, show_default="user@host", help="Who did it.")


@click.group()
def breaker() -> None:
    """Forces a provider's breaker open or closed, or resets it, for the whole fleet at once."""


@breaker.command("open")
@_provider
@_for
@_by
def force_open(provider: str, seconds: float | None, by: str) -> None:
    """Forces the breaker of PROVIDER open: no worker asks it."""
    with requires_redis():
        control(store(), provider, "open", by=by, seconds=seconds or 0)
        click.echo(_current(provider))


@breaker.command("close")
@_provider
@_for
@_by
def force_closed(provider: str, seconds: float | None, by: str) -> None:
    """Forces the breaker of PROVIDER closed: workers ask it, and no failure opens the breaker."""
    with requires_redis():
        control(store(), provider, "closed", by=by, seconds=seconds or 0)
        click.echo(_current(provider))


@breaker.command()
@_provider
@_by
def reset(provider: str, by: str) -> None:
    """Clears PROVIDER's breaker: a manual override, an authentication lock, the last calls."""
    with requires_redis():
        control(store(), provider, "reset", by=by)
        click.echo(f"{_current(provider)}; its state is cleared")


def _current(provider: str) -> str:
    [now] = snapshot(store(), [provider])
    return f"{provider}: {_state(now)}"


def _state(now: Snapshot) -> str:
    if not now.override:
        return now.state
    until = now.override_until
    return f"forced {now.override} " + (f"until {instant(until)}, {span(until - now.now)}" if until else "without end")
