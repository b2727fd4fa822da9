"""Runs the state machines against every mutant: `python -m tests.worker.admission.kill_mutants`, or `make mutants`."""

import sys
import tempfile
from pathlib import Path

import click
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from redis.exceptions import ResponseError

from tasks.local import valkey
from tasks.local.fleet import Fleet
from tests.worker.admission.breaker_machine import SETTINGS, Machine, machine_on
from tests.worker.admission.breaker_mutants import Mutant, mutants
from tests.worker.admission.breaker_rules import BreakerMachine
from tests.worker.admission.limits_machine import LimitsMachine
from tests.worker.admission.score_machine import ScoreMachine

MOST_SURVIVORS = 4
MACHINES: dict[str, type[Machine]] = {
    **dict.fromkeys(("minute", "limits", "ledger", "renew_slots"), LimitsMachine),
    **dict.fromkeys(("score", "learn_score"), ScoreMachine),
}
"""The machine that has most to say of a file; `BreakerMachine` of the others."""
OF_SCORES = ("score", "is_new", "reply", "load")
"""Words in the mutants of first_admitting.lua that only groups notice."""


def is_killed(mutant: Mutant, url: str, *, within: int = 200) -> bool:
    """Tells whether the state machine notices the mutant, by what it compares, a script's error, or by no number.

    Args:
        mutant: what to try.
        url: of a server.
        within: runs of a hundred steps; the draws depend on it, not only their number. What goes unnoticed is tried
            once more with half as many again, and so with other draws.
    """
    is_of_group = mutant.file == "first_admitting" and any(word in mutant.old for word in OF_SCORES)
    kind = ScoreMachine if is_of_group else MACHINES.get(mutant.file, BreakerMachine)
    return any(_notices(kind, mutant, url, runs) for runs in (within, within + within // 2))


def _notices(kind: type[Machine], mutant: Mutant, url: str, runs: int) -> bool:
    with machine_on(kind, url, mutant.part) as machine:
        try:
            run_state_machine_as_test(machine, settings=settings(SETTINGS, max_examples=runs, derandomize=True))
        except (AssertionError, ResponseError, ValueError):
            return True
    return False


@click.command()
@click.argument("words", nargs=-1)
def main(words: tuple[str, ...]) -> None:
    """Tries the mutants whose text has one of WORDS, all of them without any; status 1 where one goes unnoticed."""
    tried = [mutant for mutant in mutants() if not words or any(word in str(mutant) for word in words)]
    survivors: list[Mutant] = []
    with tempfile.TemporaryDirectory() as folder, Fleet(Path(folder)) as fleet:
        server = valkey.start(fleet)
        for mutant in tried:
            killed = is_killed(mutant, server.url)
            survivors += [] if killed else [mutant]
            print(f"{'killed' if killed else 'SURVIVED'}  {mutant}", flush=True)
    print(f"{len(tried) - len(survivors)} of {len(tried)} killed")
    for mutant in survivors:
        print(f"{mutant}: {mutant.equivalent or 'nothing noticed it'}")
    sys.exit(len(survivors) > MOST_SURVIVORS or not all(mutant.equivalent for mutant in survivors))


if __name__ == "__main__":
    main()
