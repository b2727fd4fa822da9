"""A worker whose Redis hangs with a call in flight."""

from tasks.fleet.llmock import LLMock
from tests.end_to_end.local_cluster import LocalNode, LocalSetup
from tests.end_to_end.vendors import QUESTION, script
from tests.waiting import wait_until
from worker.metrics import counters


def test_the_call_is_answered_and_the_counters_tell_of_it_once_redis_is_back(
    celery_setup: LocalSetup, worker: LocalNode, llmock: LLMock
) -> None:
    assert celery_setup.broker is not None
    store = celery_setup.store
    script(llmock, "claude", "delay", times=1, seconds=1.0)
    result = celery_setup.complete(QUESTION)
    wait_until(lambda: not llmock.pending())
    celery_setup.broker.container.kill("SIGSTOP")
    wait_until(lambda: "store-away error=TimeoutError" in worker.process.output())
    celery_setup.broker.container.kill("SIGCONT")
    assert result.get(timeout=30)["fallback"]["provider"] == "claude"
    wait_until(lambda: counters(store)["store_away"])
    assert worker.process.output().count("store-away") == worker.process.output().count("store-back") == 1
