"""Every failure of a provider through the queue, on both wires: how often it is called, who answers, what it costs.

What each case came to is written into the test report; `failure_table.py` makes docs/benchmarks/failures.md of it.
"""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from config.outcomes import RULES, Outcome
from tasks.local import llmock as simulated
from tasks.local.fleet import Fleet
from tasks.local.llmock import LLMock
from tests.end_to_end.failing_server import FailingServer, failing, resets
from tests.end_to_end.failure_bed import Bed, settings
from tests.end_to_end.failure_cases import COOLDOWN, FAILURES, SIDES, SOCKETS, WIRES, Case, Wire
from tests.end_to_end.local_cluster import LocalSetup
from tests.end_to_end.vendors import attempts_of
from tests.waiting import wait_until
from tests.worker.providers.bare_server import streams
from worker.admission.breaker import Snapshot
from worker.errors import TaskFailed

Record = Callable[[str, object], None]

REQUESTS, AT_ONCE = 20, 4
THRESHOLD = 5


@pytest.fixture(scope="module")
def shared_llmock(tmp_path_factory: pytest.TempPathFactory, clean_environment: dict[str, str]) -> Iterator[LLMock]:
    """An LLMock of the module's own, never reset: its verdict is on the whole run."""
    with Fleet(tmp_path_factory.mktemp("vendors"), clean_environment) as fleet:
        yield simulated.start(fleet)


@pytest.fixture
def llmock(shared_llmock: LLMock) -> LLMock:
    shared_llmock.clear_script()
    return shared_llmock


@pytest.fixture(scope="module")
def sockets() -> Iterator[dict[str, FailingServer]]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(failing()) for name in SOCKETS}


@pytest.fixture(scope="module")
def shared_settings(tmp_path_factory: pytest.TempPathFactory, sockets: dict[str, FailingServer]) -> dict[str, str]:
    file = tmp_path_factory.mktemp("settings") / "fallback.toml"
    file.write_text(settings(sockets), "utf-8")
    return {"FALLBACK_CONFIG": str(file), "FALLBACK_BREAKER__COOLDOWN_PERIOD": str(COOLDOWN)}


@pytest.fixture
def bed(shared_setup: LocalSetup, llmock: LLMock, sockets: dict[str, FailingServer]) -> Bed:
    return Bed(shared_setup, llmock, sockets)


@pytest.mark.parametrize(("wire", "case"), FAILURES)
def test_a_failure_costs_its_calls_and_ends_as_its_class_says(
    bed: Bed, wire: Wire, case: Case, record_property: Record
) -> None:
    first, second = case.providers(wire)
    prompt = f"{wire}: {case.title}."
    bed.script(case, first, second)
    started = time.monotonic()
    answer = bed.ask(first, prompt)
    seconds = time.monotonic() - started
    called, also = bed.calls(first, prompt), bed.calls(second, prompt)
    if isinstance(answer, TaskFailed):
        assert type(answer) is case.then
        assert f"{first}: {case.outcome}" in str(answer)
        assert case.said in str(answer)
        came = f"`{type(answer).__name__}: {answer}`"
    else:
        assert_answered(answer, case, first, second)
        statuses = [attempt["status"] for attempt in answer["fallback"]["attempts"]]
        assert statuses == called + also
        came = "its answer" if provider_of(answer) == first else "the next provider's answer"
    assert (len(called), len(also)) == case.calls
    assert_breaker(bed.breaker_of(first), case)
    row = (case.title, wire, case.outcome, len(called), len(also), seconds, came)
    record_property("failure", json.dumps(row))


def assert_answered(answer: dict[str, Any], case: Case, first: str, second: str) -> None:
    """The attempts say what happened; model, text, usage and cost are those of the provider that answered."""
    by = first if case.then == "itself" else second
    side = SIDES[by]
    assert attempts_of(answer) == [(first, case.outcome)] * case.failures + [(by, "success")]
    assert all(case.said in attempt["reason"] for attempt in answer["fallback"]["attempts"][:-1])
    assert (answer["fallback"]["provider"], answer["model"]) == (by, side.model)
    assert answer["choices"][0]["message"]["content"] == side.text
    prompt, completion = answer["usage"]["prompt_tokens"], answer["usage"]["completion_tokens"]
    assert side.tokens in (None, (prompt, completion))
    cost = (prompt * side.prices[0] + completion * side.prices[1]) / 1_000_000
    report = answer["fallback"]
    assert report["attempts"][-1]["cost_usd"] == pytest.approx(cost)
    assert report["cost_usd"] == pytest.approx(cost + report["wasted_usd"])
    assert (report["wasted_usd"] > 0) == any(attempt["tokens"] for attempt in report["attempts"][:-1])


def assert_breaker(snapshot: Snapshot, case: Case) -> None:
    """One request opens nothing; only a class that counts as a failure is counted."""
    failed = case.failures if RULES[case.outcome].breaker == "failure" else 0
    answered = int(case.then == "itself")
    consecutive_failures = 0 if answered else failed
    assert (snapshot.state, snapshot.consecutive_failures, snapshot.failed) == ("closed", consecutive_failures, failed)
    assert snapshot.count == failed + answered
    assert (snapshot.limited_until > 0) == (case.outcome == Outcome.RATE_LIMITED)


@pytest.mark.parametrize("wire", WIRES)
def test_a_provider_that_is_down_is_hardly_called_and_soon_back(bed: Bed, wire: Wire, record_property: Record) -> None:
    first, second = SOCKETS if wire == "Anthropic" else reversed(SOCKETS)
    prompt = f"{wire}: down."
    bed.sockets[first].script(resets)
    bed.sockets[second].script(streams(*SIDES[second].events()))
    started = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as producers:
        answers = [provider_of(answer) for answer in producers.map(lambda _: bed.ask(first, prompt), range(REQUESTS))]
    seconds = time.monotonic() - started
    assert answers == [second] * REQUESTS
    reached = len(bed.calls(first, prompt))
    tried_again = len([event for event in bed.circuit(first) if event["type"] == "circuit-breaker-half-open"])
    assert reached < THRESHOLD + AT_ONCE + tried_again

    bed.sockets[first].script(streams(*SIDES[first].events()))
    recovered, opened = bed.breaker_of(first).now, bed.circuit(first)[-1]
    came: list[Any] = []

    def back() -> bool:
        came.append(bed.ask(first, prompt))
        return provider_of(came[-1]) == first

    wait_until(back)
    again, until = came[-1]["fallback"]["attempts"][-1]["at"], int(opened["open_until_ms"]) / 1000
    skipped = [answer["fallback"]["attempts"][0] for answer in came[:-1]]
    assert {(attempt["reason"], attempt["until"]) for attempt in skipped} <= {("open", until)}
    assert until - recovered <= 1.1 * COOLDOWN * 2 ** (int(opened["opens"]) - 1)
    assert len(bed.calls(first, prompt)) == reached + 1
    bed.ask(first, prompt)
    assert bed.breaker_of(first).state == "closed"
    came_back = f"the next provider's answers; its own again {again - recovered:.1f} s after it came back"
    row = (f"down while {REQUESTS} requests come", wire, Outcome.TRANSIENT, reached, REQUESTS, seconds, came_back)
    record_property("failure", json.dumps(row))


def provider_of(answer: Any) -> str:
    return str(answer["fallback"]["provider"])


def test_llmocks_verdict_on_the_whole_run_is_without_a_finding(llmock: LLMock, record_property: Record) -> None:
    verdict = llmock.verdict()
    record_property("verdict", json.dumps(verdict))
    assert verdict["findings"] == []
