"""A worker that was given up, and answers after another one did."""

import signal
from typing import Any

import pytest

from tasks.fleet.llmock import LLMock
from tests.end_to_end.deliveries import let_time_pass
from tests.end_to_end.local_cluster import LocalNode, LocalSetup
from tests.end_to_end.vendors import QUESTION, script, told
from tests.waiting import wait_until
from worker.metrics import counters


@pytest.fixture
def worker_settings(llmock: LLMock) -> dict[str, str]:
    return {"LLAMA_CPP_BASE_URL": llmock.url}


def stored(setup: LocalSetup) -> dict[str, Any]:
    """Returns the result as Celery's backend has it now; it is without one for a moment."""
    return setup.app.backend.get_task_meta("order-1", cache=False)["result"] or {"fallback": {}}


def test_its_answer_is_told_as_waste_and_the_result_stays(
    celery_setup: LocalSetup, worker: LocalNode, llmock: LLMock
) -> None:
    script(llmock, "claude", "delay", times=1, seconds=2.0)
    result = celery_setup.complete(QUESTION, task_id="order-1")
    wait_until(lambda: not llmock.pending())
    worker.process.signal(signal.SIGSTOP)
    let_time_pass(celery_setup, "order-1")
    celery_setup.start_worker("second")
    delivered = result.get(timeout=30)
    assert told(delivered) == [("claude", "lost"), ("claude", "success")]
    worker.process.signal(signal.SIGCONT)
    wait_until(lambda: counters(celery_setup.store)["wasted_answers"] == 1)
    assert stored(celery_setup) == delivered
    celery_setup.complete(QUESTION, task_id="order-1")
    wait_until(lambda: "wasted" in stored(celery_setup)["fallback"])
    [wasted] = stored(celery_setup)["fallback"]["wasted"]
    assert (wasted["provider"], wasted["model"]) == ("claude", "claude-sonnet-5-5")
    assert wasted["latency_ms"] > 2000
    assert wasted["cost_usd"] > 0
