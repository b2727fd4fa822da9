"""Probes that beat queues: one per provider and slot, whatever the number of beats."""

import pytest

from config.settings import load
from tasks.local import celery_nodes
from tasks.local.llmock import LLMock
from tests.end_to_end.local_cluster import LocalSetup
from tests.end_to_end.vendors import QUESTION, attempts_of, fail
from tests.waiting import wait_until
from worker.diagnosis.problems import problems
from worker.health.health import Health, health

INTERVAL = 1


@pytest.fixture
def worker_settings(llmock: LLMock) -> dict[str, str]:
    # A path of its own keeps llama.cpp's list of models apart from OpenAI's.
    return {"FALLBACK_HEALTH__PROBE_INTERVAL": str(INTERVAL), "LLAMA_CPP_BASE_URL": f"{llmock.url}/llama"}


def start_beats(setup: LocalSetup, *names: str) -> None:
    for name in names:
        celery_nodes.start_beat(setup.fleet, name=name, environment=setup.environment)


def probes(llmock: LLMock, path: str) -> int:
    return sum(request["method"] == "GET" and request["path"] == path for request in llmock.requests())


def look(setup: LocalSetup, name: str) -> Health:
    [found] = health(setup.store, [name])
    return found


def now(setup: LocalSetup) -> int:
    return int(setup.store.run(("TIME",))[0][0])


def test_two_beats_make_one_probe_per_provider_and_slot(celery_setup: LocalSetup, llmock: LLMock) -> None:
    began = now(celery_setup)
    start_beats(celery_setup, "one", "two")
    wait_until(lambda: all(look(celery_setup, name).probes >= 4 for name in ("claude", "openai")))
    celery_setup.worker.kill()
    slots = now(celery_setup) // INTERVAL - began // INTERVAL + 1
    asked = celery_setup.worker.logs().count("Task fallback.probe[")
    assert asked > sum(each.probes for each in health(celery_setup.store, ["claude", "openai", "llama_cpp"]))
    for provider, path in (("claude", "/anthropic/v1/models"), ("openai", "/v1/models")):
        found = look(celery_setup, provider)
        assert 4 <= found.probes <= slots
        assert found.availability == 1.0
        assert probes(llmock, path) in (found.probes, found.probes + 1)  # one more if the kill came in between


def test_a_probe_that_fails_lowers_the_availability_and_opens_nothing(celery_setup: LocalSetup, llmock: LLMock) -> None:
    llmock.script({"type": "fail", "status": 500, "times": None, "match": {"provider": "anthropic"}})
    start_beats(celery_setup, "beat")
    wait_until(lambda: look(celery_setup, "claude").breaker.status == "unhealthy")
    wait_until(lambda: look(celery_setup, "openai").availability == 1.0)
    found = look(celery_setup, "claude")
    assert (found.availability, found.breaker.state, found.breaker.count) == (0.0, "closed", 0)
    unhealthy = [e for e in celery_setup.events() if e["type"] == "provider-unhealthy"]
    assert [(e["provider"], e["cause"]) for e in unhealthy] == [("claude", "probes")]


def test_a_probe_with_a_good_key_ends_a_lock_out(celery_setup: LocalSetup, llmock: LLMock) -> None:
    fail(llmock, "claude", 401, times=1)
    for outcome in ("authentication", "skipped"):
        assert attempts_of(celery_setup.complete(QUESTION).get(timeout=30))[0] == ("claude", outcome)
    start_beats(celery_setup, "beat")
    wait_until(lambda: [e for e in celery_setup.events() if e["type"] == "provider-auth-unlocked"])
    [unlocked] = [e for e in celery_setup.events() if e["type"] == "provider-auth-unlocked"]
    assert (unlocked["provider"], unlocked["by"]) == ("claude", "probe")
    assert attempts_of(celery_setup.complete(QUESTION).get(timeout=30)) == [("claude", "success")]


def test_probes_that_stop_are_a_problem_whose_cure_says_what_to_start(celery_setup: LocalSetup) -> None:
    settings = load(celery_setup.environment)

    def cures() -> list[str]:
        return [each.cure for each in problems(settings, celery_setup.store) if each.kind == "probes-stopped"]

    wait_until(lambda: cures() == ["nobody queues them: celery -A tasks beat"])
    start_beats(celery_setup, "beat")
    wait_until(lambda: cures() == [])
    celery_setup.start_worker("second", queues=["completions"])
    celery_setup.worker.kill()
    wait_until(lambda: cures() == ["they are queued and no worker takes them: celery -A tasks worker -Q probes"])
