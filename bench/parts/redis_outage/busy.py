"""A busy process: threads that do with a completion what a worker's do, less HTTP and Celery, which never wait.

Each asks the shared store, reads an answer's stream, and records it in the store, over and over. Its connections are
closed again and again, so that all threads connect at once. It prints as JSON how its calls went.
"""

import argparse
import json
import logging
import threading
import time
from dataclasses import asdict, dataclass, field
from uuid import uuid4

from bench.kit.wires import OPENAI
from config.providers import Model, Provider
from worker.admission import breaker
from worker.admission.breaker import Attempted, Permit
from worker.errors import RedisUnavailable
from worker.providers.http import sse
from worker.providers.openai.answer import answer
from worker.store import store
from worker.store.connection import Command
from worker.store.store import Store
from worker.task import journal, lease
from worker.task.journal import Entry

CHAIN = ("first", "second", "third")
EVENTS = 300
READS = 3
"""Streams that each completion reads: with all else about the CPU of one in a worker, Celery's part included."""

RECONNECT = 2.0
"""Seconds between two times that all idle connections are closed."""

_STREAM = b"".join(OPENAI.stream(EVENTS))


@dataclass
class Calls:
    """How calls of the store went: microseconds of those answered, why others gave up, how many were not even tried.

    Those that give up together are one outage, as the process itself counts.
    """

    took: list[int] = field(default_factory=list)
    gave_up: list[str] = field(default_factory=list)
    refused: int = 0
    outages: int = 0


class _Busy:
    def __init__(self, url: str) -> None:
        self._store = Store(url, "busy", {name: _provider(name) for name in CHAIN})
        self._ended = threading.Event()
        self._found: dict[int, Exception] = {}
        self.calls = Calls()

    def run(self, threads: int, seconds: float) -> None:
        start = threading.Barrier(threads)
        working = [threading.Thread(target=self._work, args=(start,)) for _ in range(threads)]
        for thread in working:
            thread.start()
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, RECONNECT))
            self._store.redis.connection_pool.disconnect(inuse_connections=False)
        self._ended.set()
        for thread in working:
            thread.join()
        self.calls.outages = self._store.outage.take().get("redis_outages", 0)

    def _work(self, start: threading.Barrier) -> None:
        start.wait()
        while not self._ended.is_set():
            self._complete(uuid4().hex)

    def _complete(self, task: str) -> None:
        lease_id, entry = lease.new_lease_id(), Entry(CHAIN[0], "success", time.time(), "bench", latency_ms=850.0)
        begin, acquire = (
            lease.begin(self._store, task, lease_id, 0),
            breaker.acquire(self._store, task, lease_id, lease_id, CHAIN),
        )
        asked = self._run(begin, acquire)
        permit = breaker.parse_acquire_reply(asked[1], lease_id, CHAIN).permit if asked else Permit(CHAIN[0], 0)
        assert permit
        for _ in range(READS):
            served = answer([json.loads(event) for event in sse.payloads(sse.Events().feed(_STREAM))[:-1]])
        record = breaker.record(self._store, task, lease_id, lease_id, Attempted(permit, "success", 850.0), [])
        finish = lease.finish(self._store, task, lease_id, {"answer": served.message})
        self._run(record, *journal.append(self._store, task, [entry]), finish)

    def _run(self, *commands: Command) -> list:
        begin = time.perf_counter()
        try:
            replies = self._store.run(*commands)
        except RedisUnavailable as exc:
            self._gave_up(exc.__cause__)
            return []
        self.calls.took.append(round(1_000_000 * (time.perf_counter() - begin)))
        return replies

    def _gave_up(self, cause: BaseException | None) -> None:
        # Who meets the outage first says why; all who are refused afterwards name that very exception.
        if id(cause) in self._found:
            self.calls.refused += 1
        else:
            self._found[id(cause)] = cause
            self.calls.gave_up.append(f"{type(cause).__name__}: {cause}")


def _provider(name: str) -> Provider:
    return Provider(name=name, dialect="openai", models={"default": Model(name="bench")}, allow_http=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Works for some seconds, then prints how its calls went.")
    parser.add_argument("url")
    parser.add_argument("limit", type=float, help="seconds that a call may wait")
    parser.add_argument("threads", type=int)
    parser.add_argument("seconds", type=float)
    given = parser.parse_args()
    logging.disable()
    store.SOCKET_TIMEOUT = given.limit
    busy = _Busy(given.url)
    busy.run(given.threads, given.seconds)
    print(json.dumps(asdict(busy.calls)))
