"""The fleet's counters, for `fallback status` and Prometheus.

| counter | how many |
|---|---|
| `redis_outages` | times that a process began to see a Redis outage |
| `decisions_without_redis` | decisions about the next provider that were made during a Redis outage |
| `duplicate_answers` | answers that came when their task already had an outcome; see lua/task/settle.lua |
| `alerts_dropped` | alerts that left their stream before a receiver had taken them; see lua/events/alert.lua |
| `quarantined` | messages that no worker could read; see the key `{ns}:2:quarantine` |
"""

from worker.store.store import Store

COUNTERS = ("redis_outages", "decisions_without_redis", "duplicate_answers", "alerts_dropped", "quarantined")


def counters(store: Store) -> dict[str, int]:
    """Returns every counter's value.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    counted = store.run(("HGETALL", store.keys.counters))[0]
    return {name: int(counted.get(name, 0)) for name in COUNTERS}


def flush(store: Store) -> None:
    """Adds this process's counts since the last flush. No request waits for it.

    Raises:
        RedisUnavailable: the store did not answer. The counts are kept, except those that were being sent.
    """
    if store.outage.counted:
        store.run(("PING",))  # a server that hangs would apply every retried increment once it wakes
        counted = store.outage.take()
        store.run(*(("HINCRBY", store.keys.counters, name, number) for name, number in counted.items()))
