"""Waiting for what other processes do."""

import threading
import time
from collections.abc import Callable

_POLL = 0.02


def wait_until(condition: Callable[[], object], seconds: float = 15.0) -> None:
    """Returns as soon as the condition holds; fails the test if it does not hold in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not so within {seconds:g} s: {condition}"
        threading.Event().wait(_POLL)
