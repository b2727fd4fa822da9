"""A task's id that comes again with another request, from a producer that only knows our task's name."""

from uuid import uuid4

import pytest

from tasks.local.llmock import LLMock
from tests.end_to_end.command_line import Fallback
from tests.end_to_end.deliveries import let_time_pass
from tests.end_to_end.local_cluster import LocalNode, LocalSetup
from tests.end_to_end.vendors import MODELS, QUESTION, attempts_of, fail, script
from tests.waiting import wait_until
from worker.admission.breaker import control
from worker.errors import ChainExhausted, InvalidRequest
from worker.task import dead_letters
from worker.task.parking import count

OTHER = {"messages": [{"role": "user", "content": "Something else."}]}
BAD = {"messages": []}
LOOSE = {**QUESTION, "stop": "never", "temperature": 1}
"""A request that ours would write otherwise: its message has another text than one of our producers."""


@pytest.fixture(scope="module")
def shared_settings() -> dict[str, str]:
    return {"FALLBACK_CHAINS__LOW_COST__WHEN_EXHAUSTED": "wait"}


@pytest.fixture
def task_id() -> str:
    return f"order-{uuid4()}"


def reuses(setup: LocalSetup, task_id: str) -> int:
    """Counts the messages whose request was another one; each is an event and a line in the log."""
    events = [event["request"] for event in setup.events() if event["type"] == "task-id-reused"].count(task_id)
    lines = sum(line.endswith(f"task-id-reused task={task_id}") for line in setup.worker.logs().splitlines())
    return min(events, lines)


def fail_for_good(setup: LocalSetup, llmock: LLMock, task_id: str) -> str:
    """Lets a completion fail at every provider, which all answer from then on; returns what it says."""
    for provider in MODELS:
        fail(llmock, provider, 404)
    with pytest.raises(ChainExhausted) as failed:
        setup.complete(QUESTION, task_id=task_id).get(timeout=30)
    llmock.reset()
    return str(failed.value)


def ours(setup: LocalSetup, request: object, task_id: str) -> str:
    """Queues with our own producer and returns the answer's id, or what was refused."""
    program = f"""
from tasks import complete
try:
    result = complete.apply_async(({request!r},), task_id={task_id!r})
except Exception as exc:
    print(type(exc).__name__, exc)
else:
    print(result.get(timeout=30)["id"])
"""
    return setup.in_this_code_base(program).strip()


@pytest.mark.parametrize("request_", [OTHER, BAD, None])
def test_after_an_answer_it_gets_that_answer(
    shared_setup: LocalSetup, llmock: LLMock, task_id: str, request_: object
) -> None:
    first = shared_setup.complete(QUESTION, task_id=task_id).get(timeout=30)
    stored = shared_setup.store.redis.get(f"celery-task-meta-{task_id}")
    again = shared_setup.complete(request_, "low-cost", task_id=task_id)  # type: ignore[arg-type]  # a bad one, too
    wait_until(lambda: reuses(shared_setup, task_id) == 1)
    wait_until(lambda: not shared_setup.store.redis.exists("{fallback}:2:unacked"))
    assert again.get(timeout=30) == first
    assert shared_setup.store.redis.get(f"celery-task-meta-{task_id}") == stored
    assert len(llmock.requests()) == 1


@pytest.mark.parametrize("request_", [OTHER, BAD])
def test_after_a_failure_it_fails_with_the_same_words(
    shared_setup: LocalSetup, llmock: LLMock, task_id: str, request_: dict[str, object]
) -> None:
    said = fail_for_good(shared_setup, llmock, task_id)
    again = shared_setup.complete(request_, task_id=task_id)
    wait_until(lambda: reuses(shared_setup, task_id) == 1)
    with pytest.raises(ChainExhausted) as failed:
        again.get(timeout=30)
    dead_letter = dead_letters.find(shared_setup.store, task_id)
    assert dead_letter is not None
    assert str(failed.value) == said == dead_letter.message
    assert llmock.requests() == []


def test_a_message_that_cannot_be_read_leaves_a_failure_as_it_is(
    shared_setup: LocalSetup, llmock: LLMock, task_id: str
) -> None:
    said = fail_for_good(shared_setup, llmock, task_id)
    again = shared_setup.complete(OTHER, task_id=task_id, retries=-1)
    wait_until(lambda: f"message-refused task={task_id}" in shared_setup.worker.logs())
    wait_until(lambda: not shared_setup.store.redis.exists("{fallback}:2:unacked"))
    with pytest.raises(ChainExhausted) as failed:
        again.get(timeout=30)
    assert str(failed.value) == said


@pytest.mark.parametrize("request_", [OTHER, BAD])
def test_while_the_first_is_in_flight_it_is_let_go(
    shared_setup: LocalSetup, llmock: LLMock, task_id: str, request_: dict[str, object]
) -> None:
    script(llmock, "claude", "delay", times=1, seconds=2.0)
    shared_setup.complete(QUESTION, task_id=task_id)
    wait_until(lambda: not llmock.pending())
    again = shared_setup.complete(request_, task_id=task_id)
    wait_until(lambda: reuses(shared_setup, task_id) == 1)
    assert again.state == "PENDING"
    assert attempts_of(again.get(timeout=30)) == [("claude", "success")]
    assert len(llmock.requests()) == 1
    assert dead_letters.newest(shared_setup.store) == []


