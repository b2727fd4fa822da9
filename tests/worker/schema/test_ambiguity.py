"""Which regular expressions take exponential time in an engine that backtracks, and which usual ones do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.schema.ambiguity import check_patterns
from worker.schema.faults import SchemaFault

EXPONENTIAL = [
    *("(a+)+", "^(a+)+$", "(a*)*", "(a|a)*", "(a|aa)+$", "(x+x+)+y", "^([a-zA-Z]+)*$", r"(\w+\s?)*", r"(\s*,\s*)*"),
    *(
        "([a-z]{1,5})*",
        "(.*)*x",
        "(.*,)*x",
        "(a|b|ab)*c",
        "(?:a+){2,}",
        "(a?a)*",
        "((a+)|b)+",
        "(?<n>a+)+",
        "([^,]+,?)+",
    ),
    *("(a{2,})*", r"^(([a-z])+.)+[A-Z]([a-z])+$", r"^(a|[ab])*?$", r"^(\x61|\u0061)*$", "^([^b]|a)*$", r"(\D|x)+"),
]
HARMLESS = [
    "",
    "^$",
    "^[a-z]+$",
    "a*a*",
    "(a?)*",
    "(a|b)*",
    "^(é|è)*$",
    "([a-z]{2})*",
    "(a{2,}b)*",
    "(a{2,4}b)*",
    "(a{0,2}b)+",
    "(a{0})*",
    r"^([a-z]+\.)+[a-z]+$",
    r"^\d{4}-\d{2}-\d{2}$",
    r"^(\d{1,3}\.){3}\d{1,3}$",
    r"^(?:\d{4}-|\d{2}-)*$",
    r"^[\w.+-]+@[\w-]+(\.[\w-]+)+$",
    r"^(?:[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*)@[a-z]+$",
    "^#?([a-f0-9]{6}|[a-f0-9]{3})$",
    r"^\w+(\s*,\s*\w+)*$",
    r"^https?://[^\s]+$",
    "^[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$",
    r"^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$",
    r"^P(?:\d+Y)?(?:\d+M)?(?:\d+D)?$",
    r"^\s*\S+(?:\s+\S+)*\s*$",
    r"^(?:(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)\.){3}(?:25[0-5])$",
    "^(a|b|c|d){1,20}$",
]
NOT_READ = [
    r"(\p{L}+)+",
    "(?=a)(a+)+",
    "((a+)+",
    "a)",
    "[a",
    "(a+)++",
    "(?i)(a+)+",
    "(a{1,99}b{1,99})*",
    "(" * 5_000,
    "\\",
]


def is_exponential(pattern: str) -> bool:
    try:
        check_patterns({pattern: ("pattern",)})
    except SchemaFault as fault:
        return fault.path == ("pattern",)
    return False


@pytest.mark.parametrize("pattern", EXPONENTIAL)
def test_ambiguous_repetition_is_found(pattern: str) -> None:
    assert is_exponential(pattern)


@pytest.mark.parametrize("pattern", HARMLESS)
def test_other_repetition_is_not(pattern: str) -> None:
    assert not is_exponential(pattern)


@pytest.mark.parametrize("pattern", NOT_READ)
def test_what_is_not_read_counts_as_harmless(pattern: str) -> None:
    assert not is_exponential(pattern)


@given(st.text(alphabet="ab()[]{}*+?|\\^$-.,:<>1dwsux", max_size=12))
def test_any_text_is_read(pattern: str) -> None:
    assert is_exponential(pattern) in (True, False)
