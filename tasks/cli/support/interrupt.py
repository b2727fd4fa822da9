"""Commands that run until they are interrupted."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def until_interrupted() -> Iterator[None]:
    """Lets Ctrl-C or SIGTERM end the block, without a message."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        yield
