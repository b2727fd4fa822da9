"""`fallback explain`: where a task stands; with no worker about."""

import json
import re
from pathlib import Path

import pytest

from tests.end_to_end.command_line import error_line, run
from worker.admission import breaker
from worker.errors import ChainExhausted, InvalidRequest
from worker.store.store import Store
from worker.task import dead_letters, journal, lease
from worker.task.about import About
from worker.task.journal import Entry

UTC = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
ASKED = Entry("claude", "overloaded", 1.0, "claude-1", "busy", 529, 312.4)
RESULT = {"choices": "an answer nobody may see", "fallback": {"provider": "gateway", "chain": "default"}}
ABOUT = About("default", 100.0, 700.0, 600.0)


@pytest.fixture
def store(store: Store) -> Store:
    begin = lease.begin(store, "task", "a", 0, about=ABOUT)
    store.run(begin, breaker.acquire(store, "task", "a", "permit", ["claude"]))
    store.run(*journal.append(store, "task", [ASKED]))
    return store


def ended(store: Store) -> None:
    """Ends the task as one of the year 1970: queued at 100 s, delivered at 102 s, answered at 110 s."""
    lines = [
        Entry("openai", "skipped", 102.0, reason="not configured: no API key"),
        Entry("claude", "skipped", 102.0, reason="open", until=642.0),
        Entry("gateway", "transient", 102.0, "m", "cut\noff", 502, 1000.0, billed="unknown"),
        Entry(
            "gateway",
            "success",
            105.0,
            "m",
            latency_ms=5000.0,
            first_token_ms=400.0,
            tokens={"prompt": 1000, "completion": 100},
            cost_usd=0.00125,
        ),
    ]
    store.redis.delete(store.keys.journal("task"))
    store.run(*journal.append(store, "task", lines), lease.finish(store, "task", "a", RESULT))
    store.redis.hset(store.keys.task("task"), mapping={"first": 102_000, "ended": 110_000})
    opened = {"type": "circuit-breaker-open", "provider": "claude", "at_ms": 90_000, "cause": "quota-exhausted"}
    failed = {**opened, "type": "request-failure", "failure": "quota-exhausted 429", "decision": "next"}
    for place, event in enumerate((opened, failed)):
        store.redis.xadd(store.keys.events, event, id=f"90000-{place}")


def explained(tmp_path: Path, environment: dict[str, str], *arguments: str) -> list[str]:
    ran = run(tmp_path, environment, "explain", *arguments)
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout.splitlines()


def test_in_progress_it_shows_who_is_asked_and_who_was_asked(
    tmp_path: Path, environment: dict[str, str], store: Store
) -> None:
    head, _, axis, *lines = explained(tmp_path, environment, "task")
    assert re.fullmatch(f"task: in progress, asking claude since {UTC}", head)
    assert axis.startswith("from 1970-01-01T00:00:01Z, over ")
    assert lines[0].endswith(" claude claude-1 overloaded 529, busy")
    assert lines[-1].endswith(" claude, so far")


def test_the_waterfall_has_each_wait_and_each_provider_on_one_time_axis(
    tmp_path: Path, environment: dict[str, str], store: Store
) -> None:
    ended(store)
    assert explained(tmp_path, environment, "task") == [
        "task: answered by gateway on chain default",
        "took 10.00 s, ended 590.00 s before its deadline, 0.00125 USD",
        "from 1970-01-01T00:01:40Z, over 10.00 s:",
        "0.00 s 2.00 s [-----                   ] queue",
        "2.00 s        [    |                   ] claude skipped: open (quota-exhausted 429), 9m left",
        "2.00 s        [    |                   ] openai skipped: not configured: no API key",
        '2.00 s 1.00 s [    ###                 ] gateway m transient 502, perhaps billed, "cut\\noff"',
        "3.00 s 2.00 s [       .....            ] backoff",
        "5.00 s 5.00 s [            ############] gateway m success, first token 0.40 s, "
        "1000 + 100 tokens, 0.00125 USD",
    ]


