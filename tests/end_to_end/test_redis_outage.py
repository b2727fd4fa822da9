"""A Redis outage: it hangs while a worker has a call in flight."""

from tasks.local.llmock import LLMock
from tests.end_to_end.local_cluster import LocalNode, LocalSetup
from tests.end_to_end.vendors import QUESTION, script
from tests.waiting import wait_until
from worker.telemetry.counters import counters


def test_the_call_is_answered_and_the_counters_have_the_outage_once_redis_is_back(
    celery_setup: LocalSetup, worker: LocalNode, llmock: LLMock
) -> None:
    assert celery_setup.broker is not None
    store = celery_setup.store
    script(llmock, "claude", "delay", times=1, seconds=1.0)
    result = celery_setup.complete(QUESTION)
    wait_until(lambda: not llmock.pending())
    celery_setup.broker.container.kill("SIGSTOP")
    wait_until(lambda: "redis-unavailable error=TimeoutError" in worker.process.output())
    celery_setup.broker.container.kill("SIGCONT")
    assert result.get(timeout=30)["fallback"]["provider"] == "claude"
    wait_until(lambda: counters(store)["redis_outages"])
    assert worker.process.output().count("redis-unavailable") == worker.process.output().count("redis-back") == 1
