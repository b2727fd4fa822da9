"""Processes that share a breaker."""

from collections.abc import Iterator, Sequence

import pytest

from tests.worker.child_process import Child, children


@pytest.fixture(scope="session")
def eight() -> Iterator[Sequence[Child]]:
    """Eight processes that ask and tell a breaker; they live as long as the session, `use` gives them a new store."""
    with children(8) as processes:
        yield processes
