"""The fleet on one screen: is something wrong, and where."""

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from examples.monitoring.dashboards.boards import BREAKER, STATUS, board, breaker_state, provider_status
from examples.monitoring.dashboards.panels import graph, number, rows, states
from examples.monitoring.dashboards.queries import Query, quantile, quantiles, rate, seen


def dashboard() -> Dashboard:
    """Returns the dashboard."""
    made = board("fleet", "Fallback: fleet", "What is wrong with the fleet, since when, and what to do.")
    for part in (_now, _completions, _providers, _queue, _workers, _redis):
        made = part(made)
    return made


def _now(made: Dashboard) -> Dashboard:
    waiting = "sum(fallback_queue_depth)"
    failed = rate("fallback_completions_total", where='{outcome!="answered"}')
    share = f"{failed} / {rate('fallback_completions_total')} or vector(0)"
    return (
        made.with_panel(number("Redis", "bool_on_off", "fallback_redis_up", least=1, how_to="redis-down"))
        .with_panel(
            number(
                "Workers consuming", "none", "sum(fallback_worker_consuming) or vector(0)", least=1, how_to="no-workers"
            )
        )
        .with_panel(number("Problems", "none", "count(fallback_problem) or vector(0)", alarm=1))
        .with_panel(number("Queued", "none", waiting, warn=100, how_to="queue-old"))
        .with_panel(number("Parked", "none", "sum(fallback_parked)", warn=1, how_to="parked-old"))
        .with_panel(
            number("Dead letters", "none", "sum(fallback_dead_letters) or vector(0)", how_to="dead-letters-rising")
        )
        .with_panel(number("Failing", "percentunit", share, alarm=0.05, how_to="completions-fail"))
        .with_panel(number("Spent an hour", "currencyUSD", f"{rate('fallback_cost_usd_total')} * 3600"))
        .with_panel(
            rows(
                "Problems now",
                "fallback_problem",
                ["severity", "kind", "subject"],
                text="What `fallback status` lists; it has the cure of each.",
                how_to="a-providers-status",
            )
        )
        .with_panel(
            rows(
                "Alerts",
                'ALERTS{alertname=~"Fallback.+"}',
                ["alertstate", "severity", "alertname", "provider", "chain", "worker", "priority"],
                text="Pending: the expression holds, but not yet for as long as the rule wants.",
                how_to="alerts",
            )
        )
    )


def _completions(made: Dashboard) -> Dashboard:
    took, waited, own = "fallback_completion_seconds", "fallback_queue_wait_seconds", "fallback_overhead_seconds"
    per_outcome = rate("fallback_completions_total", "outcome")
    return (
        made.with_row(Row("Completions"))
        .with_panel(graph("Completions by outcome", "reqps", Query(seen(per_outcome), "{{outcome}}"), stacked=True))
        .with_panel(
            graph(
                "Time to the answer",
                "s",
                *quantiles(0.5, 0.95, 0.99, metric=took),
                text="From the begin of the work to the outcome, of all chains.",
            )
        )
        .with_panel(
            graph(
                "Wait in the queue (p95)", "s", Query(quantile(0.95, waited, "chain"), "{{chain}}"), how_to="queue-old"
            )
        )
        .with_panel(
            graph(
                "Overhead",
                "s",
                *quantiles(0.5, 0.95, metric=own),
                text="What is neither queue, backoff nor provider: the fleet's own time for a completion.",
            )
        )
    )


def _providers(made: Dashboard) -> Dashboard:
    attempts = rate("fallback_attempts_total", "provider")
    failovers = rate("fallback_failovers_total", "from_provider, to_provider")
    return (
        made.with_row(Row("Providers"))
        .with_panel(states("Status", Query(provider_status(), "{{provider}}"), STATUS, how_to="a-providers-status"))
        .with_panel(states("Breaker", Query(breaker_state(), "{{provider}}"), BREAKER, how_to="breaker-open"))
        .with_panel(graph("Attempts", "reqps", Query(attempts, "{{provider}}"), span=8))
        .with_panel(
            graph(
                "Failovers",
                "reqps",
                Query(seen(failovers), "{{from_provider}} to {{to_provider}}"),
                how_to="failover-rate",
                span=8,
            )
        )
        .with_panel(graph("In flight", "none", Query("fallback_in_flight", "{{provider}}"), span=8))
    )


def _queue(made: Dashboard) -> Dashboard:
    parked = Query("fallback_parked", "{{chain}}")
    letters = Query(seen("sum by (chain, error) (fallback_dead_letters)"), "{{chain}}: {{error}}")
    return (
        made.with_row(Row("Queue"))
        .with_panel(
            graph("Queued", "none", Query("fallback_queue_depth", "priority {{priority}}"), stacked=True, span=6)
        )
        .with_panel(
            graph(
                "Oldest in the queue",
                "s",
                Query("fallback_queue_oldest_seconds", "priority {{priority}}"),
                how_to="queue-old",
                span=6,
            )
        )
        .with_panel(graph("Parked", "none", parked, stacked=True, how_to="parked-old", span=6))
        .with_panel(graph("Dead letters", "none", letters, how_to="dead-letters-rising", span=6))
    )


def _workers(made: Dashboard) -> Dashboard:
    used = Query("fallback_worker_slots_used", "{{worker}}")
    slots = Query("sum(fallback_worker_slots)", "slots of all")
    offset = Query("fallback_worker_clock_offset_seconds", "{{worker}}")
    consuming = {0: ("not consuming", "red"), 1: ("consuming", "green")}
    taking = Query("fallback_worker_consuming", "{{worker}}")
    return (
        made.with_row(Row("Workers"))
        .with_panel(states("Consuming", taking, consuming, how_to="worker-not-consuming"))
        .with_panel(graph("Slots in use", "none", used, slots, span=6))
        .with_panel(
            graph(
                "Clock against Redis", "s", offset, signed=True, text="Ahead: above 0.", how_to="clock-skewed", span=6
            )
        )
    )


def _redis(made: Dashboard) -> Dashboard:
    counters = ("redis_outages", "decisions_without_redis", "duplicate_answers", "quarantined")
    memory, most = Query("fallback_redis_memory_bytes", "used"), Query("fallback_redis_memory_max_bytes", "maxmemory")
    counted = (Query(f"increase(fallback_{name}_total[$__rate_interval])", name.replace("_", " ")) for name in counters)
    full = {0: ("takes writes", "green"), 1: ("refuses writes", "red")}
    return (
        made.with_row(Row("Redis"))
        .with_panel(graph("Memory", "bytes", memory, most, how_to="redis-nearly-full"))
        .with_panel(states("Writes", Query("fallback_redis_refuses_writes", "Redis"), full, how_to="redis-full"))
        .with_panel(graph("Outages and what they cost", "none", *counted, how_to="redis-down", span=24))
    )
