"""Which chains cannot answer, and what the cure is."""

from typing import Any

from tests.worker.diagnosis.fleet_facts import NOW, SINCE, budgeted, facts, snapshot, worker
from worker.diagnosis.problems import diagnose, stop_all


def down(provider: str) -> dict[str, Any]:
    return {provider: snapshot(provider, state="open", open_until=NOW + 540, unhealthy=SINCE, error="overloaded 529")}


def test_a_chain_is_down_when_no_provider_of_it_admits_soon() -> None:
    breakers = down("claude") | down("openai") | down("llama_cpp")
    waits: dict[str, float | None] = {"claude": 540.0, "openai": 540.0, "llama_cpp": None}
    found = stop_all(diagnose(facts(breakers=breakers, admissions=waits)))
    line = next(each.line(NOW) for each in found if each.subject == "default")
    assert line.startswith("chain default: no provider can answer (claude breaker open, 9m left; ")
    assert "its completions fail since 12:06 UTC" in line


def test_a_chain_whose_provider_admits_within_half_a_minute_is_not_down() -> None:
    breakers = down("claude") | down("openai") | down("llama_cpp")
    waits = {"claude": 540.0, "openai": 29.0, "llama_cpp": 29.0}
    assert stop_all(diagnose(facts(breakers=breakers, admissions=waits))) == []


def test_a_chain_whose_last_provider_is_forced_open_names_that_cure() -> None:
    forced = {name: snapshot(name, override="open") for name in ("claude", "openai", "llama_cpp")}
    found = stop_all(diagnose(facts(breakers=forced, admissions=dict.fromkeys(forced, None))))
    assert found
    assert all("fallback breaker reset" in each.cure for each in found)


def test_a_chain_without_any_provider_says_what_to_set() -> None:
    missing = {"claude": "no API key", "openai": "no API key", "llama_cpp": "no base URL"}
    found = stop_all(diagnose(facts(workers=(worker(missing=missing),))))
    assert any("claude no API key" in each.what for each in found)


def test_a_chain_whose_budget_is_gone_cannot_answer() -> None:
    [found] = stop_all(diagnose(facts(settings=budgeted(usd_per_day=1), used_usd={"chain:default": 1.0})))
    assert (found.kind, found.subject) == ("chain-down", "default")
    assert found.cure == "raise chains.default.usd_per_day, or wait for 00:00 UTC"
