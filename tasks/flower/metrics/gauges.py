"""The gauges of Flower's `/metrics`: what each says, and its labels. What processes count is in worker/telemetry."""

from dataclasses import dataclass

from worker.telemetry.metrics.instruments import PREFIX


@dataclass(frozen=True, slots=True)
class Gauge:
    """One gauge: its name without `fallback_`, its labels, and what it says in a sentence."""

    name: str
    labels: tuple[str, ...]
    text: str

    @property
    def family(self) -> str:
        """Returns its name at Prometheus."""
        return PREFIX + self.name


STATES = (
    *("closed", "open", "half_open", "forced_open", "forced_closed"),
    *("auth_locked", "rate_limited", "deprioritised"),
)
STATUSES = ("healthy", "degraded", "unhealthy", "unknown")

REDIS_UP = Gauge("redis_up", (), "Whether Redis answers; 0 stands alone.")
REDIS_MEMORY_BYTES = Gauge("redis_memory_bytes", (), "Memory that Redis uses.")
REDIS_MEMORY_MAX_BYTES = Gauge("redis_memory_max_bytes", (), "Memory that Redis may use, 0 without a limit.")
REDIS_REFUSES_WRITES = Gauge(
    "redis_refuses_writes", (), "Whether Redis answers, but takes no writes: it is full, read-only, or lost its disk."
)
PROBLEM = Gauge(
    "problem",
    ("kind", "subject", "severity"),
    "1 for each problem that `fallback status` shows; the subject is a provider, a chain or a worker, else empty.",
)
QUEUE_DEPTH = Gauge("queue_depth", ("priority",), "Messages in the queue; retries have priority 0.")
QUEUE_OLDEST_SECONDS = Gauge(
    "queue_oldest_seconds",
    ("priority",),
    "Since the completion was queued whose message is next; of a producer by name, since it was first seen to be next.",
)
IN_FLIGHT = Gauge("in_flight", ("provider",), "Calls in flight, as the processes reported in their last 3 s.")
PARKED = Gauge("parked", ("chain",), "Completions parked until a provider admits.")
PARKED_OLDEST_SECONDS = Gauge(
    "parked_oldest_seconds", ("chain",), "Since the first delivery of the oldest parked completion, 0 without any."
)
SCHEDULED = Gauge("scheduled", (), "Completions that are due later.")
DEAD_LETTERS = Gauge("dead_letters", ("chain", "error"), "Completions that failed for good and are kept for a replay.")
BREAKER_STATE = Gauge(
    "breaker_state",
    ("provider", "state"),
    "1 for the state in force, 0 for the others. Of several it is an override, a refused key, open, half-open, a rate "
    "limit, slowness, in this order.",
)
PROVIDER_STATUS = Gauge(
    "provider_status", ("provider", "status"), "1 for a provider's health as `fallback status` shows it, 0 for others."
)
SUCCESS_RATIO = Gauge("success_ratio", ("provider",), "Share of successes among the last 100 calls.")
AVAILABILITY_RATIO = Gauge("availability_ratio", ("provider",), "Share of the last 100 probes that were answered.")
LIMIT_USED_RATIO = Gauge(
    "limit_used_ratio", ("provider", "limit"), "What is used of a configured limit of a provider: 1 is all of it."
)
BUDGET_USED_RATIO = Gauge(
    "budget_used_ratio",
    ("provider", "chain", "limit"),
    "What is reserved and spent of a configured budget of today (UTC); it has the label provider or chain.",
)
WORKER_CONSUMING = Gauge(
    "worker_consuming", ("worker",), "Whether a worker takes completions; one that was killed is 0 for an hour."
)
WORKER_CLOCK_OFFSET_SECONDS = Gauge(
    "worker_clock_offset_seconds", ("worker",), "How far a worker's clock is ahead of that of Redis."
)
WORKER_SLOTS = Gauge("worker_slots", ("worker",), "How many completions a worker takes at the same time.")
WORKER_SLOTS_USED = Gauge("worker_slots_used", ("worker",), "Of these slots, those in use.")

GAUGES = tuple(each for each in list(vars().values()) if isinstance(each, Gauge))
"""All of them, in this order."""
