"""A sample of the mutants: `make mutants` tries them all."""

import pytest

from tests.worker.breaker_mutants import mutants
from tests.worker.kill_mutants import is_killed

EVERY, MOST = 14, 7
RUNS = 25
"""Each of the sample falls within so many, mostly within one; in 200, two of them take 90 and 30 seconds."""


def test_each_mutant_changes_what_stands_in_the_lua():
    assert len(mutants()) >= 50
    for mutant in mutants():
        assert mutant.new != mutant.old
        assert mutant.part(mutant.file)


@pytest.mark.parametrize("mutant", [m for m in mutants() if not m.equivalent][::EVERY][:MOST], ids=str)
def test_the_state_machine_notices(valkey, mutant):
    assert is_killed(mutant, valkey.url, within=RUNS)
