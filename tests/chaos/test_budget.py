"""A budget of a day under parallel completions: it is overrun by what the estimates of calls in flight are wrong by."""

import json
from collections import Counter
from uuid import uuid4

import pytest
from celery import Celery

from tasks.local.fleet import Fleet
from tests.chaos.bed import Bed
from tests.chaos.conftest import Figures
from tests.chaos.provider import prompt
from tests.chaos.test_limits import most_in_flight
from tests.length import at_length
from tests.waiting import wait_until

BUDGET, PRICE = 1.0, 0.01
COMPLETIONS = 200
ANSWER = 2
"""Tokens of each answer of the provider; those of the prompt are free here."""

SLOTS = 60


@pytest.fixture
def bed(fleet: Fleet) -> Bed:
    model = {"name": "bare", "input_usd": 0, "output_usd": PRICE / ANSWER * 1_000_000}
    settings = {
        "FALLBACK_PROVIDERS__FIRST__MODELS__DEFAULT": json.dumps(model),
        "FALLBACK_CHAINS__DEFAULT__USD_PER_DAY": str(BUDGET),
    }
    bed = Bed.start(fleet, delay=0.5, settings=settings)
    bed.start_workers(("one", "two"), concurrency=SLOTS)
    return bed


@pytest.mark.parametrize(
    "estimated", [pytest.param(ANSWER, id="right"), pytest.param(ANSWER // 2, id="half", marks=at_length)]
)
def test_a_budget_is_overrun_by_the_error_of_estimates_alone(bed: Bed, estimated: int, figures: Figures) -> None:
    queued = [str(uuid4()) for _ in range(COMPLETIONS)]
    with Celery("elsewhere", broker=bed.server.url) as app:
        for completion in queued:
            message = {"role": "user", "content": prompt(completion)}
            request = {"messages": [message], "max_tokens": estimated}
            app.send_task("fallback.complete", (request,), queue="completions", priority=6, task_id=completion)
    keys = [f"celery-task-meta-{completion}" for completion in queued]
    wait_until(lambda: bed.store.redis.exists(*keys) == COMPLETIONS, 60)
    results = [json.loads(meta) for meta in bed.store.redis.mget(*keys)]
    ended = Counter("answered" if meta["status"] == "SUCCESS" else meta["result"]["exc_type"] for meta in results)
    calls = bed.provider.calls()
    spent, in_flight = len(calls) * PRICE, most_in_flight(calls)
    error = (ANSWER - estimated) / ANSWER * PRICE
    figures(
        f"{dict(ended)}; {spent:.2f} USD of {BUDGET:g} spent, overrun {max(0.0, spent - BUDGET):.2f}; "
        f"{in_flight} at the provider at most, whose estimates were wrong by {in_flight * error:.2f}"
    )
    assert set(ended) == {"answered", "BudgetExceeded"}
    assert ended["answered"] == len(calls)
    # A call counts from its grant to its record, longer than the provider sees it: each slot may have one.
    assert BUDGET - PRICE <= spent <= BUDGET + 2 * SLOTS * error + 1e-9
