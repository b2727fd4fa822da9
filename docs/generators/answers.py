"""The corpus of real answers as a table."""

import tomllib
from pathlib import Path
from typing import Any

from docs.generators.failures import linked
from docs.generators.tables import Table

_CORPUS = Path(__file__).parents[2] / "tests" / "wild" / "answers"


def answers() -> Table:
    """Returns every entry: what it is, what it means, and who says so."""
    files = sorted(_CORPUS.glob("*.toml"))
    entries = [each for file in files for each in tomllib.loads(file.read_text("utf-8"))["answer"]]
    header = ["vendor", "answer", "meaning", "by the vendor's package", "source"]
    return Table(header, [_row(each) for each in sorted(entries, key=lambda each: (each["vendor"], each["name"]))])


def _row(entry: dict[str, Any]) -> list[str]:
    name = f"{entry['name'].replace('-', ' ')}: {entry['why']}"
    return [entry["vendor"], _cell(name), _meaning(entry), _cell(entry.get("differs", "")), linked(entry["source"])]


def _meaning(entry: dict[str, Any]) -> str:
    if "class" in entry:
        return f"`{entry['class']}`"
    calls = len(entry.get("tool_calls", ()))
    parts = [f"`{entry['finish_reason']}`"]
    parts += [f"{calls} calls" if calls > 1 else "a call"] if calls else []
    parts += ["reasoning"] if entry.get("reasoning_content") else []
    return ", ".join(parts)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
