"""Finds regular expressions that take exponential time in an engine that backtracks.

Such an expression can match a text in two ways from one of its states back to the same one, so in 2^n ways n texts of
this kind. The engine here is linear whatever the expression; those of vendors, and what they turn patterns into, need
not be.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from worker.schema.automaton import Automaton, Ranges, UnknownPattern, automaton
from worker.schema.faults import SchemaFault
from worker.schema.pointers import Path

Pair = tuple[int, int]

_MOST_STEPS = 50_000
"""Steps of the search, for one expression and for all of a schema. What it has not found by then counts as harmless.

A limit of time would judge by how busy the machine is: a producer and a worker must say the same.
"""


def check_patterns(patterns: Mapping[str, Path]) -> None:
    """Checks the expressions of a schema, each with its path.

    Raises:
        SchemaFault: one is exponential.
    """
    left = _MOST_STEPS
    for pattern, path in patterns.items():
        if left <= 0:
            return
        found, steps = _search(pattern)
        if found:
            raise SchemaFault(path, "takes exponential time in an engine that backtracks, as (a+)+ does")
        left -= steps


def _search(pattern: str) -> tuple[bool, int]:
    """Returns whether an expression is exponential, False if not known, and the steps that this took."""
    try:
        search = _Search(automaton(pattern))
    except (UnknownPattern, RecursionError):
        return False, len(pattern)
    try:
        return search.found(), search.steps
    except UnknownPattern:
        return False, search.steps


class _Search:
    """Follows two ways at a time, which read the same text."""

    def __init__(self, found: Automaton) -> None:
        self.automaton = found
        self.steps = len(found.characters) ** 2  # to see which state leads to which
        self.next: dict[int, list[int]] = defaultdict(list)
        for one, other in found.ways:
            self.next[one].append(other)

    def found(self) -> bool:
        reached = {state: self._reached(state) for state in range(len(self.automaton.characters))}
        if any(ways > 1 and one in reached[other] for (one, other), ways in self.automaton.ways.items()):
            return True
        circles = {state: {each for each in found if state in reached[each]} for state, found in reached.items()}
        return any(self._parts_and_meets(state, circle) for state, circle in circles.items() if state in circle)

    def _reached(self, start: int) -> set[int]:
        """Returns the states that one state leads to, at once or by others."""
        reached, new = set[int](), {start}
        while new:
            new = {other for one in new for other in self.next[one]} - reached
            reached |= new
        return reached

    def _parts_and_meets(self, state: int, circle: set[int]) -> bool:
        """Returns whether two different ways through these states lead from a state to itself by the same text."""
        before: dict[Pair, list[Pair]] = defaultdict(list)
        seen, new = set[Pair](), [(state, state)]
        while new:
            pair = new.pop()
            if pair not in seen:
                seen.add(pair)
                for following in self._after(pair, circle):
                    before[following].append(pair)
                    new.append(following)
        leading, new = set[Pair](), [(state, state)]
        while new:
            more = [pair for pair in before[new.pop()] if pair not in leading]
            leading.update(more)
            new += more
        return any(one != other for one, other in leading)

    def _after(self, pair: Pair, circle: set[int]) -> Iterator[Pair]:
        for one in self.next[pair[0]]:
            for other in self.next[pair[1]]:
                self.steps += 1
                if self.steps > _MOST_STEPS:
                    raise UnknownPattern
                if {one, other} <= circle and _overlap(
                    self.automaton.characters[one], self.automaton.characters[other]
                ):
                    yield (one, other) if one <= other else (other, one)


def _overlap(left: Ranges, right: Ranges) -> bool:
    return any(a <= d and c <= b for a, b in left for c, d in right)
