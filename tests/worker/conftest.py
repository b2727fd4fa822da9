"""A store whose time the test sets, and processes that share a breaker."""

from collections.abc import Iterator, Sequence

import pytest
from redis import Redis

from tests.worker.admission.child_process import Child, children
from tests.worker.admission.clocked_breaker import ClockedBreaker
from worker.store.store import Store


@pytest.fixture(scope="session")
def eight() -> Iterator[Sequence[Child]]:
    """Eight processes that ask a breaker and record outcomes, for the whole session; `use` sends them a new store."""
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
