import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.chains import Retry
from worker.chain.backoff import delay


def least() -> float:
    return 0.0


def most() -> float:
    return 1.0


@pytest.mark.parametrize(
    ("n", "half", "all_of_it"), [(1, 0.5, 1.0), (2, 1.0, 2.0), (3, 2.0, 4.0), (4, 4.0, 8.0), (7, 30.0, 60.0)]
)
def test_a_backoff_doubles_up_to_its_bound_and_is_drawn_from_its_upper_half(n, half, all_of_it):
    assert delay(Retry(), n, None, least) == half
    assert delay(Retry(), n, None, most) == all_of_it


@pytest.mark.parametrize(
    ("retry_after", "expected"),
    [
        (None, 2.0),
        (0.0, 2.0),
        (1.9, 2.0),
        (2.5, 2.5),
        (90.0, 90.0),  # over max_backoff too: the provider knows when it is free
    ],
)
def test_a_retry_after_wins_only_where_it_is_longer(retry_after, expected):
    assert delay(Retry(), 2, retry_after, most) == expected


def test_a_backoff_beyond_the_largest_float_is_the_longest_one():
    assert delay(Retry(multiplier=10), 100_000, None, most) == 60.0


@given(
    retry=st.builds(
        Retry,
        initial_backoff=st.floats(1e-3, 60),
        max_backoff=st.floats(60, 86_400),
        multiplier=st.floats(1, 10),
    ),
    n=st.integers(1, 10_000),
    retry_after=st.none() | st.floats(0, 86_400),
    drawn=st.floats(0, 1),
)
def test_a_delay_is_never_shorter_than_half_the_backoff_nor_longer_than_both_bounds(retry, n, retry_after, drawn):
    seconds = delay(retry, n, retry_after, lambda: drawn)
    assert retry.initial_backoff / 2 <= seconds <= max(retry.max_backoff, retry_after or 0)
    assert seconds >= (retry_after or 0)
