"""The problems of the fleet, as lines: whole, whatever the width."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from worker.diagnosis.problem import Problem

_STYLES = {"critical": "red", "warning": "yellow"}


def problems_list(problems: Sequence[Problem], now: float) -> RenderableType:
    """Returns a line per problem, the worst first: what, since when, and its cure."""
    if not problems:
        return Text("problems   none")
    return Group(Text("problems"), *(_line(each, now) for each in problems))


def _line(problem: Problem, now: float) -> Text:
    # Of a terminal's width nothing is cut: the line goes on in the next.
    return Text.assemble("  ", (f"{problem.severity:<9}", _STYLES[problem.severity]), problem.line(now))
