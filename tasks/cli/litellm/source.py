"""Reads a configuration of LiteLLM's proxy with the files that it includes, and knows the line of everything in it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

Steps = tuple[str | int, ...]
"""The way to a value: keys of tables and positions in lists."""

_MAX_BYTES = 1_000_000
_DEPTH = 6
"""Levels whose lines are remembered: `model_list.0.litellm_params.model` and two more."""


class SourceError(ValueError):
    """The file cannot be read. The text names file and line and repeats no value, which may be a key."""


@dataclass(frozen=True)
class Source:
    """A file and what it includes, as one tree; the keys that a table has twice; the place of each value."""

    tree: dict[str, Any]
    places: dict[Steps, str]
    repeated: list[Steps] = field(default_factory=list)

    def place(self, path: Steps) -> str:
        """Returns file and line of a value, or of the nearest table around it."""
        return next((self.places[path[:n]] for n in range(len(path), 0, -1) if path[:n] in self.places), "")


def read(path: Path) -> Source:
    """Returns a file with what it includes: lists are joined, all else of an included file wins, as in LiteLLM.

    Raises:
        SourceError: a file cannot be read, is no YAML, or has another form.
    """
    found = _file(path)
    done = {path.resolve()}
    waiting = _included(found, path, path)
    while waiting:
        file = waiting.pop(0)
        if file.resolve() in done:
            continue
        done.add(file.resolve())
        part = _file(file)
        waiting = _included(part, file, path) + waiting
        found = _joined(found, part)
    return found


def _included(source: Source, file: Path, root: Path) -> list[Path]:
    names = source.tree.pop("include", None)
    if names is None:
        return []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise SourceError(f"{source.place(('include',))}: include: must be a list of files")
    return [_beside(file, root, name) for name in names]


def _beside(file: Path, root: Path, name: str) -> Path:
    """Returns an included file: next to the one that names it, else next to the first one."""
    return file.parent / name if (file.parent / name).exists() else root.parent / name


def _joined(below: Source, above: Source) -> Source:
    tree, places, shifts = dict(below.tree), dict(below.places), dict[str, int]()
    for key, value in above.tree.items():
        both = isinstance(value, list) and isinstance(tree.get(key), list)
        shifts[key] = len(tree[key]) if both else 0
        tree[key] = tree[key] + value if both else value
        if not both:
            places = {path: place for path, place in places.items() if path[0] != key}
    moved = {_shifted(path, shifts): place for path, place in above.places.items() if path[0] in shifts}
    repeated = below.repeated + [_shifted(path, shifts) for path in above.repeated if path[0] in shifts]
    return Source(tree, moved | places, repeated)


def _shifted(path: Steps, shifts: dict[str, int]) -> Steps:
    shift = shifts[str(path[0])]
    return (path[0], path[1] + shift, *path[2:]) if len(path) > 1 and isinstance(path[1], int) else path


def _file(path: Path) -> Source:
    text = _text(path)
    try:
        node = yaml.compose(text, yaml.SafeLoader)
        tree = yaml.safe_load(text)
    except yaml.MarkedYAMLError as exc:
        raise SourceError(f"{path}{_line(exc)}: is not YAML: {_reason(exc)}") from None
    except RecursionError:
        raise SourceError(f"{path}: is nested too deep") from None
    except (yaml.YAMLError, ValueError):  # a control character, a date that does not exist
        raise SourceError(f"{path}: is not YAML") from None
    if not isinstance(tree, dict) or not all(isinstance(key, str) for key in tree):
        raise SourceError(f"{path}: must be a table with model_list")
    lines = _Lines(path)
    lines.walk(node, (), _DEPTH)
    return Source(tree, lines.places, lines.repeated)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise SourceError(f"{path}: is larger than {_MAX_BYTES} bytes")
        return path.read_text("utf-8")
    except OSError as exc:
        raise SourceError(f"{path}: {exc.strerror}") from None
    except UnicodeDecodeError:
        raise SourceError(f"{path}: is not UTF-8 text") from None


def _line(exc: yaml.MarkedYAMLError) -> str:
    return f":{exc.problem_mark.line + 1}" if exc.problem_mark else ""


def _reason(exc: yaml.MarkedYAMLError) -> str:
    # What follows a quotation mark is text of the file: an alias or a tag may be a password that begins with * or !.
    return (exc.problem or "").partition("'")[0].strip() or "a syntax error"


class _Lines:
    """The line of each key and each entry of a list; of a node that is used again, that of its first use."""

    def __init__(self, file: Path) -> None:
        self.places: dict[Steps, str] = {}
        self.repeated: list[Steps] = []
        self._file = file
        self._seen: set[int] = set()

    def walk(self, node: yaml.Node | None, path: Steps, depth: int) -> None:
        if depth == 0 or id(node) in self._seen:
            return
        self._seen.add(id(node))
        for step, below, line in _children(node):
            here = (*path, step)
            if here in self.places and isinstance(node, yaml.MappingNode):
                self.repeated.append(here)
            self.places[here] = f"{self._file.name}:{line}"
            self.walk(below, here, depth - 1)


def _children(node: yaml.Node | None) -> Iterator[tuple[str | int, yaml.Node, int]]:
    if isinstance(node, yaml.MappingNode):
        yield from ((str(key.value), value, key.start_mark.line + 1) for key, value in node.value)
    elif isinstance(node, yaml.SequenceNode):
        yield from ((index, value, value.start_mark.line + 1) for index, value in enumerate(node.value))
