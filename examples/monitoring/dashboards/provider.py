"""One provider, or several beside each other."""

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from examples.monitoring.dashboards.boards import BREAKER, STATUS, board, breaker_state, provider_status
from examples.monitoring.dashboards.panels import graph, number, states
from examples.monitoring.dashboards.queries import Query, quantile, quantiles, rate, seen

_HERE = 'provider=~"$provider"'
_WHERE = f"{{{_HERE}}}"


def dashboard() -> Dashboard:
    """Returns the dashboard."""
    made = board("provider", "Fallback: provider", "How providers answer, and what the fleet makes of it.", "provider")
    for part in (_now, _attempts, _times, _failovers, _use):
        made = part(made)
    return made


def _now(made: Dashboard) -> Dashboard:
    status, breaker = Query(provider_status(_HERE), "{{provider}}"), Query(breaker_state(_HERE), "{{provider}}")
    good = rate("fallback_attempts_total", where=f'{{outcome="success",{_HERE}}}')
    every = rate("fallback_attempts_total", where=_WHERE)
    first, whole = "fallback_first_token_seconds", "fallback_attempt_seconds"
    spent = f"{rate('fallback_cost_usd_total', where=_WHERE)} * 3600"
    return (
        made.with_panel(number("Calls", "reqps", every).span(4))
        .with_panel(number("Answered", "percentunit", f"{good} / {every}").span(4))
        .with_panel(number("In flight", "none", f"sum(fallback_in_flight{_WHERE})").span(4))
        .with_panel(number("First token (p95)", "s", quantile(0.95, first, where=_WHERE)).span(4))
        .with_panel(number("Answer (p95)", "s", quantile(0.95, whole, where=_WHERE)).span(4))
        .with_panel(number("Spent an hour", "currencyUSD", spent).span(4))
        .with_panel(states("Status", status, STATUS, how_to="a-providers-status"))
        .with_panel(states("Breaker", breaker, BREAKER, how_to="breaker-open"))
    )


def _attempts(made: Dashboard) -> Dashboard:
    classes = Query(seen(rate("fallback_attempts_total", "outcome", _WHERE)), "{{outcome}}")
    models = Query(seen(rate("fallback_attempts_total", "provider, model", _WHERE)), "{{provider}}: {{model}}")
    retries = Query(rate("fallback_retries_total", "provider", _WHERE), "{{provider}}")
    return (
        made.with_row(Row("Calls"))
        .with_panel(graph("Calls by outcome", "reqps", classes, stacked=True, how_to="a-providers-status", span=8))
        .with_panel(graph("Calls by model", "reqps", models, span=8))
        .with_panel(graph("Retries", "reqps", retries, text="The same provider, later.", span=8))
    )


def _times(made: Dashboard) -> Dashboard:
    def both(metric: str) -> list[Query]:
        return quantiles(0.5, 0.95, metric=metric, by="provider", where=_WHERE)

    return (
        made.with_row(Row("Times"))
        .with_panel(graph("First token", "s", *both("fallback_first_token_seconds"), how_to="provider-slow"))
        .with_panel(graph("Whole call", "s", *both("fallback_attempt_seconds"), how_to="provider-slow"))
    )


def _failovers(made: Dashboard) -> Dashboard:
    away = rate("fallback_failovers_total", "from_provider, outcome", '{from_provider=~"$provider"}')
    here = rate("fallback_failovers_total", "to_provider, from_provider", '{to_provider=~"$provider"}')
    lately = Query(f"fallback_success_ratio{_WHERE}", "{{provider}}: calls")
    probed = Query(f"fallback_availability_ratio{_WHERE}", "{{provider}}: probes")
    steps = f"sum by (provider, to, cause) (increase(fallback_breaker_transitions_total{_WHERE}[$__rate_interval]))"
    return (
        made.with_row(Row("Failovers and breaker"))
        .with_panel(
            graph(
                "Failovers away",
                "reqps",
                Query(seen(away), "{{from_provider}}: {{outcome}}"),
                how_to="failover-rate",
                span=8,
            )
        )
        .with_panel(
            graph("Failovers to it", "reqps", Query(seen(here), "{{to_provider}} from {{from_provider}}"), span=8)
        )
        .with_panel(
            graph(
                "Successes",
                "percentunit",
                lately,
                probed,
                text="Of the last 100 calls, and of the last 100 probes, which cost nothing.",
                how_to="a-providers-status",
                span=8,
            )
        )
        .with_panel(
            graph(
                "Breaker transitions",
                "none",
                Query(seen(steps), "{{provider}} to {{to}}: {{cause}}"),
                how_to="breaker-open",
                span=24,
            )
        )
    )


def _use(made: Dashboard) -> Dashboard:
    flying = Query(f"fallback_in_flight{_WHERE}", "{{provider}}")
    limits = Query(f"fallback_limit_used_ratio{_WHERE}", "{{provider}}: {{limit}}")
    budgets = Query(f"fallback_budget_used_ratio{_WHERE}", "{{provider}}: {{limit}}")
    tokens = Query(seen(rate("fallback_tokens_total", "provider, kind", _WHERE)), "{{provider}}: {{kind}}")
    return (
        made.with_row(Row("Use"))
        .with_panel(graph("In flight", "none", flying, span=6))
        .with_panel(graph("Limits in use", "percentunit", limits, how_to="limit-reached", span=6))
        .with_panel(graph("Budgets in use", "percentunit", budgets, how_to="budget-nearly-spent", span=6))
        .with_panel(graph("Tokens a second", "none", tokens, span=6))
    )
