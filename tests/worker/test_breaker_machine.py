"""The scripts against the model: see breaker_machine, breaker_rules and breaker_model."""

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.worker.breaker_machine import machine_on
from tests.worker.breaker_rules import BreakerMachine

EXAMPLES = int(os.environ.get("BREAKER_EXAMPLES", "150"))
LEAST = 100
SETTINGS = settings(
    max_examples=EXAMPLES,
    stateful_step_count=100,
    deadline=None,
    phases=[Phase.generate],
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("server", ["valkey", "redis_server"])
def test_every_step_leaves_what_the_model_says(request, server, capsys):
    with machine_on(BreakerMachine, request.getfixturevalue(server).url) as machine:
        run_state_machine_as_test(machine, settings=SETTINGS)
    with capsys.disabled():
        print("\n" + "\n".join(f"{times:7} {rule}" for rule, times in sorted(machine.bites.items())))
    assert {rule: times for rule, times in machine.bites.items() if times < LEAST} == {}
