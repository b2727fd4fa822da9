"""A store whose time the test sets, and processes that share a breaker."""

from collections.abc import Iterator, Sequence

import pytest
from redis import Redis

from tests.worker.child_process import Child, children
from tests.worker.clocked_breaker import ClockedBreaker
from worker.store import Store


@pytest.fixture(scope="session")
def eight() -> Iterator[Sequence[Child]]:
    """Eight processes that ask and tell a breaker; they live as long as the session, `use` gives them a new store."""
    with children(8) as processes:
        yield processes


@pytest.fixture
def clock(every_redis: Redis) -> ClockedBreaker:
    """A breaker on each real server in turn, at a time that the test sets."""
    return ClockedBreaker(every_redis)


@pytest.fixture
def store(clock: ClockedBreaker) -> Store:
    """The store of `clock`."""
    return clock.store
