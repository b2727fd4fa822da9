"""The fleet's metrics as Prometheus's own parser reads them."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from config.settings import Settings, load
from tasks.flower.metrics.fleet import Fleet
from worker.store.store import Store

TOML = """
[providers.openai.limits]
requests_per_minute = 10
tokens_per_minute = 1000
concurrency = 4
usd_per_day = 2.0
[chains.default]
usd_per_day = 4.0
[tenants.acme]
usd_per_day = 1.0
"""


@dataclass(frozen=True)
class Scrape:
    """One scrape: samples by name and labels."""

    samples: dict[tuple[str, frozenset[tuple[str, str]]], float]

    def value(self, name: str, **labels: str) -> float:
        return self.samples[name, frozenset(labels.items())]

    def of(self, name: str) -> dict[tuple[str, ...], float]:
        """Returns the values of a name's labels in the order of their names, with the values of the samples."""
        found = ((dict(labels), value) for (each, labels), value in self.samples.items() if each == name)
        return {tuple(labels[key] for key in sorted(labels)): value for labels, value in found}

    def labels(self, name: str) -> set[str]:
        return {key for each, labels in self.samples if each == name for key, _ in labels}


def parsed(text: str) -> Scrape:
    families = text_string_to_metric_families(text)
    return Scrape(
        {(each.name, frozenset(each.labels.items())): each.value for family in families for each in family.samples}
    )


def settings_at(url: str, folder: Path) -> Settings:
    path = folder / "fallback.toml"
    path.write_text(TOML, encoding="utf-8")
    return load({"REDIS_URL": url, "FALLBACK_CONFIG": str(path), "OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": "k"})


def store_of(settings: Settings) -> Store:
    return Store(settings.redis_url, settings.namespace, settings.providers)


class Page:
    """Flower's page of metrics, without Flower."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(Fleet(store, settings))

    def scrape(self) -> Scrape:
        return parsed(generate_latest(self._registry).decode())


def message(task: str, headers: dict[str, object]) -> str:
    """Returns a message of the queue, whose body is none of ours to read."""
    body, argsrepr = "A" * 50, '(\'"queued_at": 1.0\', \'"id": "wrong"\')'
    return json.dumps({"body": body, "headers": {"argsrepr": argsrepr, "id": task, "root_id": "r", **headers}})


OBSERVE = {
    "completions_total": "chain outcome",
    "attempts_total": "provider model outcome",
    "failovers_total": "from_provider to_provider outcome",
    "retries_total": "provider",
    "completion_seconds_bucket": "chain le",
    "completion_seconds_sum": "chain",
    "queue_wait_seconds_bucket": "chain le",
    "attempt_seconds_bucket": "provider le",
    "first_token_seconds_bucket": "provider le",
    "overhead_seconds_bucket": "le",
    "tokens_total": "provider model kind",
    "cost_usd_total": "provider model chain",
    "wasted_cost_usd_total": "provider model chain",
    "queue_depth": "priority",
    "queue_oldest_seconds": "priority",
    "in_flight": "provider",
    "parked": "chain",
    "parked_oldest_seconds": "chain",
    "dead_letters": "chain error",
    "breaker_state": "provider state",
    "breaker_transitions_total": "provider to cause",
    "provider_status": "provider status",
    "limit_used_ratio": "provider limit",
    "budget_used_ratio": "provider chain limit",
    "worker_consuming": "worker",
    "worker_clock_offset_seconds": "worker",
    "worker_slots": "worker",
    "worker_slots_used": "worker",
    "redis_up": "",
    "redis_memory_bytes": "",
    "redis_memory_max_bytes": "",
    "redis_refuses_writes": "",
}
"""Every metric that an operator relies on, and its labels."""


def labels_of(scrape: Scrape) -> dict[str, str]:
    """Returns the metrics of `OBSERVE` as a scrape has them, their labels in the same order."""
    found = {name: scrape.labels(f"fallback_{name}") for name in OBSERVE if f"fallback_{name}" in names(scrape)}
    return {name: " ".join(sorted(has, key=OBSERVE[name].find)) for name, has in found.items()}


def names(scrape: Scrape) -> set[str]:
    return {name for name, _ in scrape.samples}


def ours(scrape: Scrape) -> set[str]:
    return {name for name in names(scrape) if re.match("fallback_", name)}
