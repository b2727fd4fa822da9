"""What is wrong with Redis: it is down, refuses this client, takes no writes, or is full or nearly so."""

from collections.abc import Iterator

from config.redis_url import shown
from config.settings import Settings
from worker.diagnosis.facts import Facts
from worker.diagnosis.problem import Problem
from worker.store.memory import NEARLY, Memory, is_full

_RAISE = 'redis-cli -u "$REDIS_URL" config set maxmemory {} (and in its configuration)'
_CURES = {
    "ReadOnlyError": "REDIS_URL names a replica: name the master, or its Sentinels",
    "MISCONF": "it cannot write its snapshot: free its disk, see its log",
    "NOREPLICAS": "it has too few replicas: bring them back, or lower min-replicas-to-write",
}


def down(settings: Settings, cause: BaseException | None) -> Problem:
    """Returns the problem of a Redis that does not answer."""
    what = f"no Redis at {shown(settings.redis_url)} ({type(cause).__name__})"
    return Problem("redis-down", "", what, None, "start it, set REDIS_URL, or run `fallback up`", "critical")


def refusing_client(settings: Settings, cause: Exception) -> Problem:
    """Returns the problem of a Redis that answers and refuses this client's commands; its text may hold a password."""
    what = f"Redis at {shown(settings.redis_url)} refuses this client ({type(cause).__name__})"
    cure = "it must speak RESP3 (HELLO 3) and allow the commands listed in docs/how-to/deploy.md"
    return Problem("redis-refuses-client", "", what, None, cure, "critical")


def refusing_writes(cause: BaseException, memory: Memory) -> Problem:
    """Returns the problem of a Redis that answers and takes no writes."""
    if is_full(cause):
        figures = f" ({memory})" if str(memory) else ""
        what = f"Redis is full{figures}: nothing can be queued, and answers wait for room"
        return Problem("redis-full", "", what, None, f"raise maxmemory: {_RAISE.format(_more(memory))}", "critical")
    words = str(cause).split()
    known = type(cause).__name__ if type(cause).__name__ in _CURES else words[0] if words else ""
    what = f"Redis refuses every write ({known or type(cause).__name__})"
    return Problem("redis-refuses-writes", "", what, None, _CURES.get(known, "see its log"), "critical")


def problems(facts: Facts) -> Iterator[Problem]:
    """Yields what is wrong with a Redis that answers."""
    if facts.refusal:
        yield refusing_writes(facts.refusal, facts.memory)
    elif facts.memory.share >= NEARLY:
        what = f"Redis is nearly full ({facts.memory}, {facts.memory.share:.0%})"
        yield Problem("redis-nearly-full", "", what, None, f"raise maxmemory: {_RAISE.format(_more(facts.memory))}")


def _more(memory: Memory) -> str:
    """Returns twice the memory in whole MB, as Redis reads it."""
    return f"{max(1, round(2 * memory.most / 1e6))}mb" if memory.most else "SIZE"
