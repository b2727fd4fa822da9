"""The scripts of scores against their model: see score_machine, score_model and score_lessons."""

import pytest

from tests.worker.admission.machine_runs import AT_LENGTH, ON_BOTH_AT_LENGTH, bites, timeout
from tests.worker.admission.score_machine import ScoreMachine

IN_THE_GATE = 12
LEAST = 20 if AT_LENGTH else 2
"""How often each rule must have done what it is there for."""

BITES = frozenset(
    [
        *("chosen within a group", "one behind is chosen", "a hot one is left", "the oldest is asked"),
        *("learned of an answer", "learned of a failure", "learned under load", "hot"),
        *("the clock goes back", "chosen though it is deprioritised"),
        *("event: circuit-breaker-" + word for word in ("open", "half-open", "forced-open")),
    ]
)


@timeout
@pytest.mark.parametrize("server", ON_BOTH_AT_LENGTH)
def test_every_step_leaves_what_the_model_says(request, server, record_property):
    found = bites(ScoreMachine, request.getfixturevalue(server).url, IN_THE_GATE, record_property)
    assert {rule: found[rule] for rule in BITES if found[rule] < LEAST} == {}
