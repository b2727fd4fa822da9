"""What a diagnosis knows, read from Redis in a few round trips."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from config.settings import Settings
from worker.admission.breaker import Snapshot, admissions, snapshot
from worker.admission.stalls import Silence, silences
from worker.health.model_registry import ModelStatus, tiers
from worker.health.probing import Probing, probing
from worker.limits.usage import Used, budgeted, budgets, of_other_tenants, usage
from worker.providers.credentials import fingerprint
from worker.store.memory import Memory, memory, refusal
from worker.store.store import Store
from worker.task.backlog import Backlog, backlog
from worker.telemetry.workers import Worker, missing, workers, working


@dataclass(frozen=True, slots=True)
class Facts:
    """What a diagnosis knows.

    Attributes:
        settings: those of this process.
        now: the epoch in seconds by the clock of Redis.
        memory: how full Redis is.
        refusal: why it refuses writes, None if it takes them.
        breakers: by provider.
        admissions: provider -> seconds until it admits, 0 for now, None where no time is known.
        workers: those that report, and those that were killed lately.
        backlog: what waits and what failed.
        used: what is used of the limits, by provider.
        used_usd: USD of today by the names of budgets, such as `chain:default`.
        others_usd: USD of today of each tenant that has the budget of `*`.
        keys: provider -> the fingerprint of its key in this process.
        probing: whether probes run.
        silent: the providers from whom calls in flight hear nothing.
        models: provider -> tier -> whether the provider lists its model.
    """

    settings: Settings
    now: float
    memory: Memory
    refusal: Exception | None
    breakers: Mapping[str, Snapshot]
    admissions: Mapping[str, float | None]
    workers: tuple[Worker, ...]
    backlog: Backlog
    used: Mapping[str, Used] = field(default_factory=dict)
    used_usd: Mapping[str, float] = field(default_factory=dict)
    others_usd: Sequence[float] = ()
    keys: Mapping[str, str] = field(default_factory=dict)
    probing: Probing = field(default_factory=Probing)
    silent: Mapping[str, Silence] = field(default_factory=dict)
    models: Mapping[str, Mapping[str, ModelStatus]] = field(default_factory=dict)

    @property
    def alive(self) -> tuple[Worker, ...]:
        """Returns the workers that report."""
        return tuple(worker for worker in self.workers if worker.alive)

    @property
    def working(self) -> tuple[Worker, ...]:
        """Returns the workers that report and are for completions, whether they take any or not."""
        return working(self.workers)

    def missing(self, provider: str) -> str | None:
        """Returns why no worker can ask a provider, None if one can; without workers it is what this process knows."""
        return missing(self.settings.providers[provider], self.workers)


def read(settings: Settings, store: Store) -> Facts:
    """Returns what is known now.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    names = list(settings.providers)
    waiting, of_a_day = backlog(store), list(budgets(settings))
    return Facts(
        settings=settings,
        now=waiting.now,
        memory=memory(store),
        refusal=refusal(store),
        breakers={each.provider: each for each in snapshot(store, names)},
        admissions=admissions(store, names),
        workers=tuple(workers(store)),
        backlog=waiting,
        used={each.provider: each for each in usage(store, names)},
        used_usd=dict(zip(of_a_day, budgeted(store, of_a_day), strict=True)),
        others_usd=of_other_tenants(store, settings.tenants),
        keys={name: fingerprint(each, settings.namespace) for name, each in settings.providers.items()},
        probing=probing(store, names),
        silent=silences(store, names),
        models={name: tiers(store, each) for name, each in settings.providers.items() if each.missing is None},
    )
