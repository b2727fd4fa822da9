"""The fleet's counters, for `fallback status` and Prometheus.

| counter | how many |
|---|---|
| `store_away` | times that a process found the shared store away |
| `decisions_away` | decisions of which provider to ask that were made without it |
| `wasted_answers` | answers that came when another outcome stood for their task; see lua/settle.lua |
| `quarantined` | messages that no worker could read, and where they went: see `Store.quarantine` |
"""

from worker.store import Store

COUNTERS = ("store_away", "decisions_away", "wasted_answers", "quarantined")


def counters(store: Store) -> dict[str, int]:
    """Returns every counter's value.

    Raises:
        StoreAway: the store did not answer.
    """
    counted = store.run(("HGETALL", store.counters))[0]
    return {name: int(counted.get(name, 0)) for name in COUNTERS}


def flush(store: Store) -> None:
    """Adds what this process counted since the last time; never called on the way of a request.

    Raises:
        StoreAway: the store is still away, and the counts are kept. Those that it loses while they are sent are lost.
    """
    if store.outage.counted:
        store.run(("PING",))  # a server that hangs would add what it was sent each time, once it wakes
        counted = store.outage.take()
        store.run(*(("HINCRBY", store.counters, name, number) for name, number in counted.items()))
