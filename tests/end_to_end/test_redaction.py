"""Prompts, answers and keys show nowhere but in messages and results."""

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest
from celery import Celery

from tasks.fleet import celery_nodes
from tasks.fleet.llmock import LLMock
from tasks.fleet.ports import free_port
from tests.end_to_end.local_cluster import LocalNode, LocalSetup
from tests.end_to_end.vendors import fail, script
from tests.waiting import wait_until
from worker.errors import ChainExhausted

PROMPT, ANSWER, KEY = "zebra-prompt-7731", "walrus-answer-9902", "sk-secret-key-5518"
REQUEST = {"messages": [{"role": "user", "content": f"Say {PROMPT} once, and {PROMPT} again."}], "user": PROMPT}
LOGIN = ("ann", "flower-password")


@pytest.fixture
def worker_settings(llmock: LLMock) -> dict[str, str]:
    keys = {"ANTHROPIC_API_KEY": KEY, "OPENAI_API_KEY": KEY, "LLAMA_CPP_API_KEY": KEY}
    return {**keys, "LLAMA_CPP_BASE_URL": llmock.url, "FALLBACK_HEALTH__PROBE_INTERVAL": "1"}


class Listener:
    """Every event that Celery sends, as text; it listens in a thread until it is closed."""

    def __init__(self, app: Celery) -> None:
        self.heard: list[str] = []
        self._connection = app.connection_for_read()
        self._receiver = app.events.Receiver(self._connection, handlers={"*": self._note})
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        wait_until(lambda: self.heard)  # it asks the workers for a sign of life

    def _listen(self) -> None:
        for _ in self._receiver.consume(limit=None):
            pass

    def _note(self, event: dict[str, Any]) -> None:
        self.heard.append(json.dumps(event, default=str))

    def close(self) -> None:
        self._receiver.should_stop = True
        self._thread.join(10)
        self._connection.release()


@pytest.fixture
def listener(celery_setup: LocalSetup) -> Iterator[Listener]:
    with closing(Listener(celery_setup.app)) as listening:
        yield listening


def show(what: object) -> str:
    return json.dumps(what, default=str)


def ask_both_ways(setup: LocalSetup, llmock: LLMock) -> str:
    """Queues an answered completion by name and with our own task, and returns the id of the first."""
    script(llmock, "claude", "reply", text=f"Here is {ANSWER}.")
    by_name = setup.complete(REQUEST)
    assert ANSWER in show(by_name.get(timeout=30))
    ours = setup.delay_here(REQUEST)
    assert ANSWER in show(ours)
    return str(by_name.id)


def assert_hidden(text: str) -> None:
    for secret in (PROMPT, ANSWER, KEY):
        assert secret not in text


def test_logs_events_and_celerys_own_events(
    celery_setup: LocalSetup, worker: LocalNode, llmock: LLMock, listener: Listener
) -> None:
    beat = celery_nodes.start_beat(celery_setup.fleet, environment=celery_setup.environment)
    ask_both_ways(celery_setup, llmock)
    fail(llmock, "claude", 500, times=2, message=f"{KEY} may not say {PROMPT}")
    celery_setup.complete(REQUEST).get(timeout=30)
    wait_until(lambda: "fallback.probe" in worker.logs())
    wait_until(lambda: sum("task-succeeded" in event for event in listener.heard) >= 3)
    assert [event for event in celery_setup.events() if event["type"] == "request-failure"]
    for text in (worker.logs(), beat.output(), show(celery_setup.events()), *listener.heard):
        assert_hidden(text)
    assert "fallback.complete" in worker.logs()


def test_inspect_while_it_runs_waits_and_is_scheduled(
    celery_setup: LocalSetup, worker: LocalNode, llmock: LLMock
) -> None:
    script(llmock, "claude", "delay", times=1, seconds=8.0)
    running = celery_setup.complete(REQUEST)
    scheduled = celery_setup.complete(REQUEST, countdown=60)
    wait_until(lambda: not llmock.pending())
    inspect = celery_setup.app.control.inspect(destination=[worker.hostname()], timeout=5.0)
    wait_until(lambda: scheduled.id in show(inspect.scheduled()))
    assert running.id in show(inspect.active())
    for task in (running, scheduled):
        assert task.id in show(inspect.query_task(task.id))
        assert_hidden(show(inspect.query_task(task.id)))
    for shown in (inspect.active(), inspect.reserved(), inspect.scheduled(), inspect.stats(), inspect.conf()):
        assert_hidden(show(shown))
    worker.kill()


def test_flowers_pages_and_its_api(celery_setup: LocalSetup, worker: LocalNode, llmock: LLMock) -> None:
    port = free_port()
    secret = {"FLOWER_BASIC_AUTH": ":".join(LOGIN)}
    celery_nodes.start_flower(celery_setup.fleet, port, environment={**celery_setup.environment, **secret})
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", auth=LOGIN, trust_env=False, timeout=10) as flower:
        wait_until(lambda: celery_setup.complete(REQUEST).get(timeout=30) and flower.get("/api/tasks").json())
        task_id = ask_both_ways(celery_setup, llmock)
        wait_until(lambda: flower.get(f"/api/task/info/{task_id}").json()["state"] == "SUCCESS")
        table = {"draw": "1", "start": "0", "length": "50", "search[value]": "", "columns[0][data]": "name"}
        table |= {"order[0][column]": "0", "order[0][dir]": "asc"}
        pages = [flower.post("/tasks/datatable", data=table)]
        paths = ("/tasks", "/workers", "/broker", f"/task/{task_id}", f"/worker/{worker.hostname()}", "/metrics")
        apis = ("/api/tasks", "/api/workers?refresh=1", f"/api/task/info/{task_id}")
        pages += [flower.get(path) for path in (*paths, *apis)]
        for page in pages:
            assert page.status_code == 200, page.url
            assert_hidden(page.text)
        assert task_id in pages[0].text
        assert task_id in flower.get("/api/tasks").text


def test_error_messages_and_what_is_stored_of_a_failure(
    celery_setup: LocalSetup, worker: LocalNode, llmock: LLMock
) -> None:
    llmock.script({"type": "fail", "status": 500, "times": None, "message": f"Key {KEY}: I will not say {PROMPT}."})
    result = celery_setup.complete(REQUEST, "high-priority")
    with pytest.raises(ChainExhausted) as failed:
        result.get(timeout=60)
    assert "I will not say" in str(failed.value)
    stored = celery_setup.store.redis.get(f"celery-task-meta-{result.id}")
    for text in (str(failed.value), str(stored), show(celery_setup.events()), worker.logs()):
        assert_hidden(text)


def test_no_key_of_ours_but_the_answer(celery_setup: LocalSetup, llmock: LLMock) -> None:
    fail(llmock, "claude", 500, times=2, message=f"{KEY} may not say {PROMPT}")
    ask_both_ways(celery_setup, llmock)
    redis = celery_setup.store.redis
    seen = set()
    for key in redis.scan_iter("{fallback}:*"):
        seen.add(key.split(":")[1])
        assert_hidden(key)
        if redis.type(key) == "hash":
            content = {field: value for field, value in redis.hgetall(key).items() if field != "answer"}
            assert_hidden(show(content))
        elif redis.type(key) == "list":
            assert_hidden(show(redis.lrange(key, 0, -1)))
    assert {"breaker", "task", "events"} <= seen
