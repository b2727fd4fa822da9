"""Asking for Redis before anything is asked of it."""

from urllib.parse import urlsplit

import click

from tasks.celery import settings
from tasks.completion import store
from worker.errors import StoreAway


def place() -> str:
    """Returns where Redis is said to be, without its password."""
    url = urlsplit(settings.redis_url)
    return f"{url.scheme}://{url.hostname}:{url.port or 6379}{url.path}"


def demand_redis() -> None:
    """Ends the command with one line that says what to do, unless Redis answers.

    Raises:
        click.ClickException: it does not.
    """
    try:
        store().run(("PING",))
    except StoreAway as exc:
        reason = type(exc.__cause__).__name__
        raise click.ClickException(
            f"no Redis at {place()} ({reason}): start it, set REDIS_URL, or run `fallback up`"
        ) from exc
