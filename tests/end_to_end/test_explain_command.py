"""`fallback explain`: where a task stands; with no worker about."""

import re
from pathlib import Path

import pytest

from tests.end_to_end.command_line import error_line, run
from worker.admission import breaker
from worker.errors import ChainExhausted, InvalidRequest
from worker.store.store import Store
from worker.task import dead_letters, journal, lease
from worker.task.journal import Entry

UTC = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
ASKED = Entry("claude", "overloaded", 1.0, "claude-1", "busy", 529, 312.4)
RESULT = {"choices": "an answer nobody may see", "fallback": {"provider": "openai", "chain": "default"}}


@pytest.fixture
def store(store: Store) -> Store:
    store.run(lease.begin(store, "task", "a", 0), breaker.acquire(store, "task", "a", "permit", ["claude"]))
    store.run(*journal.append(store, "task", [ASKED]))
    return store


def explained(tmp_path: Path, environment: dict[str, str], task_id: str = "task") -> list[str]:
    ran = run(tmp_path, environment, "explain", task_id)
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout.splitlines()


def test_in_progress_it_shows_who_is_asked_and_who_was_asked(
    tmp_path: Path, environment: dict[str, str], store: Store
) -> None:
    head, asked = explained(tmp_path, environment)
    assert re.fullmatch(f"task: in progress, asking claude since {UTC}", head)
    assert asked == "1970-01-01T00:00:01Z claude claude-1 overloaded 529 312 ms busy"


def test_each_attempt_is_shown_with_its_price_or_that_it_may_have_one(
    tmp_path: Path, environment: dict[str, str], store: Store
) -> None:
    tokens = {"prompt": 1000, "completion": 100}
    attempts = [
        Entry("claude", "empty", 2.0, "claude-1", "empty", latency_ms=9.0, tokens=tokens, cost_usd=0.00125),
        Entry("claude", "transient", 3.0, "claude-1", "cut", tokens=tokens, cost_usd=0.5, billed="unknown"),
        Entry("openai", "timeout", 4.0, "gpt", "silent", billed="unknown"),
    ]
    store.run(*journal.append(store, "task", attempts))
    assert [line.split(" ", 1)[1] for line in explained(tmp_path, environment)[2:]] == [
        "claude claude-1 empty 9 ms 0.00125 USD empty",
        "claude claude-1 transient 0.5 USD or more cut",
        "openai gpt timeout perhaps billed silent",
    ]


def test_a_task_whose_worker_crashed_waits_for_its_message(
    tmp_path: Path, environment: dict[str, str], store: Store
) -> None:
    store.redis.hset(store.keys.task("task"), "until", 0)
    assert explained(tmp_path, environment)[0].startswith("task: its worker died, asking claude since ")


def test_between_two_messages_it_shows_when_it_continues(
    tmp_path: Path, environment: dict[str, str], store: Store
) -> None:
    store.run(lease.pause(store, "task", "a", 1, 60.0))
    assert re.fullmatch(f"task: continues at {UTC}", explained(tmp_path, environment)[0])


def test_a_parked_completion_is_shown_as_parked(tmp_path: Path, environment: dict[str, str], store: Store) -> None:
    store.run(lease.pause(store, "task", "a", 0, 1.0))
    store.redis.hset(store.keys.parked(), "task", "its message")
    assert explained(tmp_path, environment)[0] == "task: parked until a provider admits"


def test_answered_it_shows_the_provider_and_no_answer(
    tmp_path: Path, environment: dict[str, str], store: Store
) -> None:
    store.run(lease.finish(store, "task", "a", RESULT))
    head, *lines = explained(tmp_path, environment)
    assert head == "task: answered by openai on chain default"
    assert "nobody may see" not in str(lines)


def test_after_a_replay_both_runs_are_shown(tmp_path: Path, environment: dict[str, str], store: Store) -> None:
    failed = ChainExhausted("claude: overloaded")
    store.run(dead_letters.keep(store, "task", "default", {}, failed), lease.finish(store, "task", "a", failed))
    assert explained(tmp_path, environment)[0] == "task: failed, ChainExhausted: claude: overloaded"
    dead_letter = dead_letters.find(store, "task")
    assert dead_letter
    store.run(dead_letters.replay(store, "task", dead_letter.at_ms), lease.begin(store, "task", "b", 0))
    assert explained(tmp_path, environment)[0::2] == ["task: in progress", "replayed"]


def test_what_was_refused_before_it_began_is_shown_from_the_dead_letters(
    tmp_path: Path, environment: dict[str, str], store: Store
) -> None:
    store.run(dead_letters.keep(store, "bad", "default", {}, InvalidRequest("messages: missing")))
    [only] = explained(tmp_path, environment, "bad")
    assert only.endswith(" bad default InvalidRequest messages: missing")


def test_where_nobody_was_asked_yet_a_sentence_says_so(
    tmp_path: Path, environment: dict[str, str], store: Store
) -> None:
    store.run(lease.begin(store, "fresh", "a", 0))
    ran = run(tmp_path, environment, "explain", "fresh")
    assert (ran.returncode, ran.stdout) == (0, "fresh: in progress\n")
    assert error_line(ran) == "no provider has been considered yet"


def test_of_an_unknown_task_nothing_is_known(tmp_path: Path, environment: dict[str, str]) -> None:
    ran = run(tmp_path, environment, "explain", "nobody")
    assert ran.returncode == 1
    assert error_line(ran).startswith("Error: nobody: nothing is known;")
