"""What waits for too long, and whether more fails for good than usual."""

from collections.abc import Iterator

from worker.diagnosis.durations import span
from worker.diagnosis.facts import Facts
from worker.diagnosis.problem import Problem
from worker.task.backlog import LATELY

OLD = 30.0
"""Seconds that a completion may wait in the queue."""

PARKED_OLD = 60.0
"""Seconds that one may be parked."""

FEW = 3
"""Dead letters of the last ten minutes that are no problem yet."""


def problems(facts: Facts) -> Iterator[Problem]:
    """Yields what waits for too long, and dead letters that rise."""
    found = facts.backlog
    queued = found.oldest_queued
    if queued.since and found.now - queued.since > OLD:
        what = f"{queued.count:,} completions are queued, the oldest for {span(found.now - queued.since)}"
        cure = "add workers or slots, see docs/how-to/scale.md"
        yield Problem("queue-old", "", what, queued.since, cure if _is_busy(facts) else "see the workers above")
    for providers, parked in found.parked.items():
        if parked.count and found.now - parked.since > PARKED_OLD:
            what = f"{parked.count:,} parked, the oldest for {span(found.now - parked.since)}"
            cure = "they go on by themselves once a provider admits: see its line"
            yield Problem("parked-old", providers, what, parked.since, cure)
    if found.failed >= FEW and found.failed > found.failed_before:
        what = (
            f"{found.failed:,} completions failed for good in the last {span(LATELY)}, {found.failed_before:,} before"
        )
        cure = "fallback failed --since 10m; once cured: fallback replay --since 10m"
        yield Problem("dead-letters", "", what, found.failed_since, cure)


def _is_busy(facts: Facts) -> bool:
    return any(worker.consuming for worker in facts.alive)
