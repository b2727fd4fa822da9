"""What the four dashboards share: their variables, their links to each other and to the documentation."""

from grafana_foundation_sdk.builders import dashboard as boards
from grafana_foundation_sdk.models import dashboard as models

from examples.monitoring.dashboards.panels import HOW_TO, SOURCE

TAG = "fallback"
STATUS = {1: ("unknown", "text"), 2: ("healthy", "green"), 3: ("degraded", "yellow"), 4: ("unhealthy", "red")}
BREAKER = {
    1: ("closed", "green"),
    2: ("deprioritised", "light-yellow"),
    3: ("forced closed", "blue"),
    4: ("rate limited", "yellow"),
    5: ("half-open", "orange"),
    6: ("open", "red"),
    7: ("key refused", "dark-red"),
    8: ("forced open", "purple"),
}
"""Where several are so at once, the greatest number shows."""

LABELS = {7: "auth_locked"}
"""A state's label, where it is not the shown text."""


def board(name: str, title: str, text: str, *variables: str) -> boards.Dashboard:
    """Returns a dashboard without panels; `variables` are labels that it can be narrowed down to."""
    made = (
        boards.Dashboard(title)
        .uid(f"fallback-{name}")
        .description(text)
        .tags([TAG])
        .readonly()
        .time("now-3h", "now")
        .refresh("30s")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .with_variable(boards.DatasourceVariable("source").label("data source").type("prometheus"))
    )
    for label in variables:
        made = made.with_variable(_narrowed(label))
    there = boards.TextBoxVariable("docs").label("documentation").default_value("http://127.0.0.1:8000")
    link, others = models.DashboardLinkType.LINK, models.DashboardLinkType.DASHBOARDS
    return (
        made.with_variable(there.description("Where the site that `make docs` builds is served."))
        .link(boards.DashboardLink("Fallback").type(others).tags([TAG]).include_vars(True).keep_time(True))
        .link(boards.DashboardLink("Respond to an alert").type(link).icon("doc").url(HOW_TO).target_blank(True))
        .link(boards.DashboardLink("Metrics").type(link).icon("doc").url("${docs}/reference/metrics.html"))
    )


def breaker_state(where: str = "") -> str:
    """Returns the expression of each provider's breaker as a key of `BREAKER`."""
    labels = {
        number: LABELS.get(number) or name.replace("-", "_").replace(" ", "_") for number, (name, _) in BREAKER.items()
    }
    return _coded("fallback_breaker_state", "state", labels, where)


def provider_status(where: str = "") -> str:
    """Returns the expression of each provider's status as a key of `STATUS`."""
    return _coded("fallback_provider_status", "status", {number: name for number, (name, _) in STATUS.items()}, where)


def _coded(metric: str, label: str, names: dict[int, str], where: str) -> str:
    more = f",{where}" if where else ""
    parts = (f'{metric}{{{label}="{name}"{more}}} * {number}' for number, name in names.items())
    return f"max by (provider) ({' or '.join(parts)})"


_LISTED = {"chain": "fallback_completions_total", "provider": "fallback_provider_status"}


def _narrowed(label: str) -> boards.QueryVariable:
    return (
        boards.QueryVariable(label)
        .label(label)
        .datasource(SOURCE)
        .query(f"label_values({_LISTED[label]}, {label})")
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".+")
        .current(models.VariableOption(selected=True, text="All", value="$__all"))
    )
