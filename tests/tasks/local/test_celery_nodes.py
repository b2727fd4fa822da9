import shlex

from tasks.local import celery_nodes, commands, valkey
from tasks.local.fleet import Fleet
from tasks.local.llmock import LLMock
from tasks.local.ports import free_port
from tasks.local.readiness import http_answers
from tests.tasks.local.liveness import is_gone
from tests.waiting import wait_until


def test_a_worker_has_no_flags_that_were_not_asked_for() -> None:
    command = shlex.join(commands.worker("one")[1:])
    assert command == "-m celery -A tasks worker -n one@%h --loglevel INFO"


def test_a_workers_queues_and_concurrency_are_passed_on() -> None:
    command = commands.worker("one", queues=("completions", "probes"), concurrency=4)
    assert command[-4:] == ["-Q", "completions,probes", "--concurrency", "4"]


def test_worker_beat_and_flower_run_from_one_run_folder(fleet: Fleet, llmock: LLMock) -> None:
    fleet.environment |= valkey.start(fleet).environment | llmock.environment | {"FALLBACK_HEALTH__PROBE_INTERVAL": "1"}
    port = free_port()
    worker = celery_nodes.start_worker(fleet, "worker")
    beat = celery_nodes.start_beat(fleet)
    flower = celery_nodes.start_flower(fleet, port)
    assert http_answers(port, "/healthcheck")(flower)
    wait_until(lambda: "fallback.probe" in worker.output())
    fleet.close()
    assert all(is_gone(process.pid) for process in (worker, beat, flower))
