"""The one function that says what is wrong: for `fallback status`, `fallback check`, the pages, metrics and alerts.

| kind | subject | what is wrong |
|---|---|---|
| `redis-down` | | Redis does not answer |
| `redis-refuses-client` | | Redis refuses this client's commands |
| `redis-full`, `redis-nearly-full` | | its memory is used up, or to 90 % |
| `redis-refuses-writes` | | it is a replica, or has lost its disk or its replicas |
| `no-workers` | | no worker takes completions |
| `clock-skewed` | worker | its clock is more than a second off; more than 2 s, and it takes nothing |
| `worker-not-consuming` | worker | it takes nothing for another reason |
| `worker-gone` | worker | it has not reported for 15 s, without having stopped |
| `chain-down` | chain | no provider of it admits within 30 s |
| `key-refused` | provider | the vendor refuses the key |
| `quota-spent` | provider | credit or a spending limit is used up |
| `provider-unreachable` | provider | no connection, or failed probes |
| `provider-overloaded` | provider | its breaker is open for overload or 5xx |
| `provider-silent` | provider | its breaker is open for timeouts, or calls in flight wait for far longer than usual |
| `breaker-open` | provider | its breaker is open for another reason |
| `breaker-forced-open`, `breaker-forced-closed` | provider | an operator's override |
| `rate-limited` | provider | the vendor asks to wait |
| `failing` | provider | over a tenth of its last calls failed |
| `slow` | provider | its first tokens take far longer than usual |
| `limit-reached` | provider | our own limit of it is used up |
| `misconfigured` | provider | it does not list a model of the configuration |
| `not-configured` | provider | some workers lack its key or address |
| `key-differs` | provider | workers have different keys, or this shell another |
| `budget-spent`, `budget-nearly-spent` | provider, chain or tenant | the budget of today is used up, or to 90 % |
| `probes-stopped` | | no provider was probed for three intervals |
| `alerts-not-sent` | receiver | no worker that takes probes can send to it: a variable is not set there |
| `queue-old` | | a completion waits in the queue for over 30 s |
| `parked-old` | providers | one is parked for over a minute |
| `dead-letters` | | more completions fail for good than ten minutes before |
"""

from collections.abc import Iterable
from itertools import chain

from redis.exceptions import ResponseError

from config.settings import Settings
from worker.diagnosis import alerts, backlog, budgets, chains, keys, probes, providers, redis, workers
from worker.diagnosis.facts import Facts, read
from worker.diagnosis.problem import Problem as Problem
from worker.diagnosis.problem import Severity as Severity
from worker.errors import RedisUnavailable
from worker.store.client import refused_by
from worker.store.memory import Memory, memory
from worker.store.store import Store

BLIND = frozenset(("redis-down", "redis-refuses-client", "redis-full", "redis-refuses-writes"))
"""Kinds beside which nothing else is known for certain."""

_STOPS = BLIND | {"chain-down"}
"""Kinds with which a chain cannot answer."""


def problems(settings: Settings, store: Store) -> list[Problem]:
    """Returns what is wrong with the fleet, the worst first; a Redis that is down or full is such a problem itself."""
    try:
        return diagnose(read(settings, store))
    except (RedisUnavailable, ResponseError) as exc:
        return [redis_problem(settings, store, exc)]


def redis_problem(settings: Settings, store: Store, exc: RedisUnavailable | ResponseError) -> Problem:
    """Returns what an error says of Redis: it is down, takes no writes, or refuses this client."""
    if isinstance(exc, ResponseError):
        return redis.refusing_client(settings, exc)
    if cause := refused_by(exc):
        return redis.refusing_writes(cause, _memory(store))
    return redis.down(settings, exc.__cause__)


def stop_all(found: Iterable[Problem]) -> list[Problem]:
    """Returns those of the problems with which a chain cannot answer."""
    return [each for each in found if each.kind in _STOPS]


def takes_reports(found: Iterable[Problem]) -> bool:
    """Returns whether Redis takes what workers report of themselves."""
    return not any(each.kind in ("redis-full", "redis-refuses-writes") for each in found)


def diagnose(facts: Facts) -> list[Problem]:
    """Returns what is wrong by what is known, the worst first: of one severity in the order of the table above."""
    subjects = (redis, workers, chains, providers, keys, budgets, probes, alerts, backlog)
    found = chain.from_iterable(subject.problems(facts) for subject in subjects)
    return sorted(found, key=lambda problem: problem.severity != "critical")


def _memory(store: Store) -> Memory:
    try:
        return memory(store)
    except RedisUnavailable:
        return Memory(0, 0)
