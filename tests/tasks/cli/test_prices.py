"""What the commands show of a price."""

import pytest

from tasks.cli.support.dead_letters import line
from tasks.cli.support.usd import perhaps, usd
from worker.task.dead_letters import DeadLetter
from worker.task.journal import Entry


@pytest.mark.parametrize(
    ("amount", "shown"),
    [(0.0, "0 USD"), (12.5, "12.5 USD"), (0.00125, "0.00125 USD"), (0.00000001, "0.00000001 USD"), (None, None)],
)
def test_an_amount_is_shown_to_the_last_digit_that_says_something(amount: float | None, shown: str | None) -> None:
    assert usd(amount) == shown


def test_a_bill_that_may_be_higher_says_so() -> None:
    assert [perhaps(amount) for amount in (0.5, 0.0, None)] == ["0.5 USD or more", "perhaps billed", "perhaps billed"]


def test_a_dead_letter_that_cost_something_says_how_much() -> None:
    paid = Entry("claude", "refused", 1.0, tokens={"prompt": 9}, cost_usd=0.25)
    shown = [line(DeadLetter("task", 0, "default", "ContentRefused", "No.", asked)) for asked in ((), (paid, paid))]
    assert shown == [f"1970-01-01T00:00:00Z task default ContentRefused No.{cost}" for cost in ("", " for 0.5 USD")]
