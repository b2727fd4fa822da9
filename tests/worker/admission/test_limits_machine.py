"""The scripts of limits and budgets against their model: see limits_machine and limits_model."""

import pytest

from tests.worker.admission.limits_machine import LimitsMachine
from tests.worker.admission.machine_runs import AT_LENGTH, ON_BOTH_AT_LENGTH, bites, timeout

IN_THE_GATE = 25
LEAST = 20 if AT_LENGTH else 2
"""How often each rule must have done what it is there for."""

BITES = frozenset(
    [
        *(f"refused, limit: {name}" for name in ("concurrency", "requests_per_minute", "tokens_per_minute")),
        *(f"refused, budget: usd_per_day of the {whose}" for whose in ("chain", "tenant", "provider")),
        "refused, budget: max_cost_usd",
        "refused, retry-budget",
        *("settled", "settled after its slot ran out", "settled twice"),
        *("renewed", "not renewed: it had run out", "a day ends"),
    ]
)


@timeout
@pytest.mark.parametrize("server", ON_BOTH_AT_LENGTH)
def test_every_step_leaves_what_the_model_says(request, server, record_property):
    found = bites(LimitsMachine, request.getfixturevalue(server).url, IN_THE_GATE, record_property)
    assert {rule: found[rule] for rule in BITES if found[rule] < LEAST} == {}
