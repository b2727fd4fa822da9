"""Page 5: what failed for good, by class and chain, and the newest of them; never their requests."""

import threading
from collections import Counter
from typing import Any

from config.settings import Settings
from tasks.flower.dead_letters import DeadLetters
from worker.store.store import Store
from worker.task import dead_letters as kept

LISTED = 100

_COUNTED = DeadLetters()
_LOCK = threading.Lock()
"""For `DeadLetters`, which several threads of pages share."""


def dead_letters(settings: Settings, store: Store, counted: DeadLetters = _COUNTED) -> dict[str, Any]:
    """Returns `total`, `groups` by class of error and chain, the largest first, and the `newest`.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    del settings
    with _LOCK:
        groups = counted.count(store, round(1000 * (store.time() - store.expires)))
    newest = [
        {
            "task": each.task_id,
            "at": each.at_ms / 1000,
            "chain": each.chain,
            "error": each.error,
            "message": each.message,
            "asked": dict(Counter(f"{entry.provider}: {entry.outcome}" for entry in each.attempts)),
        }
        for each in kept.newest(store, LISTED)
    ]
    return {
        "total": sum(groups.values()),
        "groups": [{"chain": chain, "error": error, "number": n} for (chain, error), n in groups.most_common()],
        "newest": newest,
    }
