"""Workers killed between every two steps of settling: one outcome each the same to everybody."""

import json
from typing import Any

import pytest

from tasks.local.fleet import Fleet
from tests.chaos.conftest import Figures
from tests.chaos.settling import Case, Settling, settling
from tests.chaos.witness import Witness
from tests.length import at_length
from worker.task import dead_letters

pytestmark = pytest.mark.timeout(600)  # each test starts some twenty workers

ANSWER = {
    "object": "chat.completion",
    "created": 1_790_000_000,
    "model": "bare",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Nobody."}}],
    "usage": {"prompt_tokens": 20, "completion_tokens": 2, "total_tokens": 22},
}
REFUSAL = {"error": {"message": "no such thing", "type": "invalid_request_error", "code": None}}


def outcomes(bed: Settling, cases: list[Case]) -> dict[str, tuple[str, Any]]:
    """Returns what a producer gets of each: the state and the result."""
    found = {}
    for case in cases:
        result = bed.app.AsyncResult(case.task_id)
        value = result.get(timeout=10, propagate=False)
        found[case.task_id] = (result.state, json.dumps(value, sort_keys=True, default=repr))
    return found


def settle(bed: Settling, figures: Figures, **options: Any) -> dict[str, tuple[str, Any]]:
    """Kills workers, lets the rescuer go on, and queues each completion again; returns the outcomes.

    Checks that each has one, which stays; that the provider is not asked again once it stands, and at most twice; and
    that no message is left.
    """
    with Witness(bed.url) as witness:
        cases = bed.kill_at_each_step(**options)
        bed.rescue(cases)
        first, calls = outcomes(bed, cases), bed.calls()
        for case in cases:
            bed.queue(case.task_id)
        bed.drain()
        again = outcomes(bed, cases)
    figures("; ".join(f"{case.command}: {calls[case.task_id]} calls" for case in cases))
    assert len(cases) > 4
    assert again == first
    assert {case.command: len(witness.results[case.task_id]) for case in cases} == {case.command: 1 for case in cases}
    assert [case.command for case in cases if calls[case.task_id] > 1 + (not case.settled)] == []
    assert {task: bed.calls()[task] for task in first} == {task: calls[task] for task in first}
    return first


def test_an_answer_is_told_once(fleet: Fleet, figures: Figures) -> None:
    with settling(fleet, "200 OK", ANSWER) as bed:
        told = settle(bed, figures)
        assert {state for state, _ in told.values()} == {"SUCCESS"}


@at_length
def test_a_failure_is_told_once_and_its_dead_letter_kept_once(fleet: Fleet, figures: Figures) -> None:
    with settling(fleet, "400 Bad Request", REFUSAL) as bed:
        told = settle(bed, figures)
        assert {state for state, _ in told.values()} == {"FAILURE"}
        kept = [letter.task_id for letter in dead_letters.newest(bed.store)]
        assert [kept.count(task_id) for task_id in told] == [1] * len(told)


@at_length
def test_what_is_revoked_while_it_is_settled_is_answered_or_revoked(fleet: Fleet, figures: Figures) -> None:
    with settling(fleet, "200 OK", ANSWER) as bed:
        told = settle(bed, figures, first=bed.revoke)
        assert {state for state, _ in told.values()} == {"SUCCESS", "REVOKED"}
