"""Receivers of `[alerts]` to whom nothing is sent: their variables are not set where alerts are sent from."""

from collections.abc import Iterator

from worker.diagnosis.facts import Facts
from worker.diagnosis.problem import Problem

_START = "start one with this configuration: celery -A tasks worker -Q probes"


def problems(facts: Facts) -> Iterator[Problem]:
    """Yields each receiver to whom no worker sends. One that can is enough; the others may lack the variable."""
    if facts.refusal:
        return
    known = [name for worker in facts.alive for name in worker.receivers]
    for name in dict.fromkeys((*facts.settings.alerts, *known)):
        senders = [worker for worker in facts.alive if name in worker.receivers]
        if not senders:
            what = "no alert is sent: no worker that takes probes has it in its configuration"
            yield Problem("alerts-not-sent", name, what, None, _START)
        elif all(worker.receivers[name] for worker in senders):
            variable = senders[0].receivers[name]
            what = f"no alert is sent: {variable} is not set on the workers that take probes"
            names = ", ".join(worker.name for worker in senders)
            yield Problem("alerts-not-sent", name, what, None, f"set {variable} there and restart them ({names})")
