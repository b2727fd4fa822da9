"""A completion whose worker crashes, each time."""

import pytest

from tasks.local.llmock import LLMock
from tests.end_to_end.deliveries import let_time_pass
from tests.end_to_end.local_cluster import LocalNode, LocalSetup
from tests.end_to_end.vendors import QUESTION, script
from tests.waiting import wait_until
from worker.errors import PoisonRequest


@pytest.fixture
def worker_settings() -> dict[str, str]:
    return {"FALLBACK_MAX_CRASHES": "1"}


def test_it_fails_once_one_worker_more_has_crashed_than_may(
    celery_setup: LocalSetup, worker: LocalNode, llmock: LLMock
) -> None:
    for _ in range(3):
        script(llmock, "claude", "delay", times=1, seconds=60.0)
    result = celery_setup.complete(QUESTION)
    for calls_left in (2, 1):
        wait_until(lambda calls_left=calls_left: len(llmock.pending()) == calls_left)
        worker.kill()
        let_time_pass(celery_setup, result.id)
        worker = celery_setup.start_worker(f"with-{calls_left}-left")
    with pytest.raises(PoisonRequest) as failed:
        result.get(timeout=30)
    assert str(failed.value).startswith(
        "2 workers died with it in hand: claude: worker-died, its worker died (2 attempts);"
    )
    assert len(llmock.pending()) == 1
