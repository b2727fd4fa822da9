"""The scripts against the model: see breaker_machine, breaker_rules and breaker_model."""

import pytest
from hypothesis.stateful import run_state_machine_as_test

from tests.worker.breaker_machine import SETTINGS, machine_on
from tests.worker.breaker_rules import BreakerMachine

LEAST = 100


@pytest.mark.timeout(600)
@pytest.mark.parametrize("server", ["valkey", "redis_server"])
def test_every_step_leaves_what_the_model_says(request, server, capsys):
    with machine_on(BreakerMachine, request.getfixturevalue(server).url) as machine:
        run_state_machine_as_test(machine, settings=SETTINGS)
    with capsys.disabled():
        print("\n" + "\n".join(f"{times:7} {rule}" for rule, times in sorted(machine.bites.items())))
    assert {rule: times for rule, times in machine.bites.items() if times < LEAST} == {}
