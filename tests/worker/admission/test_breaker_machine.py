"""The scripts against the model: see breaker_machine, breaker_rules and breaker_model."""

import pytest

from tests.worker.admission.breaker_rules import BreakerMachine
from tests.worker.admission.machine_runs import AT_LENGTH, bites, timeout

IN_THE_GATE = 70
LEAST = 100 if AT_LENGTH else 5
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


@timeout
@pytest.mark.parametrize("server", ["valkey", "redis_server"])
def test_every_step_leaves_what_the_model_says(request, server, record_property):
    found = bites(BreakerMachine, request.getfixturevalue(server).url, IN_THE_GATE, record_property)
    rules = RULES | {rule for rule in found if not rule.startswith("status:")}
    assert {rule: found[rule] for rule in rules if found[rule] < LEAST} == {}
