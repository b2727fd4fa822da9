"""The scripts against the model: see breaker_machine, breaker_rules and breaker_model."""

import os

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.worker.admission.breaker_machine import SETTINGS, machine_on
from tests.worker.admission.breaker_rules import BreakerMachine

IN_THE_GATE = 70
EXAMPLES = int(os.environ.get("BREAKER_EXAMPLES", IN_THE_GATE))
LEAST = 100 if EXAMPLES > IN_THE_GATE else 5
"""How often each rule must have done what it is there for.

In the gate's 70 runs the rarest has done it between 8 and 39 times: Hypothesis also draws the constants that it finds
in the code, so that what it draws changes with any module.
"""

RULES = frozenset(
    [
        *("event: circuit-breaker-" + word for word in ("open", "would-open", "half-open", "closed", "reset")),
        *("event: circuit-breaker-forced-" + word for word in ("open", "closed")),
        *("event: provider-" + word for word in ("unhealthy", "recovered", "deprioritised", "would-be-deprioritised")),
        *("event: provider-" + word for word in ("auth-locked", "auth-unlocked")),
        "event: breaker-settings-differ",
        "event: request-failure",
        *("opened: " + cause for cause in ("consecutive-failures", "failure-rate", "failed-while-half-open")),
        "opened: quota-exhausted",
        "opened: stalled",
    ]
)
"""Events that must be frequent, beside what the machine's own rules are there for."""


@pytest.mark.timeout(600 if EXAMPLES == IN_THE_GATE else 3600)
@pytest.mark.parametrize("server", ["valkey", "redis_server"])
def test_every_step_leaves_what_the_model_says(request, server, record_property):
    with machine_on(BreakerMachine, request.getfixturevalue(server).url) as machine:
        run_state_machine_as_test(machine, settings=settings(SETTINGS, max_examples=EXAMPLES, derandomize=True))
    bites = "\n".join(f"{times:7} {rule}" for rule, times in sorted(machine.bites.items()))
    record_property("counted", f"{EXAMPLES} runs of 100 steps\n{bites}")
    assert rare(machine) == {}


def rare(machine):
    """Returns the rules that hardly did what they are there for."""
    rules = RULES | {rule for rule in machine.bites if not rule.startswith("status:")}
    return {rule: machine.bites[rule] for rule in rules if machine.bites[rule] < LEAST}
