"""Runs a state machine against the scripts on one server: briefly in the gate, at length in `make breaker`."""

import os
from collections import Counter

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.length import at_length
from tests.worker.admission.breaker_machine import SETTINGS, Machine, machine_on

AT_LENGTH = "BREAKER_EXAMPLES" in os.environ

ON_BOTH_AT_LENGTH = ["valkey", pytest.param("redis_server", marks=at_length)]
"""The servers of a machine whose scripts the breaker's machine runs on both servers, too."""

timeout = pytest.mark.timeout(3600 if AT_LENGTH else 600)


def bites(kind: type[Machine], url: str, in_the_gate: int, record_property) -> Counter[str]:
    """Returns how often each rule did what it is there for; without BREAKER_EXAMPLES in so many runs of 100 steps."""
    examples = int(os.environ.get("BREAKER_EXAMPLES", in_the_gate))
    with machine_on(kind, url) as machine:
        run_state_machine_as_test(machine, settings=settings(SETTINGS, max_examples=examples, derandomize=True))
    lines = "\n".join(f"{times:7} {rule}" for rule, times in sorted(machine.bites.items()))
    record_property("counted", f"{examples} runs of 100 steps\n{lines}")
    return machine.bites
