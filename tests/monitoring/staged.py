"""A fleet to which everything happens that dashboards and alerts show."""

import math
from collections.abc import Mapping
from typing import Any

from config.settings import load
from tasks.local.llmock import LLMock
from tests.end_to_end.local_cluster import LocalSetup
from tests.end_to_end.vendors import QUESTION
from tests.waiting import wait_until
from worker.admission.breaker import control
from worker.health.health import probe
from worker.task.parking import count

CONFIG = """
[providers.claude]
limits = {{ concurrency = 50, requests_per_minute = 10000, usd_per_day = 10000.0 }}
models.default = {{ name = "claude-opus-5-5", input_usd = 1000.0, output_usd = 1000.0 }}
[providers.openai]
models.default = {{ name = "gpt-6", input_usd = 1000.0, output_usd = 1000.0 }}
[providers.refusing]
dialect = "openai"
base_url = "{url}/v1"
models.default = {{ name = "refusing" }}
[providers.spent]
dialect = "openai"
base_url = "{url}/v1"
models.default = {{ name = "spent" }}
errors = {{ "429" = "quota-exhausted" }}
[providers.failing]
dialect = "openai"
base_url = "{url}/v1"
models.default = {{ name = "failing" }}
[providers.closed]
dialect = "openai"
base_url = "{url}/v1"
models.default = {{ name = "closed" }}

[chains.default]
providers = ["claude", "openai"]
usd_per_day = 10000.0
[chains.refused]
providers = ["refusing", "openai"]
[chains.spending]
providers = ["spent", "openai"]
[chains.broken]
providers = ["failing"]
retry = {{ max_retries = 1 }}
[chains.waiting]
providers = ["closed"]
when_exhausted = "wait"
"""

_FAULTS = {"refusing": 401, "spent": 429, "failing": 500}
_ENDS = {"refused": "openai", "spending": "openai", "broken": "ChainExhausted"}
_GOOD = ("claude", "openai")
_SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}
_FORMAT = {"type": "json_schema", "json_schema": {"name": "n", "strict": True, "schema": _SCHEMA}}
_STRICT = {**QUESTION, "response_format": _FORMAT}


def settings(folder: Any, llmock: LLMock) -> dict[str, str]:
    """Writes the configuration and returns the variables with which workers and Flower take it.

    No beat runs, so that probes stop: after three intervals that shows.
    """
    path = folder / "fallback.toml"
    path.write_text(CONFIG.format(url=llmock.url), "utf-8")
    return {**llmock.environment, "FALLBACK_CONFIG": str(path), "FALLBACK_HEALTH__PROBE_INTERVAL": "2"}


def begin(setup: LocalSetup) -> None:
    """Makes Redis small, probes, and closes a provider that a chain waits for."""
    setup.store.redis.config_set("maxmemory", "256mb")
    for provider in load(setup.environment).providers.values():
        if provider.missing is None:
            probe(setup.store, provider, interval=60)
    control(setup.store, "closed", "open", by="test")
    setup.complete(QUESTION, chain="waiting")
    wait_until(lambda: count(setup.store))


def slow_down(setup: LocalSetup, provider: str = "openai") -> None:
    """Makes a provider slower than for hours, by its baselines: nobody waits for hours. It must not be asked again."""
    means = {"latency_mean": round(1e6 * math.log(1100)), "usual_mean": round(1e6 * math.log(300))}
    seconds = int(setup.store.run(("TIME",))[0][0])
    setup.store.redis.hset(setup.store.keys.breaker(provider), mapping={**means, "slow_since": 1000 * seconds})


def go_round(setup: LocalSetup, llmock: LLMock) -> None:
    """Lets it happen once: an answer in vain, a retry, a failover, a refused key, a spent quota, a dead letter."""
    llmock.script({"type": "reply", "text": "no JSON", "times": 2, "match": {"model": "claude-*"}})
    assert outcome(setup, request=_STRICT) in _GOOD  # what breaks the schema is paid for, too
    for times in (1, 4):
        llmock.script(_fault("claude-*", 500, times))
        assert outcome(setup) in _GOOD
    llmock.clear_script()
    llmock.script(*(_fault(model, status) for model, status in _FAULTS.items()))
    ended = {chain: outcome(setup, chain) for chain in _ENDS}
    assert ended == _ENDS, ended
    setup.delay_here(QUESTION)  # by name no time of queueing is stamped


def _fault(model: str, status: int, times: int | None = None) -> dict[str, Any]:
    return {"type": "fail", "status": status, "retry_after": 0, "times": times, "match": {"model": model}}


def outcome(setup: LocalSetup, chain: str = "default", request: Mapping[str, Any] = QUESTION) -> str:
    """Returns who answered a completion, or the error that it ended in."""
    result = setup.complete(request, chain=chain)
    answer = result.get(timeout=30, propagate=False)
    return type(answer).__name__ if result.failed() else str(answer["fallback"]["provider"])
