"""Limits and budgets as producers and operators see them: who is asked, who waits, who is refused, what was spent."""

import csv
import io
import json
import time
from pathlib import Path
from typing import Any

import pytest

from tasks.local.llmock import LLMock
from tests.end_to_end.command_line import Fallback
from tests.end_to_end.local_cluster import LocalSetup
from tests.end_to_end.vendors import QUESTION, attempts_of, calls, script
from tests.waiting import wait_until
from worker.errors import BudgetExceeded
from worker.limits.usage import usage
from worker.task.parking import count

CONFIG = """
[providers.claude]
limits = { concurrency = 2 }
models.default = { name = "claude-opus-5-5", input_usd = 1000.0, output_usd = 1000.0 }

[providers.openai]
limits = { usd_per_day = 0.000001 }
models.default = { name = "gpt-6", input_usd = 1000.0, output_usd = 1000.0 }

[chains.dear]
providers = ["claude"]
max_cost_usd = 0.001

[chains.spared]
providers = ["claude", "llama_cpp"]
max_cost_usd = 0.001

[chains.capped]
providers = ["openai"]

[chains.patient]
providers = ["claude"]
timeout = 60.0

[chains.daily]
providers = ["claude"]
usd_per_day = 3.0

[chains.tenants]
providers = ["claude"]

[tenants]
poor = { usd_per_day = 0.000001 }
"""

UNPRICED = """
[providers.mine]
dialect = "openai"
base_url = "http://127.0.0.1:9/v1"
models.default = { name = "x" }

[chains.mine]
providers = ["mine"]
usd_per_day = 1.0
"""


@pytest.fixture(scope="module")
def shared_settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    file = tmp_path_factory.mktemp("config") / "fallback.toml"
    file.write_text(CONFIG, encoding="utf-8")
    return {"FALLBACK_CONFIG": str(file)}


def of(tenant: str) -> dict[str, Any]:
    return {**QUESTION, "metadata": {"tenant": tenant}}


def reasons(result: dict[str, Any]) -> list[str | None]:
    return [attempt["reason"] for attempt in result["fallback"]["attempts"]]


def test_a_completion_over_its_budget_asks_nobody(shared_setup: LocalSetup, llmock: LLMock) -> None:
    with pytest.raises(BudgetExceeded, match="'dear': claude: skipped, budget: max_cost_usd"):
        shared_setup.complete(QUESTION, "dear").get(timeout=30)
    assert calls(llmock, "claude") == []


def test_a_provider_that_costs_nothing_is_asked_instead(shared_setup: LocalSetup) -> None:
    result = shared_setup.complete(QUESTION, "spared").get(timeout=30)
    assert attempts_of(result) == [("claude", "skipped"), ("llama_cpp", "success")]
    assert reasons(result)[0] == "budget: max_cost_usd"


def test_a_provider_s_budget_of_a_day_has_an_end(shared_setup: LocalSetup, fallback: Fallback) -> None:
    result = shared_setup.complete(QUESTION, "capped")
    with pytest.raises(BudgetExceeded, match="budget: usd_per_day of the provider"):
        result.get(timeout=30)
    assert "budget: usd_per_day of the provider" in fallback("explain", result.id).stdout


def test_a_tenant_s_budget_is_its_own(shared_setup: LocalSetup) -> None:
    with pytest.raises(BudgetExceeded, match="budget: usd_per_day of the tenant"):
        shared_setup.complete(of("poor"), "tenants").get(timeout=30)
    rich = shared_setup.complete(of("rich"), "tenants").get(timeout=30)
    assert rich["fallback"]["provider"] == "claude"


def test_a_day_s_budget_is_reserved_and_settled(shared_setup: LocalSetup) -> None:
    answers = [shared_setup.complete({**QUESTION, "max_tokens": 1_000}, "daily").get(timeout=30) for _ in range(3)]
    (budgets,) = shared_setup.store.redis.scan_iter("*:budgets:*")
    spent = int(shared_setup.store.redis.hget(budgets, "chain:daily"))
    assert spent == sum(round(answer["fallback"]["cost_usd"] * 1e9) for answer in answers)


def test_who_is_over_a_limit_waits_and_is_answered(shared_setup: LocalSetup, llmock: LLMock) -> None:
    script(llmock, "claude", "slow_first_token", seconds=0.7)
    results = [shared_setup.complete(QUESTION, "patient") for _ in range(6)]
    wait_until(lambda: count(shared_setup.store))
    assert usage(shared_setup.store, ["claude"])[0].concurrency <= 2
    answers = [result.get(timeout=60) for result in results]
    assert {answer["fallback"]["provider"] for answer in answers} == {"claude"}
    assert any("limit: concurrency" in reasons(answer) for answer in answers)
    made = calls(llmock, "claude")
    assert max(sum(a["started_at"] <= b["started_at"] < a["ended_at"] for a in made) for b in made) <= 2
    assert usage(shared_setup.store, ["claude"])[0].concurrency == 0


def test_what_was_spent_is_told_by_day(shared_setup: LocalSetup, fallback: Fallback) -> None:
    first, second = (shared_setup.complete(of(tenant), "spared").get(timeout=30) for tenant in ("a", "b"))
    dear = shared_setup.complete(of("a"), "patient").get(timeout=30)
    day = time.strftime("%Y-%m-%d", time.gmtime())
    rows = [json.loads(line) for line in fallback("spend", "--json").stdout.splitlines()]
    assert [(row["day"], row["provider"], row["answered"]) for row in rows] == [
        (day, "claude", 1),
        (day, "llama_cpp", 2),
    ]
    assert rows[0]["usd"] == pytest.approx(dear["fallback"]["cost_usd"], abs=1e-9)
    tokens = first["usage"]["prompt_tokens"] + second["usage"]["prompt_tokens"]
    assert rows[1]["prompt_tokens"] == tokens
    tenants = list(csv.DictReader(io.StringIO(fallback("spend", "--by", "tenant", "--csv").stdout)))
    assert {row["tenant"]: row["answered"] for row in tenants} == {"a": "2", "b": "1"}
    assert "llama_cpp" in fallback("spend", "--days", "1").stdout


def test_status_shows_what_is_used(shared_setup: LocalSetup, fallback: Fallback) -> None:
    assert "0 of 2" in fallback("status").stdout
    providers = {each["provider"]: each for each in json.loads(fallback("status", "--json").stdout)["providers"]}
    assert providers["claude"]["limits"]["concurrency"] == 2
    assert providers["claude"]["used"]["concurrency"] == 0


def test_a_budget_over_a_provider_without_prices_is_named(tmp_path: Path, fallback: Fallback) -> None:
    file = tmp_path / "fallback.toml"
    file.write_text(UNPRICED, encoding="utf-8")
    ran = fallback("check", FALLBACK_CONFIG=str(file))
    assert "chains.mine.usd_per_day: providers.mine.models.default has no price" in ran.stderr
