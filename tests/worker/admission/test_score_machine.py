"""The scripts of scores against their model: see score_machine, score_model and score_lessons."""

import os

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.worker.admission.breaker_machine import SETTINGS, machine_on
from tests.worker.admission.score_machine import ScoreMachine

IN_THE_GATE = 12
EXAMPLES = int(os.environ.get("BREAKER_EXAMPLES", IN_THE_GATE))
at_length = pytest.mark.skipif(EXAMPLES == IN_THE_GATE, reason="at full length alone: the gate has its time")
LEAST = 20 if EXAMPLES > IN_THE_GATE else 2
"""How often each rule must have done what it is there for."""

BITES = frozenset(
    [
        *("chosen within a group", "one behind is chosen", "a hot one is left", "the oldest is asked"),
        *("learned of an answer", "learned of a failure", "learned under load", "hot"),
        *("the clock goes back", "chosen though it is deprioritised"),
        *("event: circuit-breaker-" + word for word in ("open", "half-open", "forced-open")),
    ]
)


@pytest.mark.timeout(600 if EXAMPLES == IN_THE_GATE else 3600)
@pytest.mark.parametrize("server", ["valkey", pytest.param("redis_server", marks=at_length)])
def test_every_step_leaves_what_the_model_says(request, server, record_property):
    with machine_on(ScoreMachine, request.getfixturevalue(server).url) as machine:
        run_state_machine_as_test(machine, settings=settings(SETTINGS, max_examples=EXAMPLES, derandomize=True))
    bites = "\n".join(f"{times:7} {rule}" for rule, times in sorted(machine.bites.items()))
    record_property("counted", f"{EXAMPLES} runs of 100 steps\n{bites}")
    assert {rule: machine.bites[rule] for rule in BITES if machine.bites[rule] < LEAST} == {}
