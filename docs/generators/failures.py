"""The rows of config/failures.toml, and the corpus of real failures, as tables."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from config.failures import ROWS, Row
from docs.generators.tables import Table

_CORPUS = Path(__file__).parents[2] / "tests" / "wild" / "failures"
_THREAD = re.compile(r"([\w.-]+/[\w.-]+)#(\d+)")


def rows() -> Table:
    """Returns every row, in order of evidence."""
    found = [[row.vendor, _evidence(row), _class(row), _source(row)] for step in ROWS.values() for row in step]
    return Table(["vendor", "evidence", "class", "source"], found)


def corpus() -> Table:
    """Returns how many entries each vendor has, by class."""
    entries = Counter[tuple[str, str]]()
    for file in sorted(_CORPUS.glob("*.toml")):
        entries.update((each["vendor"], each["class"]) for each in tomllib.loads(file.read_text("utf-8"))["failure"])
    vendors = sorted({vendor for vendor, _ in entries})
    classes = list(dict.fromkeys(row.outcome.value for step in ROWS.values() for row in step))
    kept = [name for name in classes if any(entries[vendor, name] for vendor in vendors)]
    table = [[vendor, *(str(entries[vendor, name] or "") for name in kept)] for vendor in vendors]
    total = ["all", *(str(sum(entries[vendor, name] for vendor in vendors)) for name in kept)]
    counts = [str(sum(int(cell or 0) for cell in row[1:])) for row in [*table, total]]
    return Table(["vendor", *kept, "entries"], [[*row, n] for row, n in zip([*table, total], counts, strict=True)])


def _evidence(row: Row) -> str:
    return " and ".join(_parts(row))


def _parts(row: Row) -> Iterator[str]:
    if row.code:
        yield f"code `{row.code}`"
    if row.phrase:
        phrase = row.phrase.replace("|", "\\|")
        yield f"phrase `{phrase}`"
    if row.status:
        yield f"status {', '.join(map(str, row.status))}"
    if row.reason:
        yield f"reason `{row.reason}`"


def _class(row: Row) -> str:
    return f"`{row.outcome}`, any other host" if row.any_host else f"`{row.outcome}`"


def _source(row: Row) -> str:
    return ", ".join(linked(each.strip()) for each in row.source.split(", "))


def linked(source: str) -> str:
    """Returns a source as a link: a thread of a repository, or a page."""
    if thread := _THREAD.fullmatch(source):
        return f"[{source}](https://github.com/{thread[1]}/issues/{thread[2]})"
    return f"[{source.split('/')[2]}]({source})" if source.startswith("https://") else f"`{source}`"
