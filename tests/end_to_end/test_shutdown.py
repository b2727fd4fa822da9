"""A worker that is stopped while a provider fails: it asks no other, and the task goes back with its position."""

from typing import Any

import pytest

from tasks.local.llmock import LLMock
from tests.end_to_end.local_cluster import LocalNode, LocalSetup
from tests.end_to_end.vendors import QUESTION, attempts_of, calls, script
from tests.waiting import wait_until


@pytest.fixture
def worker_settings(llmock: LLMock) -> dict[str, str]:
    return {"LLAMA_CPP_BASE_URL": llmock.url, "FALLBACK_PROVIDERS__CLAUDE__FIRST_TOKEN_TIMEOUT": "2"}


@pytest.fixture
def stopped(celery_setup: LocalSetup, worker: LocalNode, llmock: LLMock) -> Any:
    """A completion whose first provider timed out after the worker got its signal to stop; the worker has ended."""
    script(llmock, "claude", "delay", times=1, seconds=10.0)
    result = celery_setup.complete(QUESTION, "high-priority")
    wait_until(lambda: not llmock.pending())
    worker.kill("SIGTERM")
    assert worker.process.wait(30) == 0
    return result


def test_no_other_attempt_starts(stopped: Any, llmock: LLMock) -> None:
    assert not calls(llmock, "openai")


def test_another_worker_goes_on_where_it_stopped(stopped: Any, celery_setup: LocalSetup, llmock: LLMock) -> None:
    celery_setup.start_worker("second")
    assert attempts_of(stopped.get(timeout=10)) == [("claude", "timeout"), ("openai", "success")]
