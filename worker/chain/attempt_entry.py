"""The journal's entry of an attempt: how it ended, and what it cost."""

from config.outcomes import Outcome
from config.providers import Model, Provider
from worker.admission.score import Score
from worker.chain.classify import classify
from worker.errors import AttemptFailed
from worker.pricing.cost import cost
from worker.result import Answer, Usage
from worker.task.journal import Entry


def answered(
    provider: Provider, model: Model, at: float, latency_ms: float, answer: Answer, score: Score | None = None
) -> Entry:
    """Returns the entry of an attempt that was answered; `at` is the epoch in seconds of its start.

    A usage that lacks the prompt or the answer leaves the bill open.
    """
    usage = answer.usage
    return Entry(
        provider.name,
        Outcome.SUCCESS,
        at,
        model.name,
        latency_ms=latency_ms,
        first_token_ms=answer.first_token_ms,
        tokens=_tokens(usage),
        cost_usd=cost(provider, model, usage, at),
        billed=None if usage and usage.prompt and usage.completion else "unknown",
        score=score.fields() if score else None,
    )


def failed(
    provider: Provider,
    model: Model,
    at: float,
    latency_ms: float,
    failure: AttemptFailed,
    score: Score | None = None,
) -> Entry:
    """Returns the entry of an attempt that failed, with its class; `at` is the epoch in seconds of its start."""
    found = classify(failure, provider.errors)
    return Entry(
        provider.name,
        found.outcome,
        at,
        model.name,
        failure.said,
        failure.status,
        latency_ms,
        scope="host" if found.any_host else None,
        tokens=_tokens(failure.usage),
        cost_usd=cost(provider, model, failure.usage, at),
        billed="unknown" if failure.is_bill_open else None,
        score=score.fields() if score else None,
    )


def _tokens(usage: Usage | None) -> dict[str, int] | None:
    names = ("prompt", "completion", "cached", "cache_write", "reasoning")
    return {name: getattr(usage, name) for name in names} if usage else None
