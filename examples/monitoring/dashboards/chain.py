"""One chain, or several beside each other: what callers get."""

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from examples.monitoring.dashboards.boards import board
from examples.monitoring.dashboards.panels import graph, number
from examples.monitoring.dashboards.queries import Query, quantile, quantiles, rate, seen

_HERE = 'chain=~"$chain"'
_WHERE = f"{{{_HERE}}}"


def dashboard() -> Dashboard:
    """Returns the dashboard."""
    made = board("chain", "Fallback: chain", "What callers of a chain get, how soon, and for how much.", "chain")
    for part in (_now, _outcomes, _times, _waiting, _money):
        made = part(made)
    return made


def _now(made: Dashboard) -> Dashboard:
    answered = rate("fallback_completions_total", where=f'{{outcome="answered",{_HERE}}}')
    every = rate("fallback_completions_total", where=_WHERE)
    spent = rate("fallback_cost_usd_total", where=_WHERE)
    letters = f"sum(fallback_dead_letters{_WHERE}) or vector(0)"
    return (
        made.with_panel(number("Completions", "reqps", every).span(4))
        .with_panel(number("Answered", "percentunit", f"{answered} / {every}", how_to="completions-fail").span(4))
        .with_panel(number("Answer (p95)", "s", quantile(0.95, "fallback_completion_seconds", where=_WHERE)).span(4))
        .with_panel(number("Parked", "none", f"sum(fallback_parked{_WHERE})", warn=1, how_to="parked-old").span(4))
        .with_panel(number("Dead letters", "none", letters, how_to="dead-letters-rising").span(4))
        .with_panel(number("A thousand completions", "currencyUSD", f"1000 * {spent} / {every}").span(4))
    )


def _outcomes(made: Dashboard) -> Dashboard:
    outcomes = Query(seen(rate("fallback_completions_total", "chain, outcome", _WHERE)), "{{chain}}: {{outcome}}")
    good = rate("fallback_completions_total", "chain", f'{{outcome="answered",{_HERE}}}')
    share = Query(f"{good} / {rate('fallback_completions_total', 'chain', _WHERE)}", "{{chain}}")
    return (
        made.with_row(Row("Outcomes"))
        .with_panel(graph("Completions by outcome", "reqps", outcomes, stacked=True, how_to="completions-fail"))
        .with_panel(graph("Answered", "percentunit", share, how_to="completions-fail"))
    )


def _times(made: Dashboard) -> Dashboard:
    def three(metric: str) -> list[Query]:
        return quantiles(0.5, 0.95, 0.99, metric=metric, by="chain", where=_WHERE)

    return (
        made.with_row(Row("Times"))
        .with_panel(graph("Time to the answer", "s", *three("fallback_completion_seconds")))
        .with_panel(graph("Wait in the queue", "s", *three("fallback_queue_wait_seconds"), how_to="queue-old"))
    )


def _waiting(made: Dashboard) -> Dashboard:
    parked, oldest = Query(f"fallback_parked{_WHERE}", "{{chain}}"), f"fallback_parked_oldest_seconds{_WHERE}"
    letters = Query(seen(f"sum by (chain, error) (fallback_dead_letters{_WHERE})"), "{{chain}}: {{error}}")
    return (
        made.with_row(Row("Parked and dead letters"))
        .with_panel(graph("Parked", "none", parked, how_to="parked-old", span=8))
        .with_panel(graph("Oldest parked", "s", Query(oldest, "{{chain}}"), how_to="parked-old", span=8))
        .with_panel(graph("Dead letters", "none", letters, how_to="dead-letters-rising", span=8))
    )


def _money(made: Dashboard) -> Dashboard:
    spent = f"{rate('fallback_cost_usd_total', 'chain, provider', _WHERE)} * 3600"
    wasted = f"{rate('fallback_wasted_cost_usd_total', 'chain, provider', _WHERE)} * 3600"
    budgets = Query(f"fallback_budget_used_ratio{_WHERE}", "{{chain}}: {{limit}}")
    name = "{{chain}}: {{provider}}"
    return (
        made.with_row(Row("Money"))
        .with_panel(graph("USD an hour by who answered", "currencyUSD", Query(seen(spent), name), stacked=True, span=8))
        .with_panel(
            graph(
                "USD an hour wasted",
                "currencyUSD",
                Query(seen(wasted), name),
                text="Paid for what no caller got: failed attempts, duplicate answers.",
                span=8,
            )
        )
        .with_panel(graph("Budgets in use", "percentunit", budgets, how_to="budget-nearly-spent", span=8))
    )
