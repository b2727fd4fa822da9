"""Writes what was converted: a TOML file of ours, and lines for people."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import tomli_w

from tasks.cli.litellm.conversion import Conversion
from tasks.cli.litellm.remarks import Remark

_ANY = 'unknown_model = "default"\n'
_MODELS = "# What requests may name as their model. The chain says who answers."


def toml(conversion: Conversion, origin: Path) -> str:
    """Returns the file: what to set and what is told as comments, then the tables."""
    tables = [_ANY] if conversion.takes_any else []
    tables += _table("breaker", conversion.breaker) if conversion.breaker else []
    tables += [_MODELS, *_table("models", conversion.models)] if conversion.models else []
    for name, provider in conversion.providers.items():
        tables += _table(f"providers.{name}", provider)
    for name, chain in conversion.chains.items():
        tables += [f"# {_one_line(conversion.comments[name])}", *_table(f"chains.{name}", chain)]
    return "\n".join((*_comments(conversion, origin), "", *tables))


def _table(path: str, table: Mapping[str, object]) -> list[str]:
    for step in reversed(path.split(".")):
        table = {step: table}
    return [tomli_w.dumps(table)]


def _comments(conversion: Conversion, origin: Path) -> Iterator[str]:
    yield f"# From {_one_line(str(origin))}, by `fallback import-litellm`."
    for line in report(conversion):
        yield f"# {line}".rstrip()


def report(conversion: Conversion) -> Iterator[str]:
    """Yields lines: the variables to set, what has no counterpart, what has another meaning."""
    if conversion.variables:
        yield from ("", "Set where the workers run:")
        yield from _aligned([(variable, what) for variable, what in sorted(conversion.variables.items())])
    told = conversion.remarks
    for title, remarks in (("No counterpart:", told.unmatched), ("Converted, with a difference:", told.differing)):
        if remarks:
            yield from ("", title)
            yield from _aligned([(each.place, each.path, each.kind, each.why) for each in sorted(remarks, key=_line)])


def _line(remark: Remark) -> tuple[str, int]:
    file, _, line = remark.place.rpartition(":")
    return file, int(line or 0)


def _aligned(rows: list[tuple[str, ...]]) -> Iterator[str]:
    shown = [[_one_line(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    for row in shown:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _one_line(text: str) -> str:
    return text if text.isprintable() else ascii(text)[1:-1]
