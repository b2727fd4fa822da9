"""`fallback breaker`: an operator's hand on one provider's breaker."""

import getpass
import os
import socket

import click

from tasks.celery import settings
from tasks.cli.duration import duration, instant, span
from tasks.cli.redis import redis_demanded
from tasks.completion import store
from worker.breaker import Snapshot, control, snapshot


def _user_and_host() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # no such user, in a container; a KeyError until Python 3.12
        user = f"uid-{os.getuid()}"
    return f"{user}@{socket.gethostname()}"


_provider = click.argument("provider", metavar="PROVIDER", type=click.Choice(list(settings.providers)))
_for = click.option("--for", "seconds", type=duration, help="How long: 90, 90s, 10m, 2h, 1d. Without it: no end.")
_by = click.option("--by", metavar="NAME", default=_user_and_host, show_default="user@host", help="Who asks.")


@click.group()
def breaker() -> None:
    """Forces a provider's breaker open or closed, or resets it, for the whole fleet at once."""


@breaker.command("open")
@_provider
@_for
@_by
def force_open(provider: str, seconds: float | None, by: str) -> None:
    """Keeps everybody from asking PROVIDER."""
    with redis_demanded():
        control(store(), provider, "open", by=by, seconds=seconds or 0)
        click.echo(_standing(provider))


@breaker.command("close")
@_provider
@_for
@_by
def force_closed(provider: str, seconds: float | None, by: str) -> None:
    """Lets everybody ask PROVIDER, whatever comes of it."""
    with redis_demanded():
        control(store(), provider, "closed", by=by, seconds=seconds or 0)
        click.echo(_standing(provider))


@breaker.command()
@_provider
@_by
def reset(provider: str, by: str) -> None:
    """Forgets everything of PROVIDER's breaker: an operator's hand, a lock-out, its last calls."""
    with redis_demanded():
        control(store(), provider, "reset", by=by)
        click.echo(f"{_standing(provider)}; what it knew is forgotten")


def _standing(provider: str) -> str:
    [now] = snapshot(store(), [provider])
    return f"{provider}: {_state(now)}"


def _state(now: Snapshot) -> str:
    if not now.override:
        return now.state
    until = now.override_until
    return f"forced {now.override} " + (f"until {instant(until)}, {span(until - now.now)}" if until else "without end")
