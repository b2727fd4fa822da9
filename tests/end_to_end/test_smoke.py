"""The test bed itself: real workers on a real broker, killed, restarted and stopped."""

from tasks.local.llmock import LLMock
from tests.end_to_end.local_cluster import LocalNode, LocalSetup
from tests.end_to_end.vendors import QUESTION
from tests.waiting import wait_until

SLOW = {"type": "delay", "seconds": 1.0, "match": {"path": "*/messages"}}
"""Shorter than the silence after which a worker that stops closes a call."""


def answers(setup: LocalSetup) -> bool:
    result = setup.complete(QUESTION).get(timeout=30)
    return bool(result["choices"][0]["message"]["content"])


def test_a_worker_answers_a_ping_and_a_completion(celery_setup: LocalSetup, worker: LocalNode) -> None:
    assert celery_setup.ready(control=True)
    assert celery_setup.app.control.ping(destination=[worker.hostname()])
    assert answers(celery_setup)


def test_a_worker_killed_and_started_again_answers_what_was_queued_meanwhile(
    celery_setup: LocalSetup, worker: LocalNode
) -> None:
    worker.kill()
    result = celery_setup.complete(QUESTION)
    worker.restart()
    assert result.get(timeout=30)["fallback"]["provider"] == "claude"


def test_a_worker_goes_on_after_its_broker_was_killed(celery_setup: LocalSetup) -> None:
    assert answers(celery_setup)
    assert celery_setup.broker is not None
    celery_setup.broker.kill()
    celery_setup.broker.restart()
    assert answers(celery_setup)


def test_sigterm_lets_a_call_in_flight_end(celery_setup: LocalSetup, worker: LocalNode, llmock: LLMock) -> None:
    llmock.script(SLOW)
    result = celery_setup.complete(QUESTION)
    wait_until(lambda: not llmock.pending())
    worker.kill("SIGTERM")
    assert worker.process.wait(30) == 0
    assert result.get(timeout=30)["fallback"]["provider"] == "claude"


def test_a_second_worker_has_its_own_settings_and_shares_the_queue(celery_setup: LocalSetup, worker: LocalNode) -> None:
    second = celery_setup.start_worker("second", {"ANTHROPIC_API_KEY": ""})
    worker.kill()
    result = celery_setup.complete(QUESTION).get(timeout=30)
    assert second.process.running
    assert result["fallback"]["provider"] == "openai"


def test_this_code_base_produces_with_its_own_task(celery_setup: LocalSetup) -> None:
    program = f"from tasks import complete; print(complete.delay({QUESTION!r}).get(timeout=30)['object'])"
    assert celery_setup.in_this_code_base(program) == "chat.completion\n"
