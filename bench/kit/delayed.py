"""A network of its own: a TCP proxy that delays whatever passes, in either direction, in a process of its own.

Threads that sleep, no event loop: an epoll waits in whole milliseconds. What arrives during a delay waits its turn,
so that only one request at a time is delayed as by a network.
"""

import argparse
import socket
import sys
import threading
import time
from dataclasses import dataclass
from statistics import median

from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from tasks.local.celery_nodes import ROOT
from tasks.local.fleet import Fleet
from tasks.local.ports import free_port
from tasks.local.process import Process

ADDED = 0.000_75
"""Seconds that it adds to a PING's round trip, its own work included."""

PINGS = 400


@dataclass(frozen=True)
class Delayed:
    """A running proxy."""

    port: int

    @property
    def url(self) -> str:
        """Returns the URL of the server behind it."""
        return f"redis://127.0.0.1:{self.port}/0"

    @classmethod
    def start(cls, fleet: Fleet, server: int) -> "Delayed":
        """Starts it in front of the server on this port, its delay such that a PING takes `ADDED` longer.

        Raises:
            FleetError: it did not come up.
        """
        port = free_port()
        # What its own work takes, and how long a sleep oversleeps, differs from machine to machine.
        trial = _start(fleet, port, server, ADDED / 3)
        spent = _ping(port) - _ping(server) - 2 * ADDED / 3
        trial.stop()
        _start(fleet, port, server, max(0.0, (ADDED - spent) / 2))
        return cls(port)


def _start(fleet: Fleet, port: int, server: int, delay: float) -> Process:
    command = [sys.executable, "-m", "bench.kit.delayed", str(port), str(server), str(delay)]
    return fleet.start("delayed", command, ready=lambda _: _answers(port), cwd=ROOT)


def _answers(port: int) -> bool:
    with Redis(port=port) as client:
        try:
            return bool(client.ping())
        except RedisConnectionError:
            return False


def _ping(port: int) -> float:
    took = []
    with Redis(port=port) as client:
        for _ in range(PINGS):
            begin = time.perf_counter()
            client.ping()
            took.append(time.perf_counter() - begin)
    return median(took[PINGS // 4 :])


def _pass_on(source: socket.socket, sink: socket.socket, delay: float) -> None:
    try:
        while data := source.recv(65_536):
            time.sleep(delay)
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:  # either end is gone
        source.close()
        sink.close()


def _serve(port: int, server: int, delay: float) -> None:
    with socket.create_server(("127.0.0.1", port)) as listener:
        while True:
            client, _ = listener.accept()
            upstream = socket.create_connection(("127.0.0.1", server))
            for end in (client, upstream):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for pair in ((client, upstream), (upstream, client)):
                threading.Thread(target=_pass_on, args=(*pair, delay), daemon=True).start()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Passes on and delays until it is ended.")
    parser.add_argument("port", type=int)
    parser.add_argument("server", type=int)
    parser.add_argument("delay", type=float, help="seconds, in each direction")
    _serve(**vars(parser.parse_args()))
