"""by_name, fastapi_app and own_chain.toml, run as their heads say."""

import sys
from collections.abc import Mapping
from uuid import uuid4

import httpx
import pytest

from config.settings import load
from tasks.local.fleet import Fleet
from tasks.local.llmock import LLMock
from tasks.local.ports import free_port
from tasks.local.process import Process
from tasks.local.readiness import http_answers
from tests.end_to_end.command_line import NO_REDIS, Ran
from tests.end_to_end.examples.running import EXAMPLES, OWN_CHAIN, run
from tests.end_to_end.local_cluster import LocalSetup
from tests.end_to_end.vendors import MODELS, QUESTION, attempts_of, fail
from tests.waiting import wait_until
from worker.admission.breaker import control


def fail_everybody(llmock: LLMock) -> None:
    for provider in MODELS:
        fail(llmock, provider, 403)


# by_name


def summarise(environment: Mapping[str, str], order: str, notes: str = "Two boxes arrived wet.") -> Ran:
    return run("by_name", environment, sys.executable, "summarise.py", order, notes)


def test_the_by_name_producer_prints_one_answer_for_one_order(variables: dict[str, str], llmock: LLMock) -> None:
    order = uuid4().hex
    first, second = summarise(variables, order), summarise(variables, order)
    assert (first.returncode, first.stderr) == (0, f"shop-summary-{order}: answered by claude\n")
    assert first.stdout.strip()
    assert (second.returncode, second.stdout) == (0, first.stdout)
    assert len(llmock.requests()) == 1


def test_the_by_name_producer_knows_a_failure_by_its_class_name(variables: dict[str, str], llmock: LLMock) -> None:
    fail_everybody(llmock)
    order = uuid4().hex
    ran = summarise(variables, order)
    assert (ran.returncode, ran.stdout) == (1, "")
    said, advice = ran.stderr.splitlines()
    assert said.startswith(f"shop-summary-{order}: ChainExhausted: chain 'default' is exhausted: claude: ")
    assert advice.endswith(f"`fallback replay shop-summary-{order}`")


def test_the_by_name_producer_says_that_a_bad_request_must_change(variables: dict[str, str]) -> None:
    ran = summarise(variables, uuid4().hex, "")
    assert ran.returncode == 2
    assert ": InvalidRequest: messages.1.content: " in ran.stderr


# fastapi_app


def start_web(fleet: Fleet, environment: Mapping[str, str]) -> tuple[Process, httpx.Client]:
    """Starts the application and returns it with a client."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "main:app", "--port", str(port)]
    ready = http_answers(port, "/openapi.json")
    process = fleet.start("web", command, ready=ready, environment=environment, cwd=EXAMPLES / "fastapi_app")
    return process, httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=20)


@pytest.fixture(scope="module")
def web_process(module_setup: LocalSetup) -> tuple[Process, httpx.Client]:
    return start_web(module_setup.fleet, {"REDIS_URL": module_setup.environment["REDIS_URL"]})


@pytest.fixture
def web(web_process: tuple[Process, httpx.Client], shared_setup: LocalSetup) -> httpx.Client:
    """A client of the application; nobody has failed yet."""
    return web_process[1]


def poll(web: httpx.Client, url: str) -> dict[str, object]:
    """Polls until the completion is done or has failed."""
    seen: list[dict[str, object]] = []

    def ended() -> bool:
        seen.append(web.get(url).raise_for_status().json())
        return seen[-1]["status"] != "pending"

    wait_until(ended)
    return seen[-1]


def test_the_web_application_queues_and_is_polled(web: httpx.Client, shared_setup: LocalSetup) -> None:
    control(shared_setup.store, "claude", "open", by="test")
    queued = web.post("/completions", json={"prompt": "Say hello."})
    assert queued.status_code == 202
    assert queued.json()["url"] == f"/completions/{queued.json()['id']}"
    answer = poll(web, queued.json()["url"])
    assert answer.pop("text")
    assert answer == {"id": queued.json()["id"], "status": "done", "provider": "openai", "skipped": ["claude"]}


def test_the_web_application_runs_a_repeated_post_once(
    web: httpx.Client, shared_setup: LocalSetup, llmock: LLMock
) -> None:
    call = {"json": {"prompt": "Say hello."}, "headers": {"Idempotency-Key": uuid4().hex}}
    first, second = [web.post("/completions", **call).json() for _ in range(2)]
    assert first == second
    assert poll(web, first["url"])["status"] == "done"
    wait_until(lambda: not shared_setup.store.redis.exists("completions\x06\x163", "{fallback}:2:unacked"))
    assert len(llmock.requests()) == 1


def test_the_web_application_shows_a_failure_by_name_only(
    web: httpx.Client, web_process: tuple[Process, httpx.Client], llmock: LLMock
) -> None:
    fail_everybody(llmock)
    queued = web.post("/completions", json={"prompt": "Say hello.", "chain": "default"}).json()
    assert poll(web, queued["url"]) == {"id": queued["id"], "status": "failed", "error": "ChainExhausted"}
    assert f"{queued['id']}: ChainExhausted: chain 'default' is exhausted" in web_process[0].output()


def test_the_web_application_keeps_no_subscription_to_results(web: httpx.Client, shared_setup: LocalSetup) -> None:
    poll(web, web.post("/completions", json={"prompt": "Say hello."}).json()["url"])
    assert shared_setup.store.redis.pubsub_channels("celery-task-meta-*") == []


def test_the_web_application_without_redis_answers_503(fleet: Fleet, clean_environment: dict[str, str]) -> None:
    _, web = start_web(fleet, {**clean_environment, **NO_REDIS})
    assert web.post("/completions", json={"prompt": "Say hello."}).status_code == 503
    assert web.get("/completions/web-1").status_code == 503


@pytest.mark.parametrize("body", [{}, {"prompt": ""}, {"prompt": "Say hello.", "chain": "no-such"}])
def test_the_web_application_refuses_a_bad_question(web: httpx.Client, llmock: LLMock, body: dict[str, str]) -> None:
    assert web.post("/completions", json=body).status_code == 422
    assert llmock.requests() == []


# own_chain.toml


def test_the_own_chain_is_what_the_file_says(clean_environment: dict[str, str]) -> None:
    settings = load({**clean_environment, "FALLBACK_CONFIG": str(OWN_CHAIN), "VLLM_API_KEY": "k"})
    vllm, chain = settings.providers["vllm"], settings.chains["in-house"]
    assert (vllm.missing, vllm.base_url) == (None, "http://vllm.internal:8000/v1")
    assert (vllm.breaker.failure_threshold, vllm.breaker.success_threshold) == (3, 2)
    assert (chain.providers, chain.retry.max_retry_after, chain.retry.multiplier) == (("vllm", "claude"), 10.0, 2.0)
    assert load(clean_environment).chains.items() <= settings.chains.items()


def test_the_own_chain_asks_the_own_server_first(shared_setup: LocalSetup, llmock: LLMock) -> None:
    answer = shared_setup.complete({**QUESTION, "user": "u-1"}, "in-house").get(timeout=30)
    assert attempts_of(answer) == [("vllm", "success")]
    [request] = llmock.requests()
    assert request["model"] == "qwen3-32b"


def test_the_own_chain_goes_on_at_claude_at_once(shared_setup: LocalSetup, llmock: LLMock) -> None:
    llmock.script({"type": "fail", "status": 503, "times": 1, "retry_after": 0, "match": {"model": "qwen3-32b"}})
    answer = shared_setup.complete(QUESTION, "in-house").get(timeout=30)
    assert attempts_of(answer) == [("vllm", "overloaded"), ("claude", "success")]
