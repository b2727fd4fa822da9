"""What a command prints if Redis does not answer."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from redis.exceptions import ResponseError

from config.redis_url import shown
from tasks.celery import settings
from tasks.store import store
from worker.errors import RedisUnavailable


def place() -> str:
    """Returns the address of Redis, without its password."""
    return shown(settings.redis_url)


def outage(exc: RedisUnavailable) -> str:
    """Returns one line: Redis does not answer, and why."""
    return f"no Redis at {place()} ({type(exc.__cause__).__name__})"


@contextmanager
def requires_redis() -> Iterator[None]:
    """Ends the command with one line of advice if Redis does not answer within the block.

    Raises:
        click.ClickException: it does not, or it refuses this client.
    """
    try:
        yield
    except RedisUnavailable as exc:
        raise click.ClickException(f"{outage(exc)}: start it, set REDIS_URL, or run `fallback up`") from exc
    except ResponseError as exc:  # its text may repeat the password
        raise click.ClickException(
            f"Redis at {place()} refuses this client ({type(exc).__name__}): it must speak RESP3 (HELLO 3) and "
            "allow the commands listed in docs/how-to/deploy.md"
        ) from exc


def require_redis() -> None:
    """Ends the command as `requires_redis` does if Redis does not answer now.

    Raises:
        click.ClickException: it does not, or it refuses this client.
    """
    with requires_redis():
        store().run(("PING",))
