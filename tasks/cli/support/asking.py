"""Asks a provider as a probe does, and says by the class of its answer what is wrong."""

from collections.abc import Sequence
from dataclasses import dataclass

from config.outcomes import Outcome
from config.providers import DISABLED, Provider
from worker.admission.breaker import snapshot
from worker.chain.classify import classify
from worker.diagnosis.providers import UNREACHABLE
from worker.errors import AttemptFailed
from worker.health.probe import Probe, probe
from worker.store.store import Store
from worker.telemetry.workers import Worker, working

_WORDS = {
    Outcome.AUTHENTICATION: "refuses the key",
    Outcome.QUOTA_EXHAUSTED: "quota spent",
    Outcome.RATE_LIMITED: "rate limited",
    Outcome.OVERLOADED: "reachable, overloaded",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking a provider: in a few words, and whether completions can be answered by it."""

    status: str
    is_usable: bool


def ask(provider: Provider, workers: Sequence[Worker], store: Store, here: str) -> Asked:
    """Returns what a provider answers to this process; where only the workers have it, or a good key, what they know.

    Args:
        provider: the one to ask.
        workers: those that report.
        store: the shared store.
        here: the fingerprint of this process's key.

    Raises:
        RedisUnavailable: what the workers know was wanted, and the store did not answer.
    """
    meant = working(workers)
    able = [worker for worker in meant if provider.name not in worker.missing]
    if provider.missing == DISABLED:
        return Asked(DISABLED, False)
    if provider.missing:
        wanted = f" (set {provider.wanted})" if provider.wanted else ""
        status = f"not configured: {provider.missing}{wanted}"
        if not able:
            return Asked(status, False)
        [known] = snapshot(store, [provider.name])
        theirs = f"; {len(able)} of {len(meant)} workers have it, and know it as {known.status}"
        return Asked(f"in this shell {status}{theirs}", known.status != "unhealthy")
    found = probe(provider)
    asked = answer(provider, found)
    if meant and not able:
        return Asked(f"{asked.status}, but no worker has it", False)
    others = [worker for worker in able if worker.keys.get(provider.name) != here]
    if not found.authenticated and others:
        [known] = snapshot(store, [provider.name])
        whose = "the workers" if len(others) == len(able) else f"{len(others)} of {len(able)} workers"
        theirs = f"; {whose} have another key, and know it as {known.status}"
        return Asked(f"{asked.status}{theirs}", known.status != "unhealthy")
    return asked


def answer(provider: Provider, found: Probe) -> Asked:
    """Returns what a probe found, by the class of the answer: only without a connection it is not reachable."""
    if found.failed is None:
        return Asked(f"answers in {found.latency_ms:.0f} ms", found.reachable and found.authenticated)
    failed = found.failed
    if failed.reason in UNREACHABLE:
        return Asked(f"not reachable: {found.error}", False)
    if failed.status is None:
        return Asked(f"connected, no answer: {found.error}", False)
    outcome = Outcome.OVERLOADED if failed.status >= 500 else classify(failed, provider.errors).outcome
    return Asked(f"{_WORDS.get(outcome, 'refuses the probe')}: {_said(failed)}", False)


def _said(failed: AttemptFailed) -> str:
    """Returns the status with the vendor's code and message."""
    return f"{failed.status} {failed.said}" if failed.said != failed.reason else str(failed.status)
