"""Tables of Markdown, as lists of cells."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_CELL = re.compile(r"(?<!\\)\|")
_CODE = re.compile(r"`([^`]+)`")


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its header and its rows, each cell as Markdown."""

    header: list[str]
    rows: list[list[str]]

    def __str__(self) -> str:
        """Returns the table as Markdown, with a newline at its end."""
        rule = "|" + "---|" * len(self.header)
        return "\n".join((_line(self.header), rule, *map(_line, self.rows), ""))


def parsed(text: str) -> Table:
    """Returns the table that Markdown text is.

    Raises:
        ValueError: the text is no table, or a row has another number of cells than the header.
    """
    lines = [_cells(line) for line in text.strip().splitlines()]
    if len(lines) < 2 or not all(set(cell) <= set("-: ") for cell in lines[1]):
        raise ValueError("no table follows the marker")
    header, _, *rows = lines
    for row in rows:
        if len(row) != len(header):
            raise ValueError(f"{len(row)} cells, the header has {len(header)}: {row[0]}")
    return Table(header, rows)


def code(cell: str) -> str:
    """Returns the first piece of inline code in a cell.

    Raises:
        ValueError: there is none.
    """
    if found := _CODE.search(cell):
        return found[1]
    raise ValueError(f"a row must begin with a name in backticks: {cell}")


def codes(cells: Iterable[str]) -> str:
    """Returns words as inline code, with commas between them."""
    return ", ".join(f"`{cell}`" for cell in cells)


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in _CELL.split(line.strip())[1:-1]]


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
