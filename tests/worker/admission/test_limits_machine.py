"""The scripts of limits and budgets against their model: see limits_machine and limits_model."""

import os

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.worker.admission.breaker_machine import SETTINGS, machine_on
from tests.worker.admission.limits_machine import LimitsMachine

IN_THE_GATE = 25
EXAMPLES = int(os.environ.get("BREAKER_EXAMPLES", IN_THE_GATE))
at_length = pytest.mark.skipif(EXAMPLES == IN_THE_GATE, reason="at full length alone: the gate has its time")
LEAST = 20 if EXAMPLES > IN_THE_GATE else 2
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


@pytest.mark.timeout(600 if EXAMPLES == IN_THE_GATE else 3600)
@pytest.mark.parametrize("server", ["valkey", pytest.param("redis_server", marks=at_length)])
def test_every_step_leaves_what_the_model_says(request, server, record_property):
    with machine_on(LimitsMachine, request.getfixturevalue(server).url) as machine:
        run_state_machine_as_test(machine, settings=settings(SETTINGS, max_examples=EXAMPLES, derandomize=True))
    bites = "\n".join(f"{times:7} {rule}" for rule, times in sorted(machine.bites.items()))
    record_property("counted", f"{EXAMPLES} runs of 100 steps\n{bites}")
    assert {rule: machine.bites[rule] for rule in BITES if machine.bites[rule] < LEAST} == {}
