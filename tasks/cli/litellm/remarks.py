"""What is told of a file: what has no counterpart here, what has another meaning. Never a value, which may be a key."""

import tomllib
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from importlib.resources import files
from typing import Any

from tasks.cli.litellm.source import Source, Steps

VARIABLE = "os.environ/"
"""What LiteLLM writes before the name of a variable, in place of a value."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why keys have no counterpart: a row of reasons.toml."""

    keys: tuple[str, ...]
    why: str


def _load() -> tuple[Reason, ...]:
    rows = tomllib.loads(files("tasks.cli.litellm").joinpath("reasons.toml").read_text("utf-8"))["reason"]
    return tuple(Reason(tuple(row["keys"]), row["why"]) for row in rows)


REASONS = _load()
"""The rows, in order; the last one knows every key."""


@dataclass(frozen=True, slots=True)
class Remark:
    """Something of the file that is not in ours, or has another meaning there.

    `path` is dotted; `kind` says what stands there, never the value, which may be a key.
    """

    place: str
    path: str
    kind: str
    why: str


@dataclass(frozen=True)
class Remarks:
    """What is told of one file: what has no counterpart, and what was converted with a difference."""

    source: Source
    unmatched: list[Remark] = field(default_factory=list)
    differing: list[Remark] = field(default_factory=list)

    def leave(self, path: Steps, value: Any, why: str = "") -> None:
        """Notes a value that has no counterpart; without a reason, that of its key."""
        self.unmatched.append(self._remark(path, kind(value), why or reason(path)))

    def skip(self, path: Steps, what: str, why: str) -> None:
        """Notes a deployment that cannot be converted, as a whole."""
        self.unmatched.append(self._remark(path, what, why))

    def differ(self, path: Steps, value: Any, why: str) -> None:
        """Notes a value that was converted and has another meaning."""
        self.differing.append(self._remark(path, kind(value), why))

    def differ_as(self, path: Steps, what: str, why: str) -> None:
        """Notes a model group that was converted and is asked in another way."""
        self.differing.append(self._remark(path, what, why))

    def _remark(self, path: Steps, what: str, why: str) -> Remark:
        return Remark(self.source.place(path), ".".join(map(str, path)), what, why)


def kind(value: Any) -> str:
    """Returns what a value is, without the value."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "yes or no"
        case int() | float():
            return "number"
        case list():
            return f"list of {len(value)}"
        case dict():
            return f"table of {len(value)}"
        case str() if value.startswith(VARIABLE):
            return "variable"
        case _:
            return "text"


def variable_of(value: Any) -> str | None:
    """Returns the variable that a value of the file names, None if it is a value itself."""
    name = value.removeprefix(VARIABLE) if isinstance(value, str) and value.startswith(VARIABLE) else ""
    return name if name.isidentifier() and name.isascii() else None


def reason(path: Steps) -> str:
    """Returns why a key of LiteLLM's has no counterpart: the first row that knows it."""
    keys = ".".join(step for step in path if isinstance(step, str))
    return next(each.why for each in REASONS if any(fnmatchcase(keys, pattern) for pattern in each.keys))
