"""A real Flower behind a password and below a prefix, with a Valkey of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from config.settings import Settings, load
from tasks.local import celery_nodes, commands, valkey
from tasks.local.fleet import Fleet
from tasks.local.ports import free_port
from tasks.local.process import Process
from tasks.local.readiness import http_answers
from tasks.local.valkey import Valkey
from worker.store.store import Store

LOGIN = ("ann", "flower-password-1207")
PREFIX = "ops"
KEY = "sk-secret-key-5518"


@dataclass
class Flower:
    """A running Flower, its server, and a client that has the password."""

    fleet: Fleet
    server: Valkey
    process: Process
    settings: Settings
    store: Store
    client: httpx.Client

    def page(self, path: str) -> str:
        """Returns a page's HTML."""
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text


def start(fleet: Fleet, **variables: str) -> Flower:
    """Starts a Valkey and a Flower; the latter with a password, below a prefix."""
    server, port = valkey.start(fleet), free_port()
    fleet.environment |= {"FLOWER_BASIC_AUTH": ":".join(LOGIN), "FLOWER_URL_PREFIX": PREFIX, **server.environment}
    fleet.environment |= {"ANTHROPIC_API_KEY": KEY, "OPENAI_API_KEY": KEY, **variables}
    ready = http_answers(port, f"/{PREFIX}/healthcheck")
    process = fleet.start("flower", commands.flower(port), ready=ready, cwd=celery_nodes.ROOT)
    settings = load(fleet.environment)
    store = Store(settings.redis_url, settings.namespace, settings.providers)
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}/{PREFIX}", auth=LOGIN, trust_env=False, timeout=10)
    return Flower(fleet, server, process, settings, store, client)


@pytest.fixture(scope="module")
def flower(tmp_path_factory: pytest.TempPathFactory, clean_environment: dict[str, str]) -> Iterator[Flower]:
    """The module's Flower."""
    with Fleet(tmp_path_factory.mktemp("flower"), clean_environment) as fleet:
        started = start(fleet)
        with started.client:
            yield started


@pytest.fixture
def own_flower(tmp_path: Path, clean_environment: dict[str, str]) -> Iterator[Flower]:
    """A Flower whose server the test may kill."""
    with Fleet(tmp_path / "flower", clean_environment) as fleet:
        started = start(fleet)
        with started.client:
            yield started