def test_between_two_retries_it_is_let_go(shared_setup: LocalSetup, llmock: LLMock, task_id: str) -> None:
    fail(llmock, "claude", 503, times=2, retry_after=1)
    shared_setup.complete(LOOSE, task_id=task_id)
    wait_until(lambda: f"[{task_id}] retry:" in shared_setup.worker.logs())
    again = shared_setup.complete(OTHER, task_id=task_id)
    wait_until(lambda: reuses(shared_setup, task_id) == 1)
    assert attempts_of(again.get(timeout=30)) == [("claude", "overloaded")] * 2 + [("claude", "success")]
    assert (len(llmock.requests()), reuses(shared_setup, task_id)) == (3, 1)


def test_while_the_first_waits_for_a_provider_it_is_let_go(
    shared_setup: LocalSetup, llmock: LLMock, task_id: str
) -> None:
    for provider in MODELS:
        control(shared_setup.store, provider, "open", by="test")
    shared_setup.complete(LOOSE, "low-cost", task_id=task_id)
    wait_until(lambda: count(shared_setup.store) == 1)
    again = shared_setup.complete(OTHER, task_id=task_id)
    wait_until(lambda: reuses(shared_setup, task_id) == 1)
    assert (again.state, count(shared_setup.store)) == ("PENDING", 1)
    for provider in ("llama_cpp", *MODELS):  # the chain's first first: whoever is back is asked at once
        control(shared_setup.store, provider, "reset", by="test")
    assert attempts_of(again.get(timeout=30))[-1] == ("llama_cpp", "success")
    assert (len(llmock.requests()), reuses(shared_setup, task_id)) == (1, 1)


def test_a_bad_request_takes_no_id(shared_setup: LocalSetup, task_id: str) -> None:
    with pytest.raises(InvalidRequest):
        shared_setup.complete(BAD, task_id=task_id).get(timeout=30)
    shared_setup.complete(QUESTION, task_id=task_id)
    wait_until(lambda: shared_setup.app.AsyncResult(task_id).state == "SUCCESS")
    assert reuses(shared_setup, task_id) == 0


def test_our_producer_is_refused_an_id_that_a_worker_began_for_another_request(
    shared_setup: LocalSetup, llmock: LLMock, task_id: str
) -> None:
    shared_setup.complete(LOOSE, task_id=task_id).get(timeout=30)
    assert ours(shared_setup, OTHER, task_id).startswith(f"InvalidRequest task_id: {task_id} was used for another")
    assert (len(llmock.requests()), reuses(shared_setup, task_id)) == (1, 0)


def test_the_same_request_is_the_same_from_either_producer(
    shared_setup: LocalSetup, llmock: LLMock, task_id: str
) -> None:
    first = shared_setup.complete(LOOSE, task_id=task_id).get(timeout=30)["id"]
    assert ours(shared_setup, LOOSE, task_id) == first
    second = f"{task_id}-2"
    first = ours(shared_setup, LOOSE, second)
    assert shared_setup.complete(LOOSE, task_id=second).get(timeout=30)["id"] == first
    assert (len(llmock.requests()), reuses(shared_setup, task_id), reuses(shared_setup, second)) == (2, 0, 0)


def test_the_answer_of_our_producer_s_request_stands(shared_setup: LocalSetup, llmock: LLMock, task_id: str) -> None:
    first = ours(shared_setup, QUESTION, task_id)
    again = shared_setup.complete(OTHER, task_id=task_id)
    wait_until(lambda: reuses(shared_setup, task_id) == 1)
    assert again.get(timeout=30)["id"] == first
    assert len(llmock.requests()) == 1


def test_a_replay_is_the_same_request_on_whatever_chain(
    shared_setup: LocalSetup, fallback: Fallback, llmock: LLMock, task_id: str
) -> None:
    fail_for_good(shared_setup, llmock, task_id)
    assert fallback("replay", task_id, "--chain", "low-cost").returncode == 0
    wait_until(lambda: shared_setup.app.AsyncResult(task_id).state == "SUCCESS")
    assert ours(shared_setup, QUESTION, task_id) == shared_setup.app.AsyncResult(task_id).get()["id"]
    assert ours(shared_setup, OTHER, task_id).startswith("InvalidRequest task_id: ")
    assert (len(llmock.requests()), reuses(shared_setup, task_id)) == (1, 0)


def test_a_redelivery_is_the_same_request(celery_setup: LocalSetup, worker: LocalNode, llmock: LLMock) -> None:
    script(llmock, "claude", "delay", times=1, seconds=60.0)
    result = celery_setup.complete(LOOSE, task_id="order-1")
    wait_until(lambda: not llmock.pending())
    worker.kill()
    let_time_pass(celery_setup, "order-1")
    celery_setup.start_worker("second")
    assert [attempts_of(result.get(timeout=60))[place] for place in (0, -1)] == [
        ("claude", "worker-died"),
        ("claude", "success"),
    ]
    assert "task-id-reused" not in {event["type"] for event in celery_setup.events()}
