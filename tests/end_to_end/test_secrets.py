"""Prompts, answers, keys and passwords show nowhere but in messages, results and what is kept for a replay."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest
from celery import Celery
from redis import Redis

from config.alerts import EVENTS
from config.settings import load
from tasks.local import celery_nodes, commands, valkey
from tasks.local.fleet import Fleet
from tasks.local.llmock import LLMock
from tasks.local.ports import free_port
from tasks.local.readiness import writes
from tests.end_to_end import exposed
from tests.end_to_end.command_line import run
from tests.end_to_end.vendors import script
from tests.waiting import wait_until
from tests.worker.alerts.receiving import PATH, SECRET, Receiver, receiving
from worker.admission import breaker
from worker.store.store import Store

PROMPT, ANSWER, KEY = "zebra-prompt-7731", "walrus-answer-9902", "sk-secret-key-5518"
PASSWORD, LOGIN = "redis-password-3349", ("ann", "flower-password-1207")
SECRETS = (PROMPT, ANSWER, KEY, PASSWORD, LOGIN[1], PATH, SECRET)
REQUEST = {"messages": [{"role": "user", "content": f"Say {PROMPT} once, and {PROMPT} again."}], "user": PROMPT}
MOST = 20_000
SAID = f"{KEY} may not say {REQUEST['messages'][0]['content']!r}"  # type: ignore[index]  # of the vendor's error
BAD: list[tuple[Any, ...]] = [
    ({"messages": [{"role": PROMPT, "content": PROMPT}], "n": PROMPT, "stop": [[PROMPT]]},),
    ("default", REQUEST),  # mixed up
    ({**REQUEST, "user": PROMPT * 3_000},),
    ({**REQUEST, "user": PROMPT * 30_000},),  # not even decoded
    (REQUEST, f"no such chain, {PROMPT}"),
]
COMMANDS = (
    "status",
    "status --json",
    "events --json",
    "failed",
    "failed --json",
    "check",
    "config",
    "config --json",
    "providers",
)


class Run:
    """A fleet that has been through everything; `places` has what it showed and kept."""

    def __init__(self, fleet: Fleet, llmock: LLMock, hook: Receiver) -> None:
        server = valkey.start(fleet)
        with Redis.from_url(server.url) as redis:
            redis.config_set("requirepass", PASSWORD)
        self.fleet, self.llmock = fleet, llmock
        self.url = server.url.replace("redis://", f"redis://:{PASSWORD}@")
        keys = dict.fromkeys(("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "LLAMA_CPP_API_KEY"), KEY)
        fleet.environment |= {**llmock.environment, **keys, "LLAMA_CPP_BASE_URL": llmock.url, "REDIS_URL": self.url}
        fleet.environment |= {"FALLBACK_HEALTH__PROBE_INTERVAL": "1", "FALLBACK_BREAKER__COOLDOWN_PERIOD": "1"}
        fleet.environment |= {"FALLBACK_RESULTS__MAX_REQUEST_BYTES": str(MOST), "FLOWER_BASIC_AUTH": ":".join(LOGIN)}
        fleet.environment |= {"FALLBACK_CHAINS__DEFAULT__RETRY__INITIAL_BACKOFF": "0.1"}
        fleet.environment |= {"FALLBACK_ALERTS__OPS__URL_ENV": "OPS_URL", "OPS_URL": hook.url, "OPS_SECRET": SECRET}
        fleet.environment |= {"FALLBACK_ALERTS__OPS__SECRET_ENV": "OPS_SECRET"}
        fleet.environment |= {"FALLBACK_ALERTS__OPS__EVENTS": json.dumps(EVENTS)}
        settings = load(fleet.environment)
        self.store = Store(settings.redis_url, settings.namespace, settings.providers, alerts=settings.alerts)
        self.app = Celery("elsewhere", broker=self.url, backend=self.url, set_as_current=False)
        self.ids: list[str] = []
        self.messages: list[str] = []
        self.places: dict[str, str] = {}

    def start(self) -> httpx.Client:
        """Starts the processes, one worker at INFO and one at DEBUG, and returns a client of Flower."""
        celery_nodes.start_worker(self.fleet, "info")
        command = commands.worker("debug", queues=["completions"], loglevel="DEBUG")
        self.fleet.start("debug", command, ready=writes(" ready."), cwd=celery_nodes.ROOT)
        celery_nodes.start_beat(self.fleet)
        port = free_port()
        celery_nodes.start_flower(self.fleet, port)
        return httpx.Client(base_url=f"http://127.0.0.1:{port}", auth=LOGIN, trust_env=False, timeout=10)

    def ask(self, *args: Any, name: str = "fallback.complete", **options: Any) -> Any:
        """Queues by name and returns the AsyncResult."""
        result = self.app.send_task(name, args, queue="completions", priority=6, **options)
        self.ids.append(result.id)
        return result


def said(failure: Exception) -> str:
    return f"{type(failure).__name__}: {failure!r} {failure}"


def answered_by_each(run: Run) -> bool:
    """Asks four times at once; returns whether each worker has answered one by now."""
    for result in [run.ask(REQUEST) for _ in range(4)]:
        assert ANSWER in json.dumps(result.get(timeout=30))
    logs = dict(exposed.of_logs(run.fleet))
    return all("succeeded" in logs[f"log of {name}"] for name in ("info", "debug"))


def everything(run: Run) -> None:
    """Answers, retries, failures, refusals, a crash and messages that are none."""
    for bad in BAD:
        run.messages.append(said(run.ask(*bad).get(timeout=30, propagate=False)))
    for status in (400, 422, 500, 401):
        run.llmock.reset()
        run.llmock.script({"type": "fail", "status": status, "times": None, "retry_after": 0, "message": SAID})
        run.messages.append(said(run.ask(REQUEST).get(timeout=60, propagate=False)))
    run.llmock.reset()
    for provider in ("claude", "llama_cpp", "openai"):  # each is auth-locked, and only the next probe would end that
        breaker.control(run.store, provider, "reset", by="test")
    ours = f"from tasks import complete; print(complete.delay({REQUEST!r}).get(timeout=60))"
    here = {"cwd": celery_nodes.ROOT, "env": run.fleet.environment}
    ran = subprocess.run([sys.executable, "-c", ours], **here, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    run.messages.append(said(run.ask(REQUEST, name=f"shop.{'x' * 5}").get(timeout=30, propagate=False)))
    crashed = f"crash-{len(run.ids)}"
    run.store.redis.set(run.store.keys.task(crashed), "no hash")
    run.messages.append(said(run.ask(REQUEST, task_id=crashed).get(timeout=30, propagate=False)))
    entry = {"headers": {"id": "odd", "task": [PROMPT]}, "properties": {"delivery_tag": "t", "body_encoding": None}}
    run.store.redis.lpush("completions", PROMPT, json.dumps({**entry, "body": json.dumps([[REQUEST], {}, {}])}))
    wait_until(lambda: run.store.redis.exists("celery-task-meta-odd"))
    script(run.llmock, "claude", "reply", text=f"Here is {ANSWER}.")
    wait_until(lambda: answered_by_each(run))
    run.llmock.reset()


@pytest.fixture(scope="module")
def places(
    tmp_path_factory: pytest.TempPathFactory, clean_environment: dict[str, str], shared_llmock: LLMock
) -> Iterator[dict[str, str]]:
    """What a full run shows and keeps, by place."""
    shared_llmock.reset()
    with receiving() as hook, Fleet(tmp_path_factory.mktemp("secrets"), clean_environment) as fleet:
        done = Run(fleet, shared_llmock, hook)
        with done.start() as flower, closing(exposed.Listener(done.app)) as listener:
            everything(done)
            script(shared_llmock, "claude", "delay", times=1, seconds=20.0)
            done.ask(REQUEST)
            done.ask(REQUEST, countdown=60)
            wait_until(lambda: not shared_llmock.pending())
            names = [f"{name}@{socket.gethostname()}" for name in ("info", "debug")]
            answered = done.ids[-3]
            wait_until(lambda: answered in flower.get("/api/tasks").text)
            done.places |= dict(exposed.of_inspect(done.app, done.ids[-2:], len(names)))
            done.places |= dict(exposed.of_flower(flower, [answered, done.ids[2], done.ids[-2]], names))
            done.places |= dict(exposed.of_redis(done.store.redis)) | dict(exposed.of_logs(fleet))
            done.places |= dict(exposed.of_files(fleet.folder))
            done.places["Celery's events"] = "\n".join(listener.heard)
        explained = (f"explain {done.ids[len(BAD)]}", f"explain {done.ids[len(BAD)]} --json")
        for words in (*COMMANDS, *explained, "replay --since 1h --dry-run --json"):
            ran = run(fleet.folder, fleet.environment, *words.split())
            done.places[f"fallback {words}"] = ran.stdout + ran.stderr
        done.places["alerts"] = json.dumps(hook.taken)
        done.places["error messages"] = "\n".join(done.messages)
        yield done.places
        for process in reversed(fleet.processes[1:]):
            process.kill()


def test_no_place_shows_a_secret(places: dict[str, str], record_property: Any) -> None:
    hits = {place: [secret for secret in SECRETS if secret in text] for place, text in places.items()}
    size = sum(map(len, places.values()))
    record_property("counted", f"{len(places)} places, {size:,} characters searched for {len(SECRETS)} secrets")
    assert {place: found for place, found in hits.items() if found} == {}


def test_the_run_went_through_everything(places: dict[str, str]) -> None:
    """Or the search would find nothing because nothing was there."""
    expected = {
        "log of info": ("received", "succeeded", "raised expected", "fallback.probe"),
        "log of debug": ("TaskPool: Apply", "succeeded"),
        "inspect active": ("fallback.complete",),
        "inspect conf": ("broker_url",),
        "Celery's events": ("task-received", "task-succeeded", "task-failed", "task-retried"),
        "Redis {fallback}:2:events": ("request-failure", "provider-auth-locked"),
        "error messages": ("InvalidRequest", "UnknownChain", "ChainExhausted", "NotRegistered", "ResponseError"),
        "fallback failed": ("ChainExhausted",),
        "alerts": ("request-failure", "provider-auth-locked", "message-quarantined"),
    }
    logs = "".join(text for place, text in places.items() if place.startswith("log of"))
    for words in ("Traceback", "message-refused", "message-quarantined", "unregistered task"):
        assert words in logs
    missing = {place: [word for word in words if word not in places[place]] for place, words in expected.items()}
    assert {place: words for place, words in missing.items() if words} == {}
