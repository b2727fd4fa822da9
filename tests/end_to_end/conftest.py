"""pytest-celery's fixtures over local processes: a test that takes `celery_setup` gets real ones.

Each test has a Valkey of its own, so it may kill it, and a worker; the vendors are LLMock's. A test module that
wants other settings overrides `worker_settings`.
"""

from collections.abc import Iterator

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

from tasks.fleet import valkey as valkey_server
from tasks.fleet.fleet import Fleet
from tasks.fleet.llmock import LLMock
from tests.end_to_end.local_cluster import LocalNode, LocalRedis, LocalSetup, start_node


@pytest.fixture
def worker_settings() -> dict[str, str]:
    """What a test adds to the workers' environment, FALLBACK_CONFIG for example; override it."""
    return {}


@pytest.fixture
def worker_environment(llmock: LLMock, local_redis: LocalRedis, worker_settings: dict[str, str]) -> dict[str, str]:
    """The workers' settings: our Valkey, LLMock's vendors, cooldowns and backoffs that a test can wait for."""
    return {
        **local_redis.server.environment,
        **llmock.environment,
        "FALLBACK_BREAKER__COOLDOWN_PERIOD": "1",
        "FALLBACK_CHAINS__DEFAULT__RETRY__INITIAL_BACKOFF": "0.1",
        **worker_settings,
    }


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
