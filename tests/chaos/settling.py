"""Completions whose workers die one after the other, each at a later step of settling; a rescuer then goes on."""

import json
import re
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

from celery import Celery

from config.settings import load
from tasks.local import celery_nodes, valkey
from tasks.local.fleet import Fleet
from tests.chaos.census import MESSAGES
from tests.chaos.interception import Death, Interception, Side, intercepted
from tests.chaos.provider import prompt
from tests.waiting import wait_until
from tests.worker.providers.bare_server import Bare, serving
from worker.store.store import Store

_UNACKED, _INDEX = "{fallback}:2:unacked", "{fallback}:2:unacked_index"
_COMPLETION = re.compile(rb"completion ([0-9a-f-]+)\.")
_CONFIG = """
[providers.first]
dialect = "openai"
base_url = "{url}/v1"
api_key_env = "SETTLING_KEY"
stream = false
models.default = {{ name = "bare" }}
breaker = {{ retry_budget = {{ share = 1.0 }} }}  # what a rescuer asks again is a retry, three of which are free
[chains.default]
providers = ["first"]
"""
_LATER = 3600
"""Seconds for which nobody takes up what a dead worker held: all of it waits for the rescuer."""


@dataclass(frozen=True)
class Case:
    """A completion whose worker died at `command`; `settled` if its outcome stood by then."""

    task_id: str
    command: str
    settled: bool


class Settling:
    """A rescuer that does not consume yet, and victims behind a proxy; `answer` is the provider's, head and body."""

    def __init__(self, fleet: Fleet, server: valkey.Valkey, proxy: Interception, bare: Bare) -> None:
        fleet.environment |= {"SETTLING_KEY": "sesame", **server.environment}
        read = load(fleet.environment)
        self.store = Store(server.url, read.namespace, read.providers)
        self.app = Celery("elsewhere", broker=server.url, backend=server.url, set_as_current=False)
        self.url = server.url
        self._bare, self._fleet, self._proxy = bare, fleet, proxy
        celery_nodes.start_worker(fleet, "rescuer", queues=["probes"])
        self._rescuer = [f"rescuer@{socket.gethostname()}"]

    def queue(self, task_id: str) -> None:
        """Queues a completion, as a producer of another code base."""
        request: Mapping[str, object] = {"messages": [{"role": "user", "content": prompt(task_id)}]}
        self.app.send_task("fallback.complete", (request,), queue="completions", priority=6, task_id=task_id)

    def calls(self) -> Counter[str]:
        """Returns how often the provider was asked for each completion."""
        found = (_COMPLETION.search(request) for request in self._bare.requests)
        return Counter(match[1].decode() for match in found if match)

    def revoke(self, task_id: str) -> None:
        """Revokes a completion, and returns once that stands."""
        self.app.control.broadcast(
            "revoke", arguments={"task_id": task_id}, destination=self._rescuer, reply=True, timeout=10, limit=1
        )

    def kill_at_each_step(self, first: Callable[[str], None] = lambda _: None) -> list[Case]:
        """Kills a worker at each step until the message is acknowledged, on either side of it; runs `first` before."""
        sides: tuple[Side, Side] = ("before", "after")
        cases: list[Case] = []
        for step in count(1):
            for side in sides:
                case = self._kill(step, side, first)
                if case is None:
                    return cases
                cases.append(case)
        raise AssertionError

    def _kill(self, step: int, side: Side, first: Callable[[str], None]) -> Case | None:
        task_id = f"{step:04x}-{'ab'[side == 'after']}"
        environment = {"REDIS_URL": self._proxy.url}
        worker = celery_nodes.start_worker(
            self._fleet, f"victim-{task_id}", queues=["completions"], concurrency=2, environment=environment
        )
        death = Death(task_id, step, side, worker.pid, lambda: first(task_id))
        self._proxy.death = death
        self.queue(task_id)
        wait_until(lambda: death.died.is_set() or (death.armed and not self._holds(task_id)))
        worker.kill()
        self._proxy.death = None
        redis = self.store.redis
        for tag in redis.hkeys(_UNACKED):
            redis.zadd(_INDEX, {tag: time.time() + _LATER}, xx=True)
        settled = redis.hexists(self.store.keys.task(task_id), "answer")
        return Case(task_id, f"{step} {side} {death.command}", bool(settled)) if death.died.is_set() else None

    def _holds(self, task_id: str) -> bool:
        return any(task_id in message for message in self.store.redis.hvals(_UNACKED))

    def rescue(self, cases: list[Case]) -> None:
        """Lets the time of all that the dead held pass, and waits until the rescuer has ended it."""
        redis = self.store.redis
        self.app.control.add_consumer("completions", destination=self._rescuer, reply=True, timeout=10, limit=1)
        for case in cases:
            redis.hset(self.store.keys.task(case.task_id), "until", 0)
        for tag in redis.hkeys(_UNACKED):
            redis.zadd(_INDEX, {tag: 0}, xx=True)
        self.drain()

    def drain(self) -> None:
        """Waits until no message is left."""
        wait_until(lambda: not self.store.redis.exists(*MESSAGES), 60)

    def arm(self, request: bytes) -> None:
        """Starts to count the victim's steps, as the provider's answer leaves."""
        death = self._proxy.death
        if death and death.task_id.encode() in request:
            death.armed = True


@contextmanager
def settling(fleet: Fleet, status: str, answer: Mapping[str, object]) -> Iterator[Settling]:
    """Gives a fleet whose provider says this, each time with another `id`."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: "
    running: list[Settling] = []

    def talk(bare: Bare, sock: socket.socket) -> bool:
        if _COMPLETION.search(bare.requests[-1]):
            running[0].arm(bare.requests[-1])
        body = json.dumps({"id": f"call-{len(bare.requests)}", **answer})
        sock.sendall(f"{head}{len(body)}\r\n\r\n{body}".encode())
        return True

    server = valkey.start(fleet)
    with serving(talk) as bare, intercepted(server.port) as proxy:
        file = fleet.folder / "fallback.toml"
        file.write_text(_CONFIG.format(url=bare.url), encoding="utf-8")
        fleet.environment["FALLBACK_CONFIG"] = str(file)
        running.append(Settling(fleet, server, proxy, bare))
        yield running[0]
