"""Counts JSON values."""

from typing import Any


def count_values(value: Any) -> int:
    """Returns the number of values in a value, with itself."""
    count, level = 0, [value]
    while level:
        count += len(level)
        containers = [outer for outer in level if isinstance(outer, dict | list)]
        level = [inner for outer in containers for inner in (outer.values() if isinstance(outer, dict) else outer)]
    return count
