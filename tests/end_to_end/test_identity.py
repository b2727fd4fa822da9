"""A task id of the producer's own is the idempotency key."""

from uuid import uuid4

import pytest

from tasks.local.llmock import LLMock
from tests.end_to_end.local_cluster import LocalSetup
from tests.end_to_end.vendors import QUESTION, attempts_of, calls, fail, script
from tests.waiting import wait_until
from worker.errors import ChainExhausted


@pytest.fixture
def task_id() -> str:
    return f"order-{uuid4()}"


def ends(setup: LocalSetup, task_id: str) -> int:
    """Counts the deliveries of a task that ended; Celery's workers write a line for each."""
    lines = setup.worker.logs().splitlines()
    return sum(f"[{task_id}]" in line and (" succeeded in " in line or " raised " in line) for line in lines)


def test_the_same_id_gives_the_same_result_and_one_call(shared_setup: LocalSetup, llmock: LLMock, task_id: str) -> None:
    first = shared_setup.complete(QUESTION, task_id=task_id).get(timeout=30)
    again = shared_setup.complete(QUESTION, task_id=task_id)
    wait_until(lambda: ends(shared_setup, task_id) == 2)
    assert again.get(timeout=30) == first
    assert len(llmock.requests()) == 1


def test_the_same_id_while_the_first_runs_waits_for_its_result(
    shared_setup: LocalSetup, llmock: LLMock, task_id: str
) -> None:
    script(llmock, "claude", "delay", times=1, seconds=1.0)
    first = shared_setup.complete(QUESTION, task_id=task_id)
    wait_until(lambda: not llmock.pending())
    again = shared_setup.complete(QUESTION, task_id=task_id)
    wait_until(lambda: f"[{task_id}] retry:" in shared_setup.worker.logs())
    assert first.get(timeout=30) == again.get(timeout=30)
    assert attempts_of(first.get()) == [("claude", "success")]
    assert len(llmock.requests()) == 1


def test_the_same_id_between_two_retries_disturbs_neither(
    shared_setup: LocalSetup, llmock: LLMock, task_id: str
) -> None:
    fail(llmock, "claude", 503, times=2, retry_after=1)
    results = [shared_setup.complete(QUESTION, task_id=task_id)]
    wait_until(lambda: calls(llmock, "claude"))
    results.append(shared_setup.complete(QUESTION, task_id=task_id))
    first, second = (result.get(timeout=60) for result in results)
    assert first == second
    assert attempts_of(first) == [("claude", "overloaded")] * 2 + [("claude", "success")]
    assert len(llmock.requests()) == 3


def test_the_same_id_after_a_failure_fails_with_the_same_words(
    shared_setup: LocalSetup, llmock: LLMock, task_id: str
) -> None:
    for provider in ("claude", "openai", "llama_cpp"):
        fail(llmock, provider, 404)
    with pytest.raises(ChainExhausted) as first:
        shared_setup.complete(QUESTION, task_id=task_id).get(timeout=30)
    llmock.clear_script()
    again = shared_setup.complete(QUESTION, task_id=task_id)
    wait_until(lambda: ends(shared_setup, task_id) == 2)
    with pytest.raises(ChainExhausted) as second:
        again.get(timeout=30)
    assert str(first.value) == str(second.value)
    assert len(llmock.requests()) == 3


def test_our_producer_takes_an_id_too(shared_setup: LocalSetup, llmock: LLMock, task_id: str) -> None:
    first = shared_setup.complete(QUESTION, task_id=task_id).get(timeout=30)
    program = f"from tasks import complete; result = complete.apply_async(({QUESTION!r},), task_id={task_id!r}); "
    assert shared_setup.in_this_code_base(program + "print(result.get(timeout=30)['id'])").strip() == first["id"]
    assert "task-id-reused" not in {event["type"] for event in shared_setup.events()}
    assert len(llmock.requests()) == 1
