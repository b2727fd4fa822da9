"""The fleet's counters, for Prometheus.

| counter | how many |
|---|---|
| `redis_outages` | times that a process began to see a Redis outage |
| `decisions_without_redis` | decisions about the next provider that were made during a Redis outage |
| `duplicate_answers` | answers that came when their task already had an outcome; see lua/task/settle.lua |
| `alerts_dropped` | alerts that left their stream before a receiver had taken them; see lua/events/alert.lua |
| `quarantined` | messages that no worker could read; see the key `{ns}:2:quarantine` |
"""

import logging

from redis.exceptions import ResponseError

from worker.admission.bulkheads import BULKHEADS
from worker.errors import RedisUnavailable
from worker.store.store import Store
from worker.telemetry import remaining
from worker.telemetry.metrics.recording import METRICS
from worker.telemetry.metrics.stored import command, has_counts

_log = logging.getLogger(__name__)

COUNTERS = ("redis_outages", "decisions_without_redis", "duplicate_answers", "alerts_dropped", "quarantined")


def counters(store: Store) -> dict[str, int]:
    """Returns every counter's value.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    counted = store.run(("HGETALL", store.keys.counters))[0]
    return {name: int(counted.get(name, 0)) for name in COUNTERS}


def flush(store: Store) -> None:
    """Adds what this process counted since the last flush, also its metrics. No request waits for it.

    Raises:
        RedisUnavailable: the store did not answer. The counts are kept, except those that were being sent; of these,
            metrics that the server refused.
    """
    if not (store.outage.counted or has_counts()):
        return
    now = store.time()  # a server that hangs would apply every retried increment once it wakes
    counted, metrics, in_flight = store.outage.take(), METRICS.counts.take(), BULKHEADS.in_flight()
    increments = (("HINCRBY", store.keys.counters, name, number) for name, number in counted.items())
    try:
        *_, dropped = store.run(*increments, *remaining.commands(store, now), command(store, metrics, in_flight))
    except RedisUnavailable as exc:
        if isinstance(exc.__cause__, ResponseError):
            METRICS.counts.put_back(metrics)
        raise
    METRICS.reported = bool(in_flight)
    if dropped:
        _log.warning("metrics-dropped fields=%d", dropped)
