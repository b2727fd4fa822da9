"""The application in this process, and workers that count what they do."""

from importlib import import_module

import pytest
from kombu.transport import TRANSPORT_ALIASES
from redis import Redis

from tasks.local.fleet import Fleet
from tasks.local.valkey import Valkey
from tests.tasks.transport.counted import Counting


def _load_the_application() -> None:
    """Imports it, but leaves what a scheme stands for: other tests' producers are another code base's."""
    kombus = dict(TRANSPORT_ALIASES)
    import_module("tasks.celery")
    TRANSPORT_ALIASES.update(kombus)


_load_the_application()


@pytest.fixture
def counting(fleet: Fleet, redis: Redis, valkey: Valkey) -> Counting:
    """A queue of the shared Valkey."""
    return Counting(fleet, redis, valkey.url)
