"""Probes that no longer run: then the health shown is old, and a refused key stays locked out once it is good again."""

from collections.abc import Iterator

from worker.diagnosis.durations import span
from worker.diagnosis.facts import Facts
from worker.diagnosis.problem import Problem

INTERVALS = 3
"""Intervals without a probe that are no accident: a restart of beat or of the probes' worker takes less."""

_QUEUED = "they are queued and no worker takes them: celery -A tasks worker -Q probes"
_NONE_SENT = "nobody queues them: celery -A tasks beat"


def problems(facts: Facts) -> Iterator[Problem]:
    """Yields it where workers have run for long enough and no provider was probed meanwhile."""
    if facts.refusal or not facts.alive or all(map(facts.missing, facts.settings.providers)):
        return
    last, now = facts.probing.last, facts.now
    started = min(worker.started_at for worker in facts.alive)
    if now - max(last, started) > INTERVALS * facts.settings.health.probe_interval:
        what = f"no provider was probed for {span(now - last)}" if last else "no provider has been probed"
        yield Problem("probes-stopped", "", what, last or None, _QUEUED if facts.probing.queued else _NONE_SENT)
