"""Runs the failures' tests and writes what they measured into docs/benchmarks/failures.md.

Run it as `python -m tests.end_to_end.failure_table`.
A row holds for both wires where class, calls and result are the same; its seconds are then Anthropic's and OpenAI's.
"""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks" / "failures.md"
BEGIN, END = "<!-- measured -->\n", "<!-- end -->\n"
_HEAD = "| failure | wire | class | calls, then to the next | seconds | the caller gets |\n|---|---|---|---|---|---|\n"


class Collector:
    """A plugin of pytest that gathers what the tests record."""

    def __init__(self) -> None:
        self.rows: list[list[Any]] = []
        self.verdict: dict[str, Any] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        recorded = dict(report.user_properties) if report.when == "call" else {}
        if "failure" in recorded:
            self.rows.append(json.loads(str(recorded["failure"])))
        if "verdict" in recorded:
            self.verdict = json.loads(str(recorded["verdict"]))


def table(rows: list[list[Any]]) -> str:
    """Returns the rows as a table of Markdown, those of both wires as one where they agree."""
    merged: dict[tuple[Any, ...], list[tuple[str, float]]] = {}
    for title, wire, outcome, calls, others, seconds, came in rows:
        merged.setdefault((title, outcome, f"{calls}, {others}", came), []).append((wire, seconds))
    return _HEAD + "".join(_line(key, measured) for key, measured in merged.items())


def _line(key: tuple[Any, ...], measured: list[tuple[str, float]]) -> str:
    title, outcome, calls, came = key
    wires = "both" if len(measured) > 1 else measured[0][0]
    seconds = ", ".join(f"{second:.2f}" for _, second in measured)
    return f"| {title} | {wires} | {outcome} | {calls} | {seconds} | {came} |\n"


def verdict(found: dict[str, Any]) -> str:
    """Returns LLMock's verdict in a line."""
    counts = "{calls} calls, {attempts} attempts, {faults_injected} faults, {errors} FAIL, {warnings} WARN"
    return f"\nLLMock's verdict on this run: {counts.format_map(found)}.\n"


def main() -> int:
    """Returns pytest's status; the page is written only if all passed."""
    collector = Collector()
    status = pytest.main(["-q", str(Path(__file__).with_name("test_failures.py"))], plugins=[collector])
    if status == 0:
        before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
        after = rest.partition(END)[2]
        PAGE.write_text(before + BEGIN + table(collector.rows) + verdict(collector.verdict) + END + after, "utf-8")
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
