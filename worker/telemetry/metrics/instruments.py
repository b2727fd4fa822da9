"""The metrics that processes count: names, labels, units and buckets. Flower's page and OTLP take them from here.

No label holds what a caller chose: providers, models and chains are those of the configuration, outcomes are classes.
"""

from dataclasses import dataclass
from typing import Literal

from config.outcomes import Outcome

PREFIX = "fallback_"


@dataclass(frozen=True, slots=True)
class Instrument:
    """One metric.

    Attributes:
        name: without `fallback_`, and of a counter without `_total`.
        kind: what it is.
        labels: their names.
        text: what it says, in a sentence.
        scale: how many of the integers that Redis keeps are one unit; of a histogram, of its sum.
        bounds: upper bounds of a histogram's buckets, without the last, which has none.
    """

    name: str
    kind: Literal["counter", "histogram"]
    labels: tuple[str, ...]
    text: str
    scale: int = 1
    bounds: tuple[float, ...] = ()

    @property
    def family(self) -> str:
        """Returns the name of the family at Prometheus; a counter's samples end in `_total` beside."""
        return PREFIX + self.name


def doubling(first: float, times: int) -> tuple[float, ...]:
    """Returns bounds from `first` on, doubled so many times."""
    return tuple(round(first * 2**n, 6) for n in range(times + 1))


MICRO, NANO = 1_000_000, 1_000_000_000
CALL = doubling(0.01, 14)
"""Seconds of a call: 0.01 to 163.84."""
DAY = (*CALL, 655.36, 2621.44, 10485.76, 41943.04)
"""Seconds of what may take a day."""
OWN = doubling(0.001, 14)
"""Seconds of our own work: 0.001 to 16.384."""

ANSWERED = "answered"
SKIPPED = "skipped"
"""Outcome of a failover from a provider that was not asked, because its breaker, a limit or a budget refused."""
KINDS = ("input", "cache_read", "cache_write", "output", "reasoning")
OUTCOMES = tuple(map(str, Outcome))


def _seconds(name: str, labels: tuple[str, ...], text: str, bounds: tuple[float, ...]) -> Instrument:
    return Instrument(name, "histogram", labels, text, MICRO, bounds)


COMPLETIONS = Instrument(
    "completions",
    "counter",
    ("chain", "outcome"),
    "Completions that ended: `answered`, or the class of the exception. The chain is empty where none has the name.",
)
ATTEMPTS = Instrument(
    "attempts", "counter", ("provider", "model", "outcome"), "Calls of a provider, by the class of their outcome."
)
FAILOVERS = Instrument(
    "failovers",
    "counter",
    ("from_provider", "to_provider", "outcome"),
    "Attempts at another provider than before: with the outcome before, or `skipped` where the first one that could "
    "take the request was not asked.",
)
RETRIES = Instrument("retries", "counter", ("provider",), "Attempts at the provider that failed just before.")
COMPLETION_SECONDS = _seconds(
    "completion_seconds",
    ("chain",),
    "From queueing to the outcome; of a producer by name, from the first delivery. Revoked ones do not count.",
    DAY,
)
QUEUE_WAIT_SECONDS = _seconds(
    "queue_wait_seconds",
    ("chain",),
    "From queueing, or from when it is due, to the first delivery; not of producers by name, which stamp no time.",
    DAY,
)
ATTEMPT_SECONDS = _seconds("attempt_seconds", ("provider",), "Length of a call, whatever its outcome.", CALL)
FIRST_TOKEN_SECONDS = _seconds(
    "first_token_seconds", ("provider",), "From a call's start to its first token, of answers that are streamed.", CALL
)
OVERHEAD_SECONDS = _seconds(
    "overhead_seconds", (), "Of one delivery to a worker, what is neither queue, backoff nor provider.", OWN
)
TOKENS = Instrument(
    "tokens",
    "counter",
    ("provider", "model", "kind"),
    "Tokens that providers told. No token is of two kinds: `input` is without those of a cache, `output` without "
    "`reasoning`.",
)
COST_USD = Instrument(
    "cost_usd", "counter", ("provider", "model", "chain"), "USD of attempts whose price is known.", NANO
)
WASTED_COST_USD = Instrument(
    "wasted_cost_usd",
    "counter",
    ("provider", "model", "chain"),
    "Of these, for attempts without an answer, and for duplicate answers.",
    NANO,
)
BREAKER_TRANSITIONS = Instrument(
    "breaker_transitions",
    "counter",
    ("provider", "to", "cause"),
    "Changes of a breaker, counted by the script that makes the change.",
)

INSTRUMENTS = (
    COMPLETIONS,
    ATTEMPTS,
    FAILOVERS,
    RETRIES,
    COMPLETION_SECONDS,
    QUEUE_WAIT_SECONDS,
    ATTEMPT_SECONDS,
    FIRST_TOKEN_SECONDS,
    OVERHEAD_SECONDS,
    TOKENS,
    COST_USD,
    WASTED_COST_USD,
    BREAKER_TRANSITIONS,
)

TRANSITIONS = {
    "open": ("consecutive-failures", "failure-rate", "failed-while-half-open", "quota-exhausted", "stalled"),
    "half_open": ("cooldown-over",),
    "closed": ("successes", "reset"),
    "forced_open": ("operator",),
    "forced_closed": ("operator",),
    "auth_locked": ("authentication",),
    "auth_unlocked": ("probe",),
    "deprioritised": ("latency",),
}
"""What a breaker may change to, each with its causes; lua/admission/breaker.lua counts them."""
