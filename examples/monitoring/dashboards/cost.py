"""What the completions cost: who is paid, for what, and how much of it in vain."""

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from examples.monitoring.dashboards.boards import board
from examples.monitoring.dashboards.panels import graph, number, rows
from examples.monitoring.dashboards.queries import Query, rate, seen

_HERE = 'chain=~"$chain",provider=~"$provider"'
_WHERE = f"{{{_HERE}}}"
_PROVIDER = '{provider=~"$provider"}'
_SPENT, _WASTED = "fallback_cost_usd_total", "fallback_wasted_cost_usd_total"


def dashboard() -> Dashboard:
    """Returns the dashboard."""
    text = "USD by provider, model and chain, from the prices and tokens of each attempt. `fallback spend` has tenants."
    made = board("cost", "Fallback: cost", text, "chain", "provider")
    for part in (_now, _over_time, _tokens, _budgets):
        made = part(made)
    return made


def _hourly(metric: str, by: str) -> Query:
    legend = ": ".join(f"{{{{{label}}}}}" for label in by.split(", "))
    return Query(seen(f"{rate(metric, by, _WHERE)} * 3600"), legend)


def _in_range(metric: str, by: str = "") -> str:
    grouped = f" by ({by}) " if by else ""
    return f"sum{grouped}(increase({metric}{_WHERE}[$__range]))"


def _now(made: Dashboard) -> Dashboard:
    completions = 'sum(increase(fallback_completions_total{chain=~"$chain"}[$__range]))'
    thousand = f"1000 * {_in_range(_SPENT)} / {completions}"
    return (
        made.with_panel(number("Spent in the time shown", "currencyUSD", _in_range(_SPENT)).span(6))
        .with_panel(number("Wasted in the time shown", "currencyUSD", f"{_in_range(_WASTED)} or vector(0)").span(6))
        .with_panel(number("Spent an hour", "currencyUSD", f"{rate(_SPENT, where=_WHERE)} * 3600").span(6))
        .with_panel(number("A thousand completions", "currencyUSD", thousand).span(6))
    )


def _over_time(made: Dashboard) -> Dashboard:
    return (
        made.with_row(Row("Over time"))
        .with_panel(graph("USD an hour by provider", "currencyUSD", _hourly(_SPENT, "provider"), stacked=True, span=8))
        .with_panel(graph("USD an hour by chain", "currencyUSD", _hourly(_SPENT, "chain"), stacked=True, span=8))
        .with_panel(
            graph(
                "USD an hour wasted",
                "currencyUSD",
                _hourly(_WASTED, "provider"),
                stacked=True,
                text="Paid for what no caller got: failed attempts, duplicate answers.",
                how_to="duplicate-answers",
                span=8,
            )
        )
        .with_panel(
            rows(
                "Spent by model",
                seen(_in_range(_SPENT, "provider, model")),
                ["provider", "model"],
                value="USD",
                unit="currencyUSD",
            )
        )
        .with_panel(
            rows(
                "Spent by chain",
                seen(_in_range(_SPENT, "chain, provider")),
                ["chain", "provider"],
                value="USD",
                unit="currencyUSD",
            )
        )
    )


def _tokens(made: Dashboard) -> Dashboard:
    kinds = Query(seen(rate("fallback_tokens_total", "kind", _PROVIDER)), "{{kind}}")
    models = Query(seen(rate("fallback_tokens_total", "provider, model", _PROVIDER)), "{{provider}}: {{model}}")
    return (
        made.with_row(Row("Tokens"))
        .with_panel(graph("Tokens a second by kind", "none", kinds))
        .with_panel(graph("Tokens a second by model", "none", models))
    )


def _budgets(made: Dashboard) -> Dashboard:
    budgets = Query("fallback_budget_used_ratio", "{{provider}}{{chain}}: {{limit}}")
    return made.with_row(Row("Budgets")).with_panel(
        graph("Budgets in use", "percentunit", budgets, how_to="budget-nearly-spent", span=24)
    )
