"""A worker that is told to stop: what flows it lets end; what is silent it closes, and another worker goes on."""

import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tasks.local.llmock import LLMock
from tests.end_to_end.failing_server import FailingServer, anthropic, closing, failing
from tests.end_to_end.local_cluster import LocalNode, LocalSetup
from tests.end_to_end.vendors import QUESTION, attempts_of, calls
from tests.length import at_length
from tests.waiting import wait_until
from tests.worker.providers.bare_server import END, HEAD, Bare, Talk, chunk, streams
from worker.admission import breaker
from worker.chain.call import SILENT

EVENTS = anthropic("claude", "She counted the lamps.", 9, 5)
QUICKLY = 8.0
"""Seconds in which a worker ends that waits for no provider; its limits would let it wait for 60."""


@pytest.fixture
def claude() -> Iterator[FailingServer]:
    """Claude, on a bare socket."""
    with failing() as server:
        yield server


@pytest.fixture
def worker_settings(claude: FailingServer, llmock: LLMock) -> dict[str, str]:
    return {
        "ANTHROPIC_BASE_URL": claude.url,
        "LLAMA_CPP_BASE_URL": llmock.url,
        "FALLBACK_PROVIDERS__CLAUDE__FIRST_TOKEN_TIMEOUT": "60",
    }


def flows(until: Callable[[], bool], *end: bytes) -> Talk:
    """Sends a token every 0.1 s until something is so, then this end."""

    def talk(bare: Bare, sock: socket.socket) -> bool:
        sock.sendall(HEAD + b"".join(map(chunk, EVENTS[:2])))
        while not (until() or bare.stop.wait(0.1)):
            sock.sendall(chunk(EVENTS[2]))
        for part in end:
            sock.sendall(part)
        return False

    return talk


def asked(setup: LocalSetup, claude: FailingServer) -> Any:
    """Queues a completion; returns its result once claude has its request."""
    result = setup.complete(QUESTION, "high-priority")
    wait_until(lambda: len(claude.requests) == 1)
    return result


def test_the_remote_command_closes_a_silent_call_as_the_signal_does(
    celery_setup: LocalSetup, worker: LocalNode, claude: FailingServer
) -> None:
    closed: list[float] = []
    claude.script(closing(closed))
    asked(celery_setup, claude)
    celery_setup.app.control.shutdown()
    assert worker.process.wait(QUICKLY) == 0
    assert closed
    assert "Traceback" not in worker.process.output()
    assert celery_setup.store.redis.llen("completions") == 1


def is_stopping(node: LocalNode) -> bool:
    return "Warm shutdown" in node.process.output()


@pytest.mark.parametrize("said", [(), (HEAD, chunk(EVENTS[0]))], ids=["before the head", "before the first token"])
def test_a_silent_call_is_closed_and_another_worker_asks_again(
    celery_setup: LocalSetup, worker: LocalNode, claude: FailingServer, llmock: LLMock, said: tuple[bytes, ...]
) -> None:
    closed: list[float] = []
    claude.script(closing(closed, *said), streams(*EVENTS))
    result = asked(celery_setup, claude)
    started = time.monotonic()
    worker.kill("SIGTERM")
    assert worker.process.wait(QUICKLY) == 0
    assert closed[0] - started < 2 * SILENT
    assert "Traceback" not in worker.process.output()
    assert breaker.snapshot(celery_setup.store, ["claude"])[0].count == 0
    assert celery_setup.store.redis.llen("completions") == 1  # nobody waits for its redelivery
    celery_setup.start_worker("second")
    attempts = result.get(timeout=10)["fallback"]["attempts"]
    assert [(each["provider"], each["outcome"], each["reason"]) for each in attempts] == [
        ("claude", "cut-short", "shutdown"),
        ("claude", "success", None),
    ]
    assert not llmock.requests()


def test_a_stream_that_flows_ends_and_its_answer_is_stored(
    celery_setup: LocalSetup, worker: LocalNode, claude: FailingServer
) -> None:
    stopped_at: list[float] = []

    def flowed() -> bool:
        if is_stopping(worker):
            stopped_at.append(time.monotonic())
        return bool(stopped_at) and time.monotonic() - stopped_at[0] > 2  # four times as long as a silence may be

    claude.script(flows(flowed, *map(chunk, EVENTS[3:]), END))
    result = asked(celery_setup, claude)
    worker.kill("SIGTERM")
    assert worker.process.wait(30) == 0
    assert attempts_of(result.get(timeout=5)) == [("claude", "success")]


def test_no_other_attempt_starts_and_another_worker_goes_on(
    celery_setup: LocalSetup, worker: LocalNode, claude: FailingServer, llmock: LLMock
) -> None:
    claude.script(flows(lambda: is_stopping(worker)))  # and then the connection closes: the answer is cut
    result = asked(celery_setup, claude)
    worker.kill("SIGTERM")
    assert worker.process.wait(QUICKLY) == 0
    assert not calls(llmock, "openai")
    celery_setup.start_worker("second")
    assert attempts_of(result.get(timeout=10)) == [("claude", "transient"), ("openai", "success")]


@at_length
def test_during_a_redis_outage_the_message_is_delivered_again(
    celery_setup: LocalSetup, worker: LocalNode, claude: FailingServer
) -> None:
    closed: list[float] = []
    claude.script(closing(closed), streams(*EVENTS))
    result = asked(celery_setup, claude)
    assert celery_setup.broker is not None
    celery_setup.broker.container.kill("SIGSTOP")
    worker.kill("SIGTERM")
    wait_until(lambda: closed)
    assert worker.process.wait(60) == 0  # its last commands time out
    celery_setup.broker.container.kill("SIGCONT")
    celery_setup.start_worker("second")
    assert result.get(timeout=40)["fallback"]["provider"] == "claude"
