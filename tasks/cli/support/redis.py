"""What a command prints if Redis does not answer, or takes no writes."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from redis.exceptions import ResponseError

from config.redis_url import shown
from tasks.celery import settings
from tasks.store import store
from worker.diagnosis.problems import redis_problem
from worker.errors import RedisUnavailable
from worker.store.memory import refusal


def place() -> str:
    """Returns the address of Redis, without its password."""
    return shown(settings.redis_url)


def outage(exc: RedisUnavailable) -> str:
    """Returns one line: Redis does not answer or takes no writes, and why."""
    return redis_problem(settings, store(), exc).what


@contextmanager
def requires_redis() -> Iterator[None]:
    """Ends the command with one line of advice if Redis does not answer within the block.

    Raises:
        click.ClickException: it does not, or it refuses this client.
    """
    try:
        yield
    except (RedisUnavailable, ResponseError) as exc:  # its text may repeat the password
        found = redis_problem(settings, store(), exc)
        raise click.ClickException(f"{found.what}: {found.cure}") from exc


def require_writes() -> None:
    """Ends the command as `requires_redis` does if Redis does not answer now, or takes no writes.

    Raises:
        click.ClickException: it does not, or it refuses this client.
    """
    with requires_redis():
        if refused := refusal(store()):
            raise RedisUnavailable("no writes") from refused


def require_redis() -> None:
    """Ends the command as `requires_redis` does if Redis does not answer now.

    Raises:
        click.ClickException: it does not, or it refuses this client.
    """
    with requires_redis():
        store().run(("PING",))
