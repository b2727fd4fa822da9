"""The warnings of `fallback check`: the finding, its effect and the remedy, in one line each."""

from collections.abc import Iterator, Sequence

from tasks.cli.support.durability import Durability
from tasks.cli.support.neighbours import WITHIN, Neighbours
from tasks.cli.support.quoting import quoted
from tasks.transport.tracking import POLL_EVERY

_MOST = 5
"""Names in one line."""

_TRACKING_CURES = {
    "not-allowed": "allow it with +client|tracking",
    "unsupported": "connect without a proxy, or use a server that has it, such as Redis 6.2 or Valkey",
}
"""By what `tasks.transport.tracking.reason` returns."""


def of_durability(found: Durability | None) -> Iterator[str]:
    """Yields a line for each setting of Redis with which queued completions may be lost."""
    if found is None:
        yield "maxmemory and appendonly could not be checked: this user may not ask INFO; allow it with +info"
        return
    if found.policy != "noeviction":
        yield (
            f"maxmemory-policy is {found.policy}: a full Redis deletes what is queued and answers that nobody has "
            "read; set it to noeviction"
        )
    if not found.max_memory:
        yield "maxmemory is 0: Redis grows until the system kills it; set it below the machine's memory, such as 1gb"
    if not found.appends:
        yield "appendonly is no: a restart of Redis loses what was queued since its last snapshot; set it to yes"


def of_neighbours(found: Neighbours | None) -> Iterator[str]:
    """Yields a line for each other user of the fleet's database."""
    if found is None:
        yield "who else is on this database could not be checked: this user may not SCAN; allow it with +scan"
        return
    if found.fleets:
        yield (
            f"another fleet is on this database, namespace {_names(found.fleets)}: fleets take completions from one "
            "queue and share results; give each a database of its own in REDIS_URL"
        )
    if found.queues:
        yield (
            f"another Celery application is on this database, queues {_names(found.queues)}: it shares the memory, and "
            "its broadcasts, such as a shutdown, reach these workers; give it a database of its own"
        )
    if not found.whole:
        yield f"there may be others on this database: it has more keys than could be looked at in {WITHIN:g} s"


def of_tracking(refusal: str | None) -> Iterator[str]:
    """Yields a line if workers must poll, because the server refuses CLIENT TRACKING."""
    if refusal:
        yield (
            f"this Redis refuses CLIENT TRACKING ({refusal}): workers ask for messages every "
            f"{POLL_EVERY * 1000:.0f} ms, which delays a completion by up to that much and costs CPU while they idle; "
            f"{_TRACKING_CURES[refusal]}"
        )


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return ", ".join(map(quoted, names[:_MOST])) + more
