"""What is wrong with the workers: none, one that takes nothing, one whose clock is wrong, one that was killed."""

from collections.abc import Iterator

from worker.diagnosis.durations import seconds, span
from worker.diagnosis.facts import Facts
from worker.diagnosis.problem import Problem
from worker.telemetry.workers import CANCELLED, DRAINED, Worker

STARTING = 30.0
"""Seconds after its start in which nobody wonders that a worker takes nothing yet."""

GONE = 300.0
"""Seconds after its last report for which a killed worker is a problem: then it is no longer expected back."""

_START = "start one: celery -A tasks worker"


def problems(facts: Facts) -> Iterator[Problem]:
    """Yields what is wrong with the workers; nothing while Redis takes no reports of theirs."""
    if facts.refusal:
        return
    if not any(worker.consuming for worker in facts.alive):
        yield _none(facts)
    for worker in facts.workers:
        if worker.alive:
            yield from _of(worker, facts)
        elif facts.now - worker.seen_at < GONE:
            what = f"no sign of life for {span(facts.now - worker.seen_at)}; its tasks go to others"
            yield Problem("worker-gone", worker.name, what, worker.seen_at, "see its log, and start it again")


def _none(facts: Facts) -> Problem:
    if idle := facts.working:
        reasons = ", ".join(f"{worker.name}: {worker.reason}" for worker in idle)
        cure = f"see their lines, or {_START}"
        return Problem("no-workers", "", f"no worker takes completions ({reasons})", None, cure, "critical")
    last = max((worker.seen_at for worker in facts.workers if worker.takes_completions), default=None)
    others = ", ".join(worker.name for worker in facts.alive)
    why = f"those that report are for other queues ({others})" if others else "none reports itself"
    return Problem("no-workers", "", f"no worker takes completions: {why}", last, _START, "critical")


def _of(worker: Worker, facts: Facts) -> Iterator[Problem]:
    if worker.is_skewed:
        side = "ahead of" if worker.clock_offset > 0 else "behind"
        stopped = "" if worker.consuming else "; it takes nothing new"
        what = f"its clock is {seconds(abs(worker.clock_offset))} s {side} that of Redis{stopped}"
        cure = "set the clock of its machine (NTP): timedatectl"
        yield Problem("clock-skewed", worker.name, what, None, cure, "warning" if worker.consuming else "critical")
    elif not worker.consuming and worker.takes_completions:
        is_young = facts.now - worker.started_at < STARTING
        if worker.reason == "stopping" or (worker.reason == "starting" and is_young):
            return
        what = f"takes no completions: {worker.reason}"
        yield Problem("worker-not-consuming", worker.name, what, None, _cure(worker))


def _cure(worker: Worker) -> str:
    if worker.reason == DRAINED:
        return f"fallback drain {worker.name} --undo, or stop it: fallback drain {worker.name} --shutdown"
    if worker.reason == CANCELLED:
        return f"celery -A tasks control -d {worker.name} add_consumer completions, or restart it"
    return "see its log, or restart it"
