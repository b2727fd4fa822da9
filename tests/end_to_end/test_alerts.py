"""Alerts of a real fleet: a worker that takes probes sends them, and another one when it is killed."""

from collections.abc import Iterator
from typing import Any

import pytest

from tasks.local.llmock import LLMock
from tests.end_to_end import exposed
from tests.end_to_end.local_cluster import LocalNode, LocalSetup
from tests.end_to_end.vendors import QUESTION, fail
from tests.waiting import wait_until
from tests.worker.alerts.receiving import PATH, SECRET, Receiver, receiving
from worker.admission.breaker import control
from worker.health.health import health

PROMPT = "zebra-prompt-2290"
REQUEST = {"messages": [{"role": "user", "content": PROMPT}]}


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiving() as hook:
        yield hook


@pytest.fixture
def worker_settings(hook: Receiver) -> dict[str, str]:
    return {
        "FALLBACK_ALERTS__OPS__URL_ENV": "OPS_URL",
        "FALLBACK_ALERTS__OPS__SECRET_ENV": "OPS_SECRET",
        "FALLBACK_ALERTS__OPS__TIMEOUT": "1",
        "OPS_URL": hook.url,
        "OPS_SECRET": SECRET,
    }


def has_sender(setup: LocalSetup) -> bool:
    return bool(setup.store.redis.exists(setup.store.keys.alerts_sender("ops"), setup.store.keys.alerts_of("ops")) == 2)


def probed(setup: LocalSetup) -> int:
    return sum(each.probes for each in health(setup.store, ["claude", "openai"]))


def sender_of(setup: LocalSetup) -> Any:
    return setup.store.redis.get(setup.store.keys.alerts_sender("ops"))


def test_a_spent_quota_and_its_reset_arrive_with_the_cure_and_without_a_secret(
    celery_setup: LocalSetup, worker: LocalNode, hook: Receiver, llmock: LLMock
) -> None:
    wait_until(lambda: has_sender(celery_setup))
    fail(llmock, "claude", 402)
    celery_setup.complete(REQUEST).get(timeout=30)
    wait_until(lambda: len(hook.taken) >= 2)
    control(celery_setup.store, "claude", "reset", by="ann")
    wait_until(lambda: ("circuit-breaker-reset", "claude") in hook.types())
    opened = next(each for each in hook.taken if each["type"] == "circuit-breaker-open")
    assert opened["data"]["text"] == (
        "claude: circuit-breaker-open (quota-exhausted); add credit, then: fallback breaker reset claude"
    )
    reset = next(each for each in hook.taken if each["type"] == "circuit-breaker-reset")
    assert opened["id"] in reset["data"]["ends"]
    places = dict(exposed.of_redis(celery_setup.store.redis)) | dict(exposed.of_logs(celery_setup.fleet))
    places["alerts"] = repr(hook.taken)
    secrets = (PATH, SECRET, celery_setup.environment["ANTHROPIC_API_KEY"])
    assert {place for place, text in places.items() if any(secret in text for secret in secrets)} == set()
    assert PROMPT not in places["alerts"]


def test_a_receiver_that_hangs_holds_up_neither_completions_nor_probes_and_a_killed_sender_is_replaced(
    celery_setup: LocalSetup, worker: LocalNode, hook: Receiver
) -> None:
    wait_until(lambda: has_sender(celery_setup))
    first = sender_of(celery_setup)
    hook.answers.clear()
    control(celery_setup.store, "openai", "open", by="ann")
    wait_until(lambda: "alert-not-delivered receiver=ops answer=ReadTimeout" in worker.logs())
    for _ in range(5):
        assert celery_setup.complete(QUESTION).get(timeout=5)["fallback"]["provider"] == "claude"
    before = probed(celery_setup)
    celery_setup.app.send_task("fallback.probe", ("claude",), queue="probes")
    wait_until(lambda: probed(celery_setup) > before, seconds=5)
    assert hook.taken == []
    celery_setup.start_worker("second")
    assert sender_of(celery_setup) == first
    worker.kill()
    hook.answers.set()
    wait_until(lambda: sender_of(celery_setup) not in (None, first))
    wait_until(lambda: ("circuit-breaker-forced-open", "openai") in hook.types())
    control(celery_setup.store, "openai", "reset", by="ann")
    wait_until(lambda: ("circuit-breaker-reset", "openai") in hook.types())


def test_a_redis_that_is_gone_and_back_is_told_by_the_worker_that_sent_before(
    celery_setup: LocalSetup, hook: Receiver
) -> None:
    wait_until(lambda: has_sender(celery_setup))
    assert celery_setup.complete(QUESTION).get(timeout=30)  # by then the worker knows that it has the lease
    assert celery_setup.broker is not None
    celery_setup.broker.kill()
    wait_until(lambda: hook.taken, seconds=40)
    celery_setup.broker.restart()
    assert celery_setup.complete(QUESTION).get(timeout=30)["fallback"]["provider"] == "claude"
    wait_until(
        lambda: ("redis-down", "recovered") in [(each["type"], each["data"]["status"]) for each in hook.taken],
        seconds=30,
    )
    assert hook.types()[0] == ("redis-down", "")
    assert celery_setup.environment["REDIS_URL"].rpartition("@")[2] in hook.taken[0]["data"]["text"]


def test_a_worker_that_takes_no_probes_sends_nothing(celery_setup: LocalSetup, worker: LocalNode) -> None:
    wait_until(lambda: has_sender(celery_setup))
    worker.kill()
    celery_setup.store.redis.delete(celery_setup.store.keys.alerts_sender("ops"))
    celery_setup.start_worker("completions-alone", queues=["completions"])
    assert sender_of(celery_setup) is None
