"""The processes of one run: Valkey, the upstream, and two workers for each of the two tasks."""

import json
import os
import sys
import urllib.request
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from bench import barest
from bench.load import Side
from bench.upstream import Pace
from tasks import complete
from tasks.celery import COMPLETIONS
from tasks.celery import app as ours
from tasks.fleet import commands, valkey
from tasks.fleet.celery_nodes import ROOT, start_worker
from tasks.fleet.fleet import Fleet
from tasks.fleet.ports import free_port
from tasks.fleet.process import Process
from tasks.fleet.readiness import http_answers, writes
from tasks.fleet.valkey import Valkey

WORKERS = 2
_CONFIGURATION = ("FALLBACK_", "ANTHROPIC_", "OPENAI_", "LLAMA_CPP_", "CELERY_", "REDIS_")
_PROMPT = "Tell the story of the night shift that no provider's outage could end, in about two hundred words."
_REQUEST = {"messages": [{"role": "user", "content": _PROMPT}]}


@dataclass(frozen=True)
class Bench:
    """What runs. Each side has a database of its own on the one server, hence queues of its own."""

    barest: Side
    ours: Side
    server: Valkey
    _upstream: int

    @classmethod
    def start(cls, folder: Path, stack: ExitStack) -> Self:
        """Starts everything; it ends with the stack.

        Raises:
            FleetError: something did not come up.
        """
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_CONFIGURATION)}
        fleet = stack.enter_context(Fleet(folder, inherited))
        server, port = valkey.start(fleet), free_port()
        upstream = [sys.executable, "-m", "bench.upstream", "--port", str(port)]
        fleet.start("upstream", upstream, ready=http_answers(port, "/v1/models"), cwd=ROOT)
        fleet.environment |= {"OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1", "OPENAI_API_KEY": "bench"}
        urls = [f"redis://127.0.0.1:{server.port}/{database}" for database in (0, 1)]
        for app, url in zip((barest.app, ours), urls, strict=True):
            app.conf.update(broker_url=url, result_backend=url)
        barests = [_start_barest(fleet, f"barest{i}", urls[0]) for i in range(WORKERS)]
        workers = [
            start_worker(fleet, f"ours{i}", queues=[COMPLETIONS], environment={"REDIS_URL": urls[1]})
            for i in range(WORKERS)
        ]
        return cls(
            Side("barest", barest.app, lambda: barest.complete.delay(_REQUEST), tuple(p.pid for p in barests)),
            Side("ours", ours, lambda: complete.delay(_REQUEST), tuple(p.pid for p in workers)),
            server,
            port,
        )

    def pace(self, pace: Pace) -> None:
        """Sets how the upstream streams from now on."""
        url, body = f"http://127.0.0.1:{self._upstream}/pace", json.dumps(asdict(pace)).encode()
        urllib.request.urlopen(urllib.request.Request(url, body, method="PUT")).close()


def _start_barest(fleet: Fleet, name: str, redis_url: str) -> Process:
    # Our workers do without these two by themselves.
    options = ["--without-mingle", "--without-gossip"]
    command = commands.worker(name, application="bench.barest", options=options)
    return fleet.start(name, command, ready=writes(" ready."), environment={"REDIS_URL": redis_url}, cwd=ROOT)
