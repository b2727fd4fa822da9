"""Ports on this machine."""

import random
import socket

from tasks.fleet.errors import FleetError

_RANGE = range(20_000, 32_000)


def free_port(preferred: int | None = None) -> int:
    """Returns a port of 127.0.0.1 on which nothing listens: the preferred one if it is free.

    It lies below the ports that the kernel gives to outgoing connections (32768 and up on Linux, 49152 on macOS):
    a client that tries again and again to reach a server that restarts would otherwise, some day, be given the
    server's own port, connect to itself and keep the server from starting.
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
