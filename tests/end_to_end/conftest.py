"""pytest-celery's fixtures over local processes: a test that takes `celery_setup` gets real ones.

Each test that takes `celery_setup` has a Valkey of its own, so it may kill it, and a worker; the vendors are LLMock's.
`shared_setup` is the same for tests that kill nothing: one per module, its breakers forgotten before each test. A test
module that wants other settings overrides `worker_settings` or `shared_settings`.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import Celery
from pytest_celery import (
    CeleryBackendCluster,
    CeleryBrokerCluster,
    CeleryTestWorker,
    CeleryWorkerCluster,
    RedisTestBackend,
    RedisTestBroker,
)

from config.settings import load
from tasks.local import valkey as valkey_server
from tasks.local.fleet import Fleet
from tasks.local.llmock import LLMock
from tests.end_to_end.command_line import Fallback, run
from tests.end_to_end.local_cluster import LocalNode, LocalRedis, LocalSetup, start_node, started_setup
from worker.store.store import Store

QUICK = {
    "FALLBACK_BREAKER__COOLDOWN_PERIOD": "1",
    "FALLBACK_CHAINS__DEFAULT__RETRY__INITIAL_BACKOFF": "0.1",
}
"""Cooldowns and backoffs that a test can wait for."""


@pytest.fixture
def worker_settings() -> dict[str, str]:
    """What a test adds to the workers' environment, FALLBACK_CONFIG for example; override it."""
    return {}


@pytest.fixture
def worker_environment(llmock: LLMock, local_redis: LocalRedis, worker_settings: dict[str, str]) -> dict[str, str]:
    """The workers' settings: our Valkey, LLMock's vendors, cooldowns and backoffs that a test can wait for."""
    return {**local_redis.server.environment, **llmock.environment, **QUICK, **worker_settings}


@pytest.fixture
def local_redis(fleet: Fleet) -> LocalRedis:
    """The test's own Valkey."""
    return LocalRedis(valkey_server.start(fleet))


@pytest.fixture
def default_redis_broker(local_redis: LocalRedis) -> LocalRedis:
    """The broker's server."""
    return local_redis


@pytest.fixture
def default_redis_backend(local_redis: LocalRedis) -> LocalRedis:
    """The result backend's server: the broker's."""
    return local_redis


@pytest.fixture
def celery_broker(celery_redis_broker: RedisTestBroker) -> RedisTestBroker:
    """Redis alone: other brokers are refused."""
    return celery_redis_broker


@pytest.fixture
def celery_backend(celery_redis_backend: RedisTestBackend) -> RedisTestBackend:
    """Redis alone."""
    return celery_redis_backend


@pytest.fixture
def celery_worker(fleet: Fleet, celery_setup_app: Celery, worker_environment: dict[str, str]) -> CeleryTestWorker:
    """The first worker."""
    return start_node(fleet, celery_setup_app, "first", worker_environment)


@pytest.fixture
def celery_setup_cls() -> type[LocalSetup]:
    """Our setup."""
    return LocalSetup


@pytest.fixture
def celery_setup_app(celery_setup_cls: type[LocalSetup], celery_setup_config: dict[str, str]) -> Iterator[Celery]:
    """A producer with no configuration but the broker and the result backend."""
    app = celery_setup_cls.create_setup_app(celery_setup_config, "another_code_base")
    yield app
    app.close()


@pytest.fixture
def celery_setup(
    fleet: Fleet,
    worker_environment: dict[str, str],
    celery_worker_cluster: CeleryWorkerCluster,
    celery_broker_cluster: CeleryBrokerCluster,
    celery_backend_cluster: CeleryBackendCluster,
    celery_setup_app: Celery,
) -> LocalSetup:
    """A broker, a worker that consumes, and a producer."""
    setup = LocalSetup(
        fleet,
        worker_environment,
        worker_cluster=celery_worker_cluster,
        broker_cluster=celery_broker_cluster,
        backend_cluster=celery_backend_cluster,
        app=celery_setup_app,
    )
    assert setup.ready()
    return setup


@pytest.fixture
def worker(celery_setup: LocalSetup) -> LocalNode:
    """The first worker's node."""
    node = celery_setup.worker
    assert isinstance(node, LocalNode)
    return node


@pytest.fixture(scope="module")
def shared_settings() -> dict[str, str]:
    """What a module adds to its shared workers' environment; override it."""
    return {}


@pytest.fixture(scope="module")
def module_setup(
    tmp_path_factory: pytest.TempPathFactory,
    clean_environment: dict[str, str],
    shared_llmock: LLMock,
    shared_settings: dict[str, str],
) -> Iterator[LocalSetup]:
    """The module's broker, worker and producer; take `shared_setup` instead."""
    with Fleet(tmp_path_factory.mktemp("shared"), clean_environment) as fleet:
        vendors = {**shared_llmock.environment, "LLAMA_CPP_BASE_URL": shared_llmock.url}
        with started_setup(fleet, "shared", {**vendors, **QUICK, **shared_settings}) as setup:
            yield setup


@pytest.fixture
def shared_setup(module_setup: LocalSetup, llmock: LLMock) -> LocalSetup:
    """A worker that the module's tests share; LLMock answers as all three providers, and nobody has failed yet."""
    module_setup.forget()
    return module_setup


@pytest.fixture
def fallback(tmp_path: Path, shared_setup: LocalSetup) -> Fallback:
    """The command beside the shared worker, in a folder of its own."""
    environment = {**shared_setup.fleet.environment, **shared_setup.environment}
    return lambda *arguments, **variables: run(tmp_path, environment | variables, *arguments)


@pytest.fixture
def environment(clean_environment: dict[str, str], redis_url: str) -> dict[str, str]:
    """Settings for a command beside a Redis that no worker uses."""
    return {**clean_environment, "REDIS_URL": redis_url}


@pytest.fixture
def store(environment: dict[str, str]) -> Store:
    """The store of such a command."""
    settings = load(environment)
    return Store(settings.redis_url, settings.namespace, settings.providers)
