"""Expressions of PromQL that several dashboards use."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Query:
    """One expression of PromQL, and its legend, with labels in `{{braces}}`."""

    expression: str
    legend: str = ""


def seen(expression: str) -> str:
    """Returns an expression without what is 0: every class, pair and model has a series from the start."""
    return f"{expression} > 0"


def rate(metric: str, by: str = "", where: str = "") -> str:
    """Returns the expression of a counter's rate: of each value of the labels `by`, or of all together."""
    grouped = f" by ({by}) " if by else ""
    return f"sum{grouped}(rate({metric}{where}[$__rate_interval]))"


def quantile(share: float, metric: str, by: str = "", where: str = "") -> str:
    """Returns the expression of a histogram's quantile: of each value of the label `by`, or of all together."""
    return f"histogram_quantile({share}, {rate(f'{metric}_bucket', f'{by}, le' if by else 'le', where)})"


def quantiles(*shares: float, metric: str, by: str = "", where: str = "") -> list[Query]:
    """Returns several quantiles of a histogram, each with a legend such as `p95`, after the label's value if any."""
    whose = f"{{{{{by}}}}} " if by else ""
    return [Query(quantile(share, metric, by, where), f"{whose}p{share * 100:g}") for share in shares]
