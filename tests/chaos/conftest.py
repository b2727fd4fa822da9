"""The fixtures of the chaos tests, whose length the environment sets: short as they stand, full in `make chaos`."""

import os
from collections.abc import Callable
from functools import partial

import pytest

Figures = Callable[[str], None]


@pytest.fixture
def completions() -> int:
    """How many completions a test queues."""
    return int(os.environ.get("CHAOS_COMPLETIONS", "160"))


@pytest.fixture
def figures(record_property: Callable[[str, object], None]) -> Figures:
    """Prints what a test found, at the end of the run, also where it passes."""
    return partial(record_property, "counted")
