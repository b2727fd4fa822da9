"""A result that was forgotten: its message may come again, and nobody is asked."""

import json
from uuid import uuid4

import pytest
from celery import Celery
from celery.result import AsyncResult

from tasks.local.llmock import LLMock
from tests.end_to_end.command_line import Fallback
from tests.end_to_end.local_cluster import LocalSetup
from tests.end_to_end.vendors import QUESTION
from worker.errors import ResultForgotten


@pytest.fixture
def task_id() -> str:
    return f"order-{uuid4()}"


AGAIN = """
from tasks import complete
result = complete.apply_async(({question!r},), task_id={task_id!r})
first, second = result.get(timeout=30), result.get(timeout=30)
print(first == second, complete.backend.get_state({task_id!r}))
"""


def ask_again(setup: LocalSetup, task_id: str) -> AsyncResult:
    return setup.complete(QUESTION, task_id=task_id)


def test_whoever_asks_again_after_forget_gets_an_error_and_nobody_is_asked(
    shared_setup: LocalSetup, llmock: LLMock, task_id: str
) -> None:
    result = shared_setup.complete(QUESTION, task_id=task_id)
    result.get(timeout=30)
    result.forget()
    with pytest.raises(ResultForgotten, match="task_id: it was answered before"):
        ask_again(shared_setup, task_id).get(timeout=30)
    assert len(llmock.requests()) == 1


def test_an_answer_that_an_older_worker_left_without_a_result_reaches_its_producer(
    shared_setup: LocalSetup, llmock: LLMock, task_id: str
) -> None:
    left = {"id": "chatcmpl-1", "fallback": {"provider": "claude"}}
    shared_setup.store.redis.hset(shared_setup.store.keys.task(task_id), "answer", json.dumps({"result": left}))
    assert ask_again(shared_setup, task_id).get(timeout=30) == left
    assert llmock.requests() == []


def test_the_command_forgets_answer_and_dead_letter(
    shared_setup: LocalSetup, fallback: Fallback, llmock: LLMock, task_id: str
) -> None:
    shared_setup.complete(QUESTION, task_id=task_id).get(timeout=30)
    forgotten = fallback("forget", task_id)
    assert (forgotten.returncode, forgotten.stdout, forgotten.stderr) == (0, "", "")
    ask_again(shared_setup, task_id)
    # A producer whose result was there before it asked for it keeps a copy in its process, as Celery does.
    another = Celery("another", backend=shared_setup.environment["REDIS_URL"], set_as_current=False)
    with pytest.raises(ResultForgotten):
        another.AsyncResult(task_id).get(timeout=30)


def test_the_command_refuses_what_has_no_outcome(shared_setup: LocalSetup, fallback: Fallback) -> None:
    unknown = fallback("forget", "nobody-asked\n")
    assert unknown.returncode == 1
    assert unknown.stderr == '"nobody-asked\\n": has no outcome; one under way can be revoked\n'


def test_a_producer_may_forget_each_result_once_it_has_it(shared_setup: LocalSetup, task_id: str) -> None:
    program = AGAIN.format(question=QUESTION, task_id=task_id)
    assert shared_setup.in_this_code_base(program, FALLBACK_RESULTS__FORGET_AFTER_GET="true").strip() == "True PENDING"
    kept = f"{task_id}-kept"
    program = AGAIN.format(question=QUESTION, task_id=kept)
    assert shared_setup.in_this_code_base(program).strip() == "True SUCCESS"
