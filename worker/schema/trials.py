"""The parts of a schema that must hold for parts of an answer."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from worker.schema.pointers import Path, target


class Trial(NamedTuple):
    """A part of the schema, to be tried on a part of the answer; both paths are from the whole."""

    schema: Path
    place: Path
    value: Any


def smaller_trials(whole: dict[str, Any], trial: Trial) -> Iterator[Trial]:
    """Yields smaller trials of which each must succeed, or this one fails."""
    at, place, value = trial
    schema = schema_at(whole, at)
    if not isinstance(schema, dict):
        return
    if isinstance(reference := schema.get("$ref"), str) and (referred := target(whole, reference)):
        yield Trial(referred[0], place, value)
    for index in range(len(schema.get("allOf", ()))):
        yield Trial((*at, "allOf", index), place, value)
    for keyword in ("anyOf", "oneOf"):
        meant = [n for n, each in enumerate(schema.get(keyword, ())) if _may_be_meant(whole, each, value)]
        if len(meant) == 1:
            yield Trial((*at, keyword, meant[0]), place, value)
    if isinstance(value, dict):
        for name in schema.get("properties", ()):
            if name in value:
                yield Trial((*at, "properties", name), (*place, name), value[name])
    elif isinstance(value, list):
        yield from _items(schema, trial)


def schema_at(whole: dict[str, Any], path: Path) -> Any:
    """Returns the part of a schema at a path."""
    value: Any = whole
    for step in path:
        value = value[step]
    return value


def _items(schema: dict[str, Any], trial: Trial) -> Iterator[Trial]:
    at, place, values = trial
    keyword = "prefixItems" if "prefixItems" in schema else "items"
    first = schema.get(keyword)
    count = len(first) if isinstance(first, list) else 0
    for index, value in enumerate(values):
        if index < count:
            yield Trial((*at, keyword, index), (*place, index), value)
        elif isinstance(schema.get("items"), dict):
            yield Trial((*at, "items"), (*place, index), value)


def _may_be_meant(whole: dict[str, Any], branch: Any, value: Any) -> bool:
    """Returns whether a value may be meant for an alternative, by its type and by constants that tell objects apart."""
    if isinstance(branch, dict) and isinstance(branch.get("$ref"), str):
        branch = (target(whole, branch["$ref"]) or ((), None))[1]
    if not isinstance(branch, dict):
        return bool(branch)
    kinds = branch.get("type")
    if isinstance(kinds, str) and kinds in _TYPES and not isinstance(value, _TYPES[kinds]):
        return False
    properties = branch.get("properties", {}).items() if isinstance(value, dict) else ()
    return all(
        value.get(name) == each["const"] for name, each in properties if isinstance(each, dict) and "const" in each
    )


_TYPES: dict[str, type | tuple[type, ...]] = {
    "null": type(None),
    "boolean": bool,
    "string": str,
    "array": list,
    "object": dict,
}
