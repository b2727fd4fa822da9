"""docs/benchmarks/failures.md says what the cases say."""

from tests.end_to_end.failure_cases import CASES
from tests.end_to_end.failure_table import BEGIN, END, PAGE


def test_the_page_has_a_row_for_every_failure() -> None:
    measured = PAGE.read_text("utf-8").partition(BEGIN)[2].partition(END)[0]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in measured.splitlines() if line.startswith("|")]
    shown = {(failure, outcome, calls) for failure, _, outcome, calls, *_ in cells}
    assert {(case.title, case.outcome.value, "{}, {}".format(*case.calls)) for case in CASES} <= shown
