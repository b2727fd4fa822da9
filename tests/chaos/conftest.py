"""The fixtures of the chaos tests, whose length the environment sets: short as they stand, full in `make chaos`."""

import os
from collections.abc import Callable

import pytest

Figures = Callable[[str], None]


@pytest.fixture
def completions() -> int:
    """How many completions a test queues."""
    return int(os.environ.get("CHAOS_COMPLETIONS", "160"))


@pytest.fixture
def figures(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Figures:
    """Prints a line of what a test found, also where it passes."""

    def show(line: str) -> None:
        with capsys.disabled():
            print(f"\n  {request.node.name}: {line}", end="", flush=True)

    return show
