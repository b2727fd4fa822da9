"""Single messages that a worker must outlive: too large, unknown, of a later version."""

import json
import time
from typing import Any
from uuid import uuid4

import psutil
import pytest

from tests.end_to_end.vendors import QUESTION
from tests.fuzz.conftest import Tell
from tests.fuzz.outcomes import SERVED, Outcome, awaited
from tests.fuzz.strangers import Bed
from tests.waiting import wait_until
from worker.request.version import LATEST_VERSION

MB = 1_000_000
MOST = 4 * MB
LATER = {"version": 5, "colour": "not known yet"}


def sent(bed: Bed, request: Any = QUESTION, name: str = "fallback.complete", **options: Any) -> Outcome:
    result = bed.app.send_task(name, (request,), queue="completions", priority=6, **options)
    return awaited(bed.redis, [result.id])[result.id]


def grown(bed: Bed, before: tuple[int, int]) -> tuple[int, int]:
    return held(bed)[0] - before[0], held(bed)[1] - before[1]


def held(bed: Bed) -> tuple[int, int]:
    """Returns the bytes that the worker and Redis hold."""
    used: Any = bed.redis.info("memory")
    return psutil.Process(bed.worker.pid).memory_info().rss, int(used["used_memory"])


def test_fifty_megabytes_are_refused_with_the_bound_and_held_by_nobody(bed: Bed, tell: Tell) -> None:
    before = held(bed)
    huge = {"messages": [{"role": "user", "content": "x" * 50 * MB}]}
    for _ in range(3):
        outcome = sent(bed, huge)
        assert outcome.kind == "InvalidRequest"
        assert outcome.text.startswith("request: 50,000,")
        assert outcome.text.endswith("bytes as JSON; at most 4,000,000 (results.max_request_bytes)")
    assert sent(bed).kind == SERVED
    bed.assert_unharmed()
    wait_until(lambda: grown(bed, before)[1] < MB)
    worker, redis = grown(bed, before)
    tell(f"three requests of 50 MB: the worker grew by {worker / MB:.0f} MB, Redis by {redis / MB:.1f} MB")
    assert worker < 250 * MB


def test_a_task_of_an_unknown_name_fails_at_once_and_shows_nothing(bed: Bed) -> None:
    outcome = sent(bed, {"messages": "zebra-prompt-7731"}, name="shop.unknown")
    assert outcome.kind == "NotRegistered"
    assert sent(bed).kind == SERVED
    bed.assert_unharmed()
    assert "zebra" not in bed.log()


def test_a_later_version_goes_round_until_its_deadline_and_then_says_so(bed: Bed) -> None:
    started = time.time()
    outcome = sent(bed, headers={"fallback": {**LATER, "deadline_at": started + 3}})
    assert (outcome.kind, time.time() - started > 1.9) == ("InvalidRequest", True)
    assert outcome.text.startswith(f"headers.fallback.version: is later than {LATEST_VERSION}")
    bed.assert_unharmed()


@pytest.mark.parametrize("deadline", [None, "soon", -1.0, 1e300, float("nan")])
def test_a_later_version_without_a_deadline_fails_at_once(bed: Bed, deadline: Any) -> None:
    assert sent(bed, headers={"fallback": {**LATER, "deadline_at": deadline}}).kind == "InvalidRequest"


def test_what_a_worker_of_the_same_version_left_is_served_though_it_names_an_unknown_provider(bed: Bed) -> None:
    ours = {"version": 2, "step": 0, "remaining": ["gone", "openai"], "deadline_at": time.time() + 30}
    assert sent(bed, headers={"fallback": ours}).kind == SERVED


def test_what_is_no_message_is_put_aside_and_the_next_is_served(bed: Bed) -> None:
    entries = [
        "",
        "{",
        "5",
        "null",
        "[]",
        "{}",
        '{"body": 1}',
        '{"properties": 5}',
        '{"headers": [], "properties": {}}',
    ]
    entries += [json.dumps({"properties": {"delivery_info": odd, "delivery_tag": str(uuid4())}}) for odd in ([], 5, {})]
    bed.redis.lpush("completions", *entries, "\xff\x00", "[" * 50_000)
    assert sent(bed).kind == SERVED
    bed.assert_unharmed()
