"""A worker that stalls, and answers after another one did."""

import signal
from typing import Any

import pytest

from tasks.local.llmock import LLMock
from tests.end_to_end.deliveries import let_time_pass
from tests.end_to_end.local_cluster import LocalNode, LocalSetup
from tests.end_to_end.vendors import QUESTION, attempts_of, script
from tests.waiting import wait_until
from worker.telemetry.counters import counters


@pytest.fixture
def worker_settings(llmock: LLMock) -> dict[str, str]:
    return {"LLAMA_CPP_BASE_URL": llmock.url}


def stored(setup: LocalSetup) -> dict[str, Any]:
    """Returns the result as Celery's backend has it now; it is without one for a moment."""
    return setup.app.backend.get_task_meta("order-1", cache=False)["result"] or {"fallback": {}}


def test_its_answer_is_reported_as_a_duplicate_and_the_result_stays(
    celery_setup: LocalSetup, worker: LocalNode, llmock: LLMock
) -> None:
    script(llmock, "claude", "delay", times=1, seconds=2.0)
    result = celery_setup.complete(QUESTION, task_id="order-1")
    wait_until(lambda: not llmock.pending())
    worker.process.signal(signal.SIGSTOP)
    let_time_pass(celery_setup, "order-1")
    celery_setup.start_worker("second")
    delivered = result.get(timeout=30)
    assert attempts_of(delivered) == [("claude", "worker-died"), ("claude", "success")]
    worker.process.signal(signal.SIGCONT)
    wait_until(lambda: counters(celery_setup.store)["duplicate_answers"] == 1)
    assert stored(celery_setup) == delivered
    celery_setup.complete(QUESTION, task_id="order-1")
    wait_until(lambda: "duplicates" in stored(celery_setup)["fallback"])
    [duplicate] = stored(celery_setup)["fallback"]["duplicates"]
    assert (duplicate["provider"], duplicate["model"]) == ("claude", "claude-sonnet-5-5")
    assert duplicate["latency_ms"] > 2000
    assert duplicate["cost_usd"] > 0
    assert duplicate["tokens"]["completion"] > 0
    assert [attempt.get("billed") for attempt in delivered["fallback"]["attempts"]] == ["unknown", None]
