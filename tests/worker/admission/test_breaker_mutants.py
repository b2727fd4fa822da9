"""A sample of the mutants: `make mutants` tries them all."""

import pytest

from tests.worker.admission.breaker_mutants import mutants
from tests.worker.admission.kill_mutants import is_killed

SAMPLE = (
    "breaker: b.seen = now -> b.seen = b.seen",
    "breaker: change_state(b, 'half-open', now, key) -> b.state = 'half-open'",
    "record: b.consecutive_failures >= settings.failures and -> b.consecutive_failures > settings.failures and",
    "record: b.half_open_successes >= settings.successes -> b.half_open_successes > settings.successes",
    "record: if b.generation == generation then -> if true then",
    "detectors: LEARNED = 50 -> LEARNED = 49",
    "control: b and b.generation or 0, b and b.unhealthy or 0 -> 0, b and b.unhealthy or 0",
)
"""Those that fall soonest: within 6 runs under each of five seeds. What Hypothesis draws depends on its version."""


def test_each_mutant_changes_what_stands_in_the_lua():
    assert len(mutants()) >= 50
    for mutant in mutants():
        assert mutant.new != mutant.old
        assert mutant.part(mutant.file)


def test_the_sample_is_of_the_mutants():
    assert set(SAMPLE) <= {str(mutant) for mutant in mutants() if not mutant.equivalent}


@pytest.mark.parametrize("mutant", [m for m in mutants() if str(m) in SAMPLE], ids=str)
def test_the_state_machine_notices(valkey, mutant):
    assert is_killed(mutant, valkey.url)
