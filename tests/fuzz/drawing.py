"""Cases drawn by Hypothesis ahead of the test: real processes take them by the hundred, and not one by one."""

import copy
import os
from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

CASES = int(os.environ.get("FUZZ_CASES", "200"))
"""How many a test draws: 10,000 in `make chaos`."""

SEED = int(os.environ.get("FUZZ_SEED", "0"))

NESTED: list[Any] = []
for _ in range(100):
    NESTED = [NESTED]

TEXT = st.text(st.characters(), max_size=8)  # with lone surrogates, as json.loads makes them
NASTY = st.sampled_from(
    [
        None, True, False, 0, -1, 1, 2**31, 2**63, -(2**63) - 1, 2**64, 10**400, 0.5, -0.0, 5e-324, 1e308,
        float("nan"), float("inf"), float("-inf"), "", " ", "\x00", "\n", "\ud800", "\udfff\ud800", "\u202e", "\u2028",
        "x" * 10_000, "fast", "default", "claude", "{}", "%s%n", "../..", "\r\nX: y", "__class__", "{0.__class__}", [],
        {}, [[]], [None] * 33, {"": ""}, {"\x00": "\ud800"}, {"a": {"b": [1]}}, NESTED,
    ]
)  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
JSON = st.recursive(
    SCALARS | NASTY,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def drawn(strategy: st.SearchStrategy[Any], count: int) -> list[Any]:
    """Returns that many cases, the same ones for the same seed; fewer where there are no more."""
    cases: list[Any] = []

    @seed(SEED)
    @settings(
        max_examples=count, phases=[Phase.generate], database=None, deadline=None, suppress_health_check=HealthCheck
    )
    @given(strategy)
    def collect(case: Any) -> None:
        cases.append(case)

    collect()
    return cases


@st.composite
def mutated(draw: st.DrawFn, whole: st.SearchStrategy[Any], names: st.SearchStrategy[str]) -> Any:
    """Draws what `whole` gives with up to three places of it replaced, dropped, wrapped or added to."""
    tree = {"": copy.deepcopy(draw(whole))}
    for _ in range(draw(st.sampled_from((0, 1, 1, 1, 2, 3)))):
        holder, key = draw(st.sampled_from(list(_places(tree))))
        _mutate(draw, holder, key, names)
    return tree[""]


def _mutate(draw: st.DrawFn, holder: Any, key: Any, names: st.SearchStrategy[str]) -> None:
    match draw(st.sampled_from(("replace", "replace", "drop", "wrap", "double", "add"))):
        case "drop" if key != "":
            del holder[key]
        case "wrap":
            holder[key] = draw(st.sampled_from(([holder[key]], {"content": holder[key]})))
        case "double" if isinstance(holder[key], list):
            holder[key] = holder[key] * 2
        case "add" if isinstance(holder[key], dict):
            holder[key][draw(names)] = copy.deepcopy(draw(NASTY | JSON))
        case _:
            holder[key] = copy.deepcopy(draw(NASTY | JSON))


def _places(holder: Any, depth: int = 0) -> Iterator[tuple[Any, Any]]:
    keys = list(holder) if isinstance(holder, dict) else range(len(holder) if isinstance(holder, list) else 0)
    for key in keys:
        yield holder, key
        if depth < 12:
            yield from _places(holder[key], depth + 1)
