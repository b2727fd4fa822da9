"""`fallback failed` and `fallback replay`: dead letters, and running them again."""

import json
from typing import Any
from uuid import uuid4

import pytest

from tasks.local.llmock import LLMock
from tests.end_to_end.command_line import Fallback, error_line
from tests.end_to_end.local_cluster import LocalSetup
from tests.end_to_end.vendors import MODELS, attempts_of, fail
from tests.waiting import wait_until
from worker.errors import ChainExhausted, UnknownChain

SECRET = "a prompt that nobody else may read"
REQUEST = {"messages": [{"role": "user", "content": SECRET}]}
MESSAGE = "chain 'default' is exhausted: claude: misconfigured 404"


@pytest.fixture
def task_id() -> str:
    return f"order-{uuid4()}"


def fail_for_good(setup: LocalSetup, llmock: LLMock, *task_ids: str) -> None:
    """Lets completions fail at every provider, which all answer from then on."""
    for provider in MODELS:
        fail(llmock, provider, 404)
    for task_id in task_ids:
        with pytest.raises(ChainExhausted):
            setup.complete(REQUEST, task_id=task_id).get(timeout=30)
    llmock.reset()


def result(setup: LocalSetup, task_id: str) -> dict[str, Any]:
    """Returns what a replayed task comes to."""
    stored: dict[str, Any] = {}

    def succeeded() -> bool:
        stored.update(setup.app.backend.get_task_meta(task_id, cache=False))
        return stored["status"] == "SUCCESS"

    wait_until(succeeded)
    answer: dict[str, Any] = stored["result"]
    return answer


def test_what_failed_is_listed_newest_first_with_its_message(
    shared_setup: LocalSetup, fallback: Fallback, llmock: LLMock, task_id: str
) -> None:
    fail_for_good(shared_setup, llmock, f"{task_id}-1", f"{task_id}-2")
    newest, oldest = fallback("failed").stdout.splitlines()
    assert newest.split(" ", 4)[1:4] == [f"{task_id}-2", "default", "ChainExhausted"]
    assert newest.split(" ", 4)[4].startswith(MESSAGE)
    assert f"{task_id}-1" in oldest


def test_neither_form_of_the_list_shows_a_prompt(
    shared_setup: LocalSetup, fallback: Fallback, llmock: LLMock, task_id: str
) -> None:
    fail_for_good(shared_setup, llmock, task_id)
    listed = json.loads(fallback("failed", "--json", "--since", "1h", "--limit", "1").stdout)
    assert (listed["task_id"], listed["chain"], listed["error"]) == (task_id, "default", "ChainExhausted")
    assert [(each["outcome"], each["cost_usd"]) for each in listed["attempts"]] == 3 * [("misconfigured", None)]
    assert listed["cost_usd"] == 0
    assert SECRET not in fallback("failed").stdout + json.dumps(listed)


def test_a_replay_gives_the_same_id_a_new_result_by_the_whole_chain(
    shared_setup: LocalSetup, fallback: Fallback, llmock: LLMock, task_id: str
) -> None:
    fail_for_good(shared_setup, llmock, task_id)
    ran = fallback("replay", task_id)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert attempts_of(result(shared_setup, task_id)) == [("claude", "success")]
    assert SECRET not in ran.stdout
    assert fallback("failed").stdout == ""


def test_a_replay_run_twice_asks_once(
    shared_setup: LocalSetup, fallback: Fallback, llmock: LLMock, task_id: str
) -> None:
    fail_for_good(shared_setup, llmock, task_id)
    redis = shared_setup.store.redis
    shared_setup.app.control.cancel_consumer("completions", reply=True)
    assert [fallback("replay", task_id).returncode for _ in range(2)] == [0, 0]
    [queue] = redis.keys("completions*")
    second = redis.lpop(queue)  # else it finds the lease held, and waits for 15 s
    shared_setup.app.control.add_consumer("completions", reply=True)
    result(shared_setup, task_id)
    redis.lpush(queue, second)
    wait_until(lambda: redis.exists(queue, "{fallback}:2:unacked") == 0)
    assert len(llmock.requests()) == 1


@pytest.mark.parametrize("answered", [False, True])
def test_what_did_not_fail_or_was_answered_since_is_one_line_and_status_1(
    shared_setup: LocalSetup, fallback: Fallback, task_id: str, answered: bool
) -> None:
    if answered:
        shared_setup.complete(REQUEST, task_id=task_id).get(timeout=30)
    ran = fallback("replay", task_id)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert error_line(ran) == f"Error: {task_id}: no dead letter of this id; it may have been answered since"


def test_a_dry_run_replays_nothing(shared_setup: LocalSetup, fallback: Fallback, llmock: LLMock, task_id: str) -> None:
    fail_for_good(shared_setup, llmock, task_id)
    ran = fallback("replay", "--since", "1h", "--dry-run")
    assert (ran.stdout.split()[1], error_line(ran)) == (task_id, "1 would be replayed")
    dry, listed = fallback("replay", task_id, "--dry-run", "--json"), fallback("failed", "--json")
    assert json.loads(dry.stdout) == {**json.loads(listed.stdout), "replayed": False}
    assert len(fallback("failed").stdout.splitlines()) == 1


def test_all_of_a_time_are_replayed(shared_setup: LocalSetup, fallback: Fallback, llmock: LLMock, task_id: str) -> None:
    ids = [f"{task_id}-{number}" for number in range(3)]
    fail_for_good(shared_setup, llmock, *ids)
    assert error_line(fallback("replay", "--since", "1h", "--chain", "low-cost")) == "3 replayed"
    assert {attempts_of(result(shared_setup, each))[-1] for each in ids} == {("llama_cpp", "success")}


def test_a_chain_that_is_not_there_is_mended_by_a_replay(
    shared_setup: LocalSetup, fallback: Fallback, task_id: str
) -> None:
    with pytest.raises(UnknownChain):
        shared_setup.complete(REQUEST, "defualt", task_id=task_id).get(timeout=30)
    assert error_line(fallback("replay", task_id)).startswith(f"{task_id}: not replayed, UnknownChain: ")
    assert fallback("replay", task_id, "--chain", "default").returncode == 0
    assert attempts_of(result(shared_setup, task_id)) == [("claude", "success")]