def test_as_json_it_is_one_object_with_the_same_spans(
    tmp_path: Path, environment: dict[str, str], store: Store
) -> None:
    ended(store)
    [text] = explained(tmp_path, environment, "task", "--json")
    found = json.loads(text)
    head = ("task_id", "state", "chain", "provider", "queued_at", "first_delivered_at", "ended_at", "deadline_at")
    assert [found[name] for name in head] == ["task", "answered", "default", "gateway", 100.0, 102.0, 110.0, 700.0]
    assert [found[name] for name in ("elapsed_s", "remaining_s", "cost_usd", "error")] == [10.0, 590.0, 0.00125, None]
    assert [span["kind"] for span in found["spans"]] == [
        "queue",
        "skipped",
        "skipped",
        "attempt",
        "backoff",
        "attempt",
    ]
    assert found["spans"][1] == {
        "kind": "skipped",
        "start": 102.0,
        "end": 102.0,
        "provider": "claude",
        "reason": "open",
        "until": 642.0,
        "cause": "quota-exhausted 429",
    }
    assert "nobody may see" not in text


def test_a_task_whose_worker_crashed_waits_for_its_message(
    tmp_path: Path, environment: dict[str, str], store: Store
) -> None:
    store.redis.hset(store.keys.task("task"), "until", 0)
    assert explained(tmp_path, environment, "task")[0].startswith("task: its worker died, asking claude since ")


def test_between_two_messages_it_shows_when_it_continues(
    tmp_path: Path, environment: dict[str, str], store: Store
) -> None:
    store.run(lease.pause(store, "task", "a", 1, 60.0))
    assert re.fullmatch(f"task: continues at {UTC}", explained(tmp_path, environment, "task")[0])


def test_a_parked_completion_is_shown_as_parked(tmp_path: Path, environment: dict[str, str], store: Store) -> None:
    store.run(lease.pause(store, "task", "a", 0, 1.0))
    store.redis.hset(store.keys.parked(), "task", "its message")
    assert explained(tmp_path, environment, "task")[0] == "task: parked until a provider admits"


def test_answered_it_shows_the_provider_and_no_answer(
    tmp_path: Path, environment: dict[str, str], store: Store
) -> None:
    store.run(lease.finish(store, "task", "a", RESULT))
    head, *lines = explained(tmp_path, environment, "task")
    assert head == "task: answered by gateway on chain default"
    assert "nobody may see" not in str(lines)


def test_after_a_replay_both_runs_are_shown(tmp_path: Path, environment: dict[str, str], store: Store) -> None:
    failed = ChainExhausted("claude: overloaded")
    store.run(dead_letters.keep(store, "task", "default", {}, failed), lease.finish(store, "task", "a", failed))
    assert explained(tmp_path, environment, "task")[0] == "task: failed, ChainExhausted: claude: overloaded"
    dead_letter = dead_letters.find(store, "task")
    assert dead_letter
    store.run(dead_letters.replay(store, "task", dead_letter.at_ms), lease.begin(store, "task", "b", 0))
    head, _, asked, *lines = explained(tmp_path, environment, "task")
    assert (head, lines) == ("task: in progress", ["replayed"])
    assert asked == "1970-01-01T00:00:01Z 0.31 s claude claude-1 overloaded 529, busy"


def test_what_was_refused_before_it_began_is_shown_from_the_dead_letters(
    tmp_path: Path, environment: dict[str, str], store: Store
) -> None:
    store.run(dead_letters.keep(store, "bad", "default", {}, InvalidRequest("messages: missing")))
    [only] = explained(tmp_path, environment, "bad")
    assert only.endswith(" bad default InvalidRequest messages: missing")
    found = json.loads(*explained(tmp_path, environment, "bad", "--json"))
    assert [found[name] for name in ("state", "chain", "error", "spans")] == ["failed", "default", "InvalidRequest", []]


def test_where_nobody_was_asked_yet_a_sentence_says_so(
    tmp_path: Path, environment: dict[str, str], store: Store
) -> None:
    store.run(lease.begin(store, "fresh", "a", 0))
    ran = run(tmp_path, environment, "explain", "fresh")
    assert (ran.returncode, ran.stdout.splitlines()[0]) == (0, "fresh: in progress")
    assert error_line(ran) == "no provider has been considered yet"


def test_of_an_unknown_task_nothing_is_known(tmp_path: Path, environment: dict[str, str]) -> None:
    ran = run(tmp_path, environment, "explain", "nobody")
    assert ran.returncode == 1
    assert error_line(ran).startswith("Error: nobody: nothing is known;")
