"""A real Prometheus watches a fleet to which everything happens: each expression has data."""

from collections.abc import Iterator

import pytest

from tasks.local import celery_nodes
from tasks.local.fleet import Fleet
from tasks.local.llmock import LLMock
from tasks.local.ports import free_port
from tests.end_to_end.conftest import QUICK
from tests.end_to_end.local_cluster import started_setup
from tests.monitoring import prometheus, staged
from tests.monitoring.prometheus import Prometheus, filled, selectors
from tests.monitoring.stack import alerts, dashboards, panels, tool
from tests.waiting import wait_until

ROUNDS = 4
HAPPENED = (
    *("fallback_completions_total", "fallback_queue_wait_seconds_count", "fallback_dead_letters", "fallback_parked"),
    *("fallback_attempts_total", "fallback_first_token_seconds_count", "fallback_tokens_total"),
    *("fallback_retries_total", "fallback_failovers_total", "fallback_breaker_transitions_total"),
    *('fallback_breaker_state{state="open"}', 'fallback_breaker_state{state="auth_locked"}'),
    *("fallback_cost_usd_total", "fallback_wasted_cost_usd_total"),
    *("fallback_limit_used_ratio", "fallback_budget_used_ratio"),
    *('ALERTS{alertname="FallbackKeyRefused"}', 'ALERTS{alertname="FallbackQuotaSpent"}'),
)
"""Each is above 0 once: a series alone says nothing, because all are there from the start."""

PANELS = dict(panels())
VARIABLES = sorted(
    {
        each["query"]
        for board in dashboards().values()
        for each in board["templating"]["list"]
        if each["type"] == "query"
    }
)

pytestmark = pytest.mark.tools


@pytest.fixture(scope="module")
def watched(
    tmp_path_factory: pytest.TempPathFactory, clean_environment: dict[str, str], shared_llmock: LLMock
) -> Iterator[Prometheus]:
    """A Prometheus that has seen all of it happen."""
    folder, flower_port = tmp_path_factory.mktemp("watched"), free_port()
    program = tool("prometheus", "prometheus")
    shared_llmock.reset()
    environment = {**QUICK, **staged.settings(folder, shared_llmock)}
    with Fleet(folder / "run", clean_environment) as fleet, started_setup(fleet, "watched", environment) as setup:
        setup.start_worker("probing", queues=("probes",))
        celery_nodes.start_flower(fleet, flower_port, environment=setup.environment)
        seen = prometheus.start(fleet, program, folder, flower_port)
        wait_until(lambda: seen.has("fallback_wasted_cost_usd_total"))  # else a rate does not see the first round
        staged.begin(setup)
        for _ in range(ROUNDS):
            staged.go_round(setup, shared_llmock)
        staged.slow_down(setup)
        yield seen


@pytest.mark.parametrize("name", PANELS)
def test_each_expression_of_a_panel_has_data(watched: Prometheus, name: str) -> None:
    for target in PANELS[name]["targets"]:
        expression = filled(target["expr"])
        wait_until(lambda expression=expression: watched.has(expression))  # type: ignore[misc]


@pytest.mark.parametrize("series", HAPPENED)
def test_what_happened_to_the_fleet_shows(watched: Prometheus, series: str) -> None:
    wait_until(lambda: watched.has(f"{series} > 0"))


def test_a_worker_for_probes_alone_is_none_that_takes_no_completions(watched: Prometheus) -> None:
    wait_until(lambda: watched.labels("fallback_worker_consuming", "worker"))
    assert [name for name in watched.labels("fallback_worker_consuming", "worker") if "probing" in name] == []


@pytest.mark.parametrize("name", alerts())
def test_each_series_that_an_alert_looks_at_is_there(watched: Prometheus, name: str) -> None:
    for selector in selectors(alerts()[name]["expr"]):
        wait_until(lambda selector=selector: watched.has(selector))  # type: ignore[misc]


@pytest.mark.parametrize("query", VARIABLES)
def test_each_variable_has_values_to_choose_from(watched: Prometheus, query: str) -> None:
    metric, label = query.removeprefix("label_values(").removesuffix(")").split(", ")
    wait_until(lambda: watched.labels(metric, label))
