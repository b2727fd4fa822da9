"""Where the code and the reference still have a name that was retired."""

import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LIST = Path(__file__).with_name("retired.txt")

_PART = re.compile(r"[A-Za-z_][\w-]*")
_LUA = re.compile(r"--.*|'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"|([A-Za-z_]\w*)")
_INLINE = re.compile(r"`([^`\n]+)`")
_DOTTED = re.compile(r"[A-Za-z_][\w-]*(?:[.=\[][\w.\"'\]-]*)?\Z")


@dataclass(frozen=True)
class Retired:
    """One line of the list."""

    kind: str
    name: str
    instead: str


def retired(text: str) -> list[Retired]:
    """Returns the entries of the list."""
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return [Retired(*re.split(r" {2,}", line, maxsplit=2)) for line in lines]


def files() -> Iterator[Path]:
    """Yields the files that are searched."""
    for folder in ("config", "worker", "tasks"):
        for suffix in ("py", "lua", "toml"):
            yield from sorted((ROOT / folder).rglob(f"*.{suffix}"))
    yield from sorted((ROOT / "docs" / "reference").glob("*.md"))


def found(path: Path, text: str, entries: Iterable[Retired]) -> Iterator[str]:
    """Yields `file:line: name -> instead` for every retired name in a file."""
    entries = list(entries)
    patterns = [(_pattern(each, path.suffix), each) for each in entries if each.kind != "identifier"]
    by_name = {each.name: each for each in entries if each.kind == "identifier"}
    hits = [
        (number, each) for number, line in enumerate(text.splitlines(), 1) for p, each in patterns if p.search(line)
    ]
    hits += [(number, by_name[name]) for number, name in identifiers(path.suffix, text) if name in by_name]
    for number, each in sorted(set(hits), key=lambda hit: (hit[0], hit[1].name)):
        yield f"{path.relative_to(ROOT)}:{number}: {each.name} -> {each.instead}"


def identifiers(suffix: str, text: str) -> Iterator[tuple[int, str]]:
    """Yields every identifier and every part of a string that is a name, with its line."""
    match suffix:
        case ".py":
            yield from _of_python(text)
        case ".lua":
            yield from _of_lua(text)
        case ".md":
            yield from _of_lines(text, _INLINE)
        case _:
            yield from (
                (number, name) for number, line in _lines(text) for name in _PART.findall(line.partition("#")[0])
            )


def _of_python(text: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NAME:
            yield token.start[0], token.string
        elif token.type == tokenize.STRING and "\n" not in token.string:
            yield from ((token.start[0], name) for name in _names(re.sub(r"^\w*[\"']+|[\"']+$", "", token.string)))


def _of_lua(text: str) -> Iterator[tuple[int, str]]:
    for number, line in _lines(text):
        for match in _LUA.finditer(line):
            yield from ((number, name) for name in _names(match[1] or match[2] or match[3] or ""))


def _of_lines(text: str, pattern: re.Pattern[str]) -> Iterator[tuple[int, str]]:
    for number, line in _lines(text):
        for match in pattern.finditer(line):
            yield from ((number, name) for name in _names(match[1]))


def _names(text: str) -> list[str]:
    """Returns the parts of a text that is one dotted name, such as `retry.max_wait`; nothing of a sentence."""
    return [text, *_PART.findall(text)] if _DOTTED.match(text) else []


def _lines(text: str) -> Iterator[tuple[int, str]]:
    return enumerate(text.splitlines(), 1)


def _pattern(entry: Retired, suffix: str) -> re.Pattern[str]:
    name = re.escape(entry.name)
    match entry.kind:
        case "regex":
            return re.compile(entry.name)
        case "field":
            assigned = rf"\b{name} =" if suffix == ".toml" else rf"\b{name}=|^    {name}: "
            return re.compile(rf"\w\.{name}\b|[\"'`]{name}[\"'`]|{assigned}")
        case _:
            return re.compile(rf"(?<![\w-]){name}(?![\w-])")
