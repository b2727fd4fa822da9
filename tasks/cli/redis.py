"""What a command says where Redis does not answer."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from config.redis_url import shown
from tasks.celery import settings
from tasks.completion import store
from worker.errors import StoreAway


def place() -> str:
    """Returns where Redis is said to be, without its password."""
    return shown(settings.redis_url)


def away(exc: StoreAway) -> str:
    """Returns the line that says that Redis does not answer, and why."""
    return f"no Redis at {place()} ({type(exc.__cause__).__name__})"


@contextmanager
def redis_demanded() -> Iterator[None]:
    """Ends the command with one line that says what to do, where Redis does not answer to what is inside.

    Raises:
        click.ClickException: it does not.
    """
    try:
        yield
    except StoreAway as exc:
        raise click.ClickException(f"{away(exc)}: start it, set REDIS_URL, or run `fallback up`") from exc


def demand_redis() -> None:
    """Ends the command as `redis_demanded` does, unless Redis answers now.

    Raises:
        click.ClickException: it does not.
    """
    with redis_demanded():
        store().run(("PING",))
