"""The automaton of a regular expression: which of its characters may follow which, and in how many ways.

It is Glushkov's: a state for each character or class that the expression writes, and no other. What repeats a number of
times is written out so often.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

MOST_STATES, _MOST_ATOMS = 100, 1_000

Range = tuple[int, int]
Ranges = tuple[Range, ...]
"""Characters by their code points, ends included, in order."""

_LAST = 0x10FFFF
_DIGIT: Ranges = ((48, 57),)
_WORD: Ranges = ((48, 57), (65, 90), (95, 95), (97, 122))
_SPACE: Ranges = ((9, 13), (32, 32), (160, 160), (5760, 5760), (8192, 8202), (8232, 8233), (12288, 12288))
_CLASSES = {"d": _DIGIT, "w": _WORD, "s": _SPACE}
_CONTROLS = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13, "0": 0}
_QUANTIFIER = re.compile(r"[*+?]|\{(\d{1,3})(,(\d{0,3}))?\}")
_GROUP = re.compile(r"\((\?:|\?P?<[A-Za-z_]\w*>|(?!\?))")
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|([^\w]|[dwsDWStnvfr0]))")


class UnknownPattern(Exception):
    """The expression has what is not read here, or is too long."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """A part of an expression: the states that it may begin and end with, and whether it may be empty.

    A state counts as often as there are ways to begin or end with it.
    """

    first: Counter[int] = field(default_factory=Counter)
    last: Counter[int] = field(default_factory=Counter)
    is_nullable: bool = True


@dataclass
class Automaton:
    """The states with their characters, and the ways from each to the next."""

    characters: list[Ranges] = field(default_factory=list)
    ways: Counter[tuple[int, int]] = field(default_factory=Counter)

    def state(self, characters: Ranges) -> Fragment:
        """Adds a state.

        Raises:
            UnknownPattern: there are too many.
        """
        if len(self.characters) == MOST_STATES:
            raise UnknownPattern
        self.characters.append(characters)
        own = Counter([len(self.characters) - 1])
        return Fragment(own, own, is_nullable=False)

    def sequence(self, left: Fragment, right: Fragment) -> Fragment:
        """Returns both parts, one behind the other."""
        self._connect(left, right)
        first = left.first + right.first if left.is_nullable else left.first
        last = left.last + right.last if right.is_nullable else right.last
        return Fragment(first, last, left.is_nullable and right.is_nullable)

    def loop(self, part: Fragment) -> Fragment:
        """Returns a part that may follow itself."""
        self._connect(part, part)
        return part

    def _connect(self, left: Fragment, right: Fragment) -> None:
        for one, ways in left.last.items():
            for other, more in right.first.items():
                self.ways[one, other] += ways * more


def automaton(pattern: str) -> Automaton:
    """Returns the automaton of an expression.

    Raises:
        UnknownPattern: it has what is not read here, or is too long.
    """
    reader = _Reader(pattern)
    end, _ = reader.alternatives(0)
    if end < len(pattern):
        raise UnknownPattern
    return reader.automaton


class _Reader:
    """Reads one expression. Each method takes where it begins and returns where the next begins."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.automaton = Automaton()
        self.atoms = 0

    def alternatives(self, at: int) -> tuple[int, Fragment]:
        at, part = self._sequence(at)
        while self.pattern[at : at + 1] == "|":
            at, other = self._sequence(at + 1)
            is_nullable = part.is_nullable or other.is_nullable
            part = Fragment(part.first + other.first, part.last + other.last, is_nullable)
        return at, part

    def _sequence(self, at: int) -> tuple[int, Fragment]:
        part = Fragment()
        while at < len(self.pattern) and self.pattern[at] not in "|)":
            at, following = self._repeated(at)
            part = self.automaton.sequence(part, following)
        return at, part

    def _repeated(self, at: int) -> tuple[int, Fragment]:
        end, part = self._atom(at)
        found = _QUANTIFIER.match(self.pattern, end)
        if not found:
            return end, part
        after = found.end()
        if self.pattern[after : after + 1] in ("+", "*", "{"):
            raise UnknownPattern
        least, most = _times(found)
        copies = max(least, 1 if most is None else most)
        parts = [part, *(self._atom(at)[1] for _ in range(1, copies))]
        if most is None:
            parts[-1] = self.automaton.loop(parts[-1])
        whole = Fragment()
        for number in reversed(range(copies)):  # each that may be left out begins only behind the one before
            whole = self.automaton.sequence(parts[number], whole)
            whole = Fragment(whole.first, whole.last, whole.is_nullable or number >= least)
        return after + (self.pattern[after : after + 1] == "?"), whole

    def _atom(self, at: int) -> tuple[int, Fragment]:
        self.atoms += 1
        if self.atoms > _MOST_ATOMS:
            raise UnknownPattern
        if group := _GROUP.match(self.pattern, at):
            end, part = self.alternatives(group.end())
            if self.pattern[end : end + 1] != ")":
                raise UnknownPattern
            return end + 1, part
        character = self.pattern[at]
        if character in "^$":
            return at + 1, Fragment()
        if self.pattern.startswith((r"\b", r"\B"), at):
            return at + 2, Fragment()
        if character in "(*+?{}])":
            raise UnknownPattern
        if character == ".":
            return at + 1, self.automaton.state(_without([(10, 10), (13, 13), (8232, 8233)]))
        end, ranges = self._class(at + 1) if character == "[" else self._character(at)
        return end, self.automaton.state(ranges)

    def _character(self, at: int) -> tuple[int, Ranges]:
        if self.pattern[at : at + 1] != "\\":
            return at + 1, _one(ord(self.pattern[at]))
        found = _ESCAPE.match(self.pattern, at)
        if not found:
            raise UnknownPattern
        code, word = found[1] or found[2], found[3]
        if code:
            return found.end(), _one(int(code, 16))
        if word.lower() in _CLASSES:
            inside = _CLASSES[word.lower()]
            return found.end(), inside if word.islower() else _without(inside)
        return found.end(), _one(_CONTROLS.get(word, ord(word)))

    def _class(self, at: int) -> tuple[int, Ranges]:
        is_negated = self.pattern[at : at + 1] == "^"
        at += is_negated
        found: list[Range] = []
        while self.pattern[at : at + 1] not in ("]", ""):
            at, ranges = self._character(at)
            if self.pattern[at : at + 1] == "-" and self.pattern[at + 1 : at + 2] not in ("]", "") and len(ranges) == 1:
                at, upper = self._character(at + 1)
                ranges = ((ranges[0][0], upper[-1][1]),)
            found.extend(ranges)
        if at == len(self.pattern):
            raise UnknownPattern
        return at + 1, _without(found) if is_negated else tuple(sorted(found))


def _times(found: re.Match[str]) -> tuple[int, int | None]:
    """Returns the least and the most repetitions, None for any number."""
    if found[1] is None:
        return {"*": (0, None), "+": (1, None), "?": (0, 1)}[found[0]]
    least = int(found[1])
    return least, (int(found[3]) if found[3] else None) if found[2] else least


def _one(code: int) -> Ranges:
    return ((code, code),)


def _without(ranges: Iterable[Range]) -> Ranges:
    """Returns all characters but these."""
    kept, start = [], 0
    for lower, upper in sorted(ranges):
        if lower > start:
            kept.append((start, lower - 1))
        start = max(start, upper + 1)
    return tuple([*kept, (start, _LAST)] if start <= _LAST else kept)
