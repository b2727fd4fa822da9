"""Ports on this machine."""

import random
import socket

from tasks.local.errors import FleetError

_RANGE = range(20_000, 32_000)


def free_port(preferred: int | None = None) -> int:
    """Returns a free port of 127.0.0.1: the preferred one if it is free.

    Other ports are below those for outgoing connections (from 32768 on Linux, 49152 on macOS). Otherwise a client that
    retries while a server restarts might get the server's own port, connect to itself and block the port.

    Raises:
        FleetError: no port is free.
    """
    if preferred is not None and _is_free(preferred):
        return preferred
    for port in random.sample(_RANGE, 100):
        if _is_free(port):
            return port
    raise FleetError(f"no free port between {_RANGE.start} and {_RANGE.stop} on 127.0.0.1")


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
