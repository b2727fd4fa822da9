"""pytest-celery's containers, nodes and setup over processes of a fleet instead of Docker's containers."""

import json
import signal as signals
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from celery import Celery
from pytest_celery import (
    CeleryBackendCluster,
    CeleryBrokerCluster,
    CeleryTestSetup,
    CeleryTestWorker,
    CeleryWorkerCluster,
    CeleryWorkerContainer,
    RedisContainer,
    RedisTestBackend,
    RedisTestBroker,
)

from config.settings import load
from tasks.local import celery_nodes
from tasks.local import valkey as valkey_server
from tasks.local.fleet import Fleet
from tasks.local.process import Process
from tasks.local.valkey import Valkey
from worker.store.store import Store
from worker.telemetry.events import Event, since


class LocalContainer:
    """A process in the place of docker's Container: what pytest-docker-tools and pytest-celery ask of one.

    It exposes no ports, so nobody looks for them inside; the logs are those since the latest start.
    """

    def __init__(self, process: Process) -> None:
        self.process = process
        self.id = self.name = process.name
        self.attrs: dict[str, Any] = {
            "Config": {
                "Hostname": "127.0.0.1",
                "Env": [f"{key}={value}" for key, value in process.environment.items()],
            },
            "NetworkSettings": {"Networks": {}, "Ports": {}},
            "HostConfig": {"PortBindings": {}},
        }

    @property
    def status(self) -> str:
        """`running` or `exited`."""
        return "running" if self.process.running else "exited"

    def logs(self) -> bytes:
        """Returns what the process wrote."""
        return self.process.output().encode()

    def kill(self, signal: str | int | None = None) -> None:
        """Sends a signal by name or number; without one SIGKILL, which ends its children too."""
        number = signals.Signals[signal] if isinstance(signal, str) else signals.Signals(signal or signals.SIGKILL)
        if number == signals.SIGKILL:
            self.process.kill()
        else:
            self.process.signal(number)

    def restart(self, timeout: float) -> None:
        """Stops the process as `docker restart` does and starts it on the same port and folder."""
        self.process.stop(timeout)
        self.process.start()

    def reload(self) -> None:
        """Nothing is cached here."""


class LocalRedis(RedisContainer):
    """The broker and result backend: a Valkey of the test's own."""

    def __init__(self, server: Valkey) -> None:
        super().__init__(LocalContainer(server.process))
        self.server = server

    @property
    def port(self) -> int:
        return self.server.port

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def host_url(self) -> str:
        return self.server.url


class LocalWorker(CeleryWorkerContainer):
    """A `celery -A tasks worker`."""

    def __init__(self, process: Process) -> None:
        super().__init__(LocalContainer(process))
        self.process = process

    @classmethod
    def worker_queue(cls) -> str:
        return "completions"


class LocalNode(CeleryTestWorker):
    """A worker as the tests see it; `process` gives its pid, its log and its exit status."""

    container: LocalWorker

    @property
    def process(self) -> Process:
        return self.container.process

    def hostname(self) -> str:
        """Returns the node name by which Celery's remote control knows it."""
        return f"{self.process.name}@{socket.gethostname()}"


class LocalSetup(CeleryTestSetup):
    """The broker, the workers, and an app that produces by name, as any other code base does."""

    def __init__(self, fleet: Fleet, environment: Mapping[str, str], **clusters: Any) -> None:
        super().__init__(**clusters)
        self.fleet = fleet
        self.environment = dict(environment)

    def start_worker(self, name: str, environment: Mapping[str, str] | None = None, **options: Any) -> LocalNode:
        """Starts one more worker; `environment` is added to that of the first, `options` are start_worker's."""
        return start_node(self.fleet, self.app, name, {**self.environment, **(environment or {})}, **options)

    def complete(self, request: Mapping[str, Any], chain: str = "default", **options: Any) -> Any:
        """Queues a completion by name and returns its AsyncResult; `options` are apply_async's.

        With send_task: a signature would find our own task, which Celery shares with every app of this process.
        """
        options = {"queue": "completions", "priority": 6, **options}
        return self.app.send_task("fallback.complete", (request,), {"chain": chain}, **options)

    @property
    def store(self) -> Store:
        """The workers' shared store."""
        settings = load(self.environment)
        return Store(settings.redis_url, settings.namespace, settings.providers)

    def events(self) -> list[Event]:
        """Returns the events of the stream, from its start on."""
        return since(self.store)[1]

    def forget(self) -> None:
        """Drops what Fallback keeps in Redis: breakers, events, tasks; not the workers, which report every 3 s."""
        redis = self.store.redis
        for key in redis.scan_iter("{fallback}:2:*"):
            if not key.endswith(":workers"):
                redis.delete(key)

    def in_this_code_base(self, program: str, **environment: str) -> str:
        """Runs Python in the repository's root with the workers' settings and returns what it prints."""
        ran = subprocess.run(
            [sys.executable, "-c", program],
            cwd=celery_nodes.ROOT,
            env={**self.fleet.environment, **self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def delay_here(self, request: Mapping[str, Any], chain: str = "default") -> dict[str, Any]:
        """Queues a completion with this code base's own task and returns its result."""
        program = "import json; from tasks import complete; "
        program += f"print(json.dumps(complete.delay({dict(request)!r}, chain={chain!r}).get(timeout=60)))"
        result: dict[str, Any] = json.loads(self.in_this_code_base(program))
        return result


@contextmanager
def started_setup(fleet: Fleet, name: str, environment: Mapping[str, str]) -> Iterator[LocalSetup]:
    """Gives a setup with a Valkey and a worker of its own; `environment` is added to that of the Valkey."""
    redis = LocalRedis(valkey_server.start(fleet))
    settings = {**redis.server.environment, **environment}
    app = LocalSetup.create_setup_app({"broker_url": redis.url, "result_backend": redis.url}, "another_code_base")
    setup = LocalSetup(
        fleet,
        settings,
        worker_cluster=CeleryWorkerCluster(start_node(fleet, app, name, settings)),
        broker_cluster=CeleryBrokerCluster(RedisTestBroker(redis)),
        backend_cluster=CeleryBackendCluster(RedisTestBackend(redis)),
        app=app,
    )
    assert setup.ready()
    yield setup
    app.close()


def start_node(fleet: Fleet, app: Celery, name: str, environment: Mapping[str, str], **options: Any) -> LocalNode:
    """Starts a worker and returns its node."""
    process = celery_nodes.start_worker(fleet, name, environment=environment, **options)
    return LocalNode(LocalWorker(process), app)
