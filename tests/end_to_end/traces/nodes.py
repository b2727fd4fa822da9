"""Workers of any pool beside a Valkey of their own."""

from collections.abc import Mapping, Sequence
from typing import Any

from celery import Celery

from tasks.local import commands, valkey
from tasks.local.celery_nodes import ROOT
from tasks.local.fleet import Fleet
from tasks.local.process import Process
from tasks.local.readiness import writes
from tests.end_to_end.traces.conftest import REQUEST


class Node:
    """One worker and a producer that knows its task's name."""

    def __init__(self, fleet: Fleet, environment: Mapping[str, str], options: Sequence[str] = ()) -> None:
        server = valkey.start(fleet)
        self.app = Celery("elsewhere", broker=server.url, backend=server.url, set_as_current=False)
        command = commands.worker("node", queues=["completions"], concurrency=2, options=options)
        settings = {**server.environment, **environment, "FALLBACK_CHAINS__DEFAULT__RETRY__INITIAL_BACKOFF": "0.1"}
        self.process: Process = fleet.start(
            "node", command, ready=writes(" ready."), environment=settings, cwd=ROOT, within=60.0
        )

    def ask(self) -> Any:
        """Queues a completion and returns its AsyncResult."""
        return self.app.send_task("fallback.complete", (REQUEST,), queue="completions", priority=6)

    def modules(self) -> set[str]:
        """Returns what the worker's process has imported; it needs the option `-I tests.end_to_end.traces.spy`."""
        return set(self.app.send_task("spy.modules", queue="completions").get(timeout=30))
