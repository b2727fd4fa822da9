"""`fallback drain`: a worker takes nothing new, and ends what it runs; nothing is lost."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.command_line import Fallback, error_line, output, run, running
from tests.end_to_end.failing_server import FailingServer, failing
from tests.end_to_end.local_cluster import LocalNode, LocalSetup
from tests.end_to_end.test_shutdown import EVENTS, flows
from tests.end_to_end.vendors import QUESTION
from tests.waiting import wait_until
from tests.worker.providers.bare_server import END, chunk, streams
from worker.telemetry.workers import workers


@pytest.fixture
def claude() -> Iterator[FailingServer]:
    """Claude, on a bare socket."""
    with failing() as server:
        yield server


@pytest.fixture
def worker_settings(claude: FailingServer) -> dict[str, str]:
    return {"ANTHROPIC_BASE_URL": claude.url}


@pytest.fixture
def environment(celery_setup: LocalSetup) -> dict[str, str]:
    """The workers' settings, for a command beside them."""
    return {**celery_setup.fleet.environment, **celery_setup.environment}


@pytest.fixture
def fallback(tmp_path: Path, environment: dict[str, str]) -> Fallback:
    return lambda *arguments: run(tmp_path, environment, *arguments)


def queued(setup: LocalSetup) -> int:
    """Returns how many messages are in the queue, whatever their priority."""
    redis = setup.store.redis
    return sum(redis.llen(key) for key in redis.keys("completions*") if redis.type(key) == "list")


def held(setup: LocalSetup) -> int:
    return setup.store.redis.hlen(setup.store.keys.unacked)


def asked(setup: LocalSetup, claude: FailingServer) -> Any:
    """Queues a completion; returns its result once claude has its request."""
    result = setup.complete(QUESTION)
    wait_until(lambda: len(claude.requests) == 1)
    return result


def test_what_it_runs_ends_and_what_comes_meanwhile_is_left_to_others(
    celery_setup: LocalSetup,
    worker: LocalNode,
    claude: FailingServer,
    fallback: Fallback,
    tmp_path: Path,
    environment: dict[str, str],
) -> None:
    done, name = threading.Event(), worker.hostname()
    claude.script(flows(done.is_set, *map(chunk, EVENTS[3:]), END), streams(*EVENTS))
    result = asked(celery_setup, claude)
    with running(tmp_path, environment, "drain", name) as process:
        wait_until(lambda: "1 in flight" in output(tmp_path))
        wait_until(lambda: "worker-drained queues=completions,probes" in worker.process.output())
        second = celery_setup.complete(QUESTION)
        late = fallback("drain", name, "--timeout", "1s")
        assert [each.reason for each in workers(celery_setup.store)] == ["drained"]
        done.set()
        assert process.wait(20) == 0
    assert output(tmp_path).splitlines() == [f"{name}: takes nothing new; 1 in flight", f"{name}: drained"]
    assert late.returncode == 1
    assert f"{name}: not done in time; it stays drained, with 1 in flight" in late.stderr
    assert f"fallback.complete {result.id} since 20" in late.stderr
    assert result.get(timeout=5)["fallback"]["provider"] == "claude"
    assert (queued(celery_setup), held(celery_setup), len(claude.requests)) == (1, 0, 1)

    celery_setup.store.redis.client_kill_filter(_type="normal", skipme=True)  # it stays drained on a new connection
    wait_until(lambda: fallback("drain", name).returncode == 0)
    assert (queued(celery_setup), len(claude.requests)) == (1, 1)

    assert fallback("drain", name.split("@")[0], "--undo").stdout == f"{name}: takes messages again\n"
    assert second.get(timeout=10)["fallback"]["provider"] == "claude"

    stopped = fallback("drain", name, "--shutdown")
    assert stopped.stdout.splitlines() == [f"{name}: drained", f"{name}: stopped"]
    assert worker.process.wait(10) == 0


def test_a_completion_between_two_attempts_and_one_that_is_not_due_go_back_into_the_queue(
    celery_setup: LocalSetup, worker: LocalNode, claude: FailingServer, fallback: Fallback
) -> None:
    done = threading.Event()
    claude.script(flows(done.is_set))  # and then the connection closes: the answer is cut
    asked(celery_setup, claude)
    celery_setup.complete(QUESTION, countdown=1.9)
    wait_until(lambda: held(celery_setup) == 2)
    celery_setup.app.control.broadcast("drain", destination=[worker.hostname()])  # the command takes a second to start
    wait_until(lambda: "worker-drained" in worker.process.output())
    done.set()
    assert fallback("drain", worker.hostname()).returncode == 0
    assert (queued(celery_setup), held(celery_setup), len(claude.requests)) == (2, 0, 1)


def test_a_worker_that_does_not_answer_is_an_error_with_the_names_of_those_that_do(
    celery_setup: LocalSetup, worker: LocalNode, fallback: Fallback
) -> None:
    ran = fallback("drain", "nobody@nowhere")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert error_line(ran) == (
        f"Error: nobody@nowhere: no worker of this name answers; those that answer are {worker.hostname()}"
    )
    worker.kill("SIGSTOP")
    try:
        hung = fallback("drain", worker.hostname())
    finally:
        worker.kill("SIGCONT")
    assert error_line(hung) == f"Error: {worker.hostname()}: no worker of this name answers; none answers"
