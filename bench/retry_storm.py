"""Counts the calls that retries add while the first of three providers fails, with the retry budget and without.

`python bench/retry_storm.py [--seconds N] [--rate N] [--quick]` starts a fleet for each line of its table (Valkey,
three providers, two worker processes), prints what it found, and ends all of it. docs/benchmarks/retry-storm.md says
how and why.
"""

import sys
import tempfile
from pathlib import Path

import click

# Python puts this file's folder first, where `worker` would be its neighbour.
sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.kit import report
from bench.kit.load import BenchError
from bench.kit.mortal import Manner
from bench.parts.retry_storm.storm import storm
from tasks.local.errors import FleetError

NEVER = 'failure_threshold = 100\nadaptive = { failures = "off" }\n'
"""A breaker that does not open while one call in ten is answered."""

OUTAGES = {
    "all fail": (1.0, ""),
    "30 % fail": (0.3, ""),
    "30 % fail, no breaker": (0.3, NEVER),
    "90 % fail, no breaker": (0.9, NEVER),
}
"""The share of calls that fail, and the breaker's settings."""

BUDGETS = {"budget": "", "no budget": "retry_budget = { share = 1.0 }\n"}
COLUMNS = ("completions", "to it", "calls", "to it / c.", "calls / c.", "p50 s", "p95 s", "postponed", "failed")
_PACKAGES = ("celery", "kombu", "redis", "httpx")


@click.command()
@click.option("--seconds", default=20.0, show_default=True, type=click.FloatRange(1.0), help="Of each outage.")
@click.option("--rate", default=10.0, show_default=True, type=click.FloatRange(1.0), help="Completions a second.")
@click.option("--quick", is_flag=True, help="Two lines of three seconds, to see that it runs.")
def main(seconds: float, rate: float, quick: bool) -> None:
    """Measures what retries add to an outage."""
    console = report.console()
    console.print(report.machine(*_PACKAGES), soft_wrap=True)
    lines: dict[str, list[str]] = {}
    seconds = 3.0 if quick else seconds
    sides = [(outage, budget) for outage in OUTAGES for budget in BUDGETS]
    try:
        for outage, budget in sides[-2:] if quick else sides:
            name, (share, breaker) = f"{outage}, {budget}", OUTAGES[outage]
            with tempfile.TemporaryDirectory() as folder, console.status(name):
                table, manner = f"[breaker]\n{breaker}{BUDGETS[budget]}", Manner("failing", share=share)
                found = storm(Path(folder), table, manner, rate=rate, seconds=seconds)
            lines[name] = found.line()
    except (BenchError, FleetError) as exc:
        raise click.ClickException(str(exc)) from None
    except KeyboardInterrupt:
        raise click.ClickException("interrupted; everything it started has ended") from None
    console.print(report.grid(f"{seconds:g} s of an outage, {rate:g} completions a second", COLUMNS, lines))


if __name__ == "__main__":
    main()
