"""References within a schema: `#` and JSON pointers such as `#/$defs/node`."""

from typing import Any
from urllib.parse import quote, unquote

Path = tuple[str | int, ...]


def target(schema: Any, reference: str) -> tuple[Path, Any] | None:
    """Returns the place that a reference names, as its path and its value; None if there is none in the schema."""
    if not reference.startswith("#/"):
        return ((), schema) if reference == "#" else None
    path: list[str | int] = []
    value = schema
    for step in map(_unescaped, reference[2:].split("/")):
        if isinstance(value, dict) and step in value:
            value = value[step]
            path.append(step)
        elif isinstance(value, list) and step.isdecimal() and step.isascii() and int(step[:9]) < len(value):
            value = value[int(step)]
            path.append(int(step))
        else:
            return None
    return tuple(path), value


def pointer(path: Path) -> str:
    """Returns the reference to a path."""
    return "#" + "".join(f"/{_escaped(str(step))}" for step in path)


def _unescaped(step: str) -> str:
    return unquote(step).replace("~1", "/").replace("~0", "~")


def _escaped(step: str) -> str:
    return quote(step.replace("~", "~0").replace("/", "~1"), safe="$")
