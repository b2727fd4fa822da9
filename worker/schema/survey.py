"""Measures a schema before the validator gets it, which itself knows no limit.

The validator evaluates a recursive reference once for each value, and any other as often as it is reached. So a schema
counts as if all references but the recursive ones were written out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any, NamedTuple

from worker.schema.faults import SchemaFault
from worker.schema.keywords import beside, definitions, inside
from worker.schema.pointers import Path, pointer, target
from worker.schema.values import count_values

MOST_SIZE = 50_000
"""Schemas and literals. OpenAI takes 5,000 properties and 1,000 literals: https://platform.openai.com/docs/guides/structured-outputs."""

MOST_LEVELS = 100
"""Schemas inside schemas, by references too."""

_UNEVALUATED = 3
"""`unevaluatedItems` and `unevaluatedProperties` evaluate again what stands beside them: 2.4 times as long by level."""


_NOTES = ("contentEncoding", "contentMediaType")

_LITERAL = 5
"""Each value of an object or list that is compared as a whole."""


class Extent(NamedTuple):
    """What a schema asks of the validator.

    Attributes:
        size: the schemas and literals in it.
        load: how many of them one value may be compared with, at most. Of the schemas of properties one is.
        patterns: the regular expressions in the load.
        levels: the longest chain of schemas inside schemas.
    """

    size: int = 1
    load: int = 1
    patterns: int = 0
    levels: int = 0


@dataclass(frozen=True, slots=True)
class Survey:
    """What is known of a schema without its validator.

    Attributes:
        extent: what it asks of the validator.
        patterns: its regular expressions, each with a path of it.
    """

    extent: Extent
    patterns: Mapping[str, Path]


def survey(schema: dict[str, Any]) -> Survey:
    """Returns what is known of a schema, which it changes.

    References are written with escapes, as the validator wants them. Keywords that the drafts leave to the validator
    are left out: all of them are notes here, as they are in draft 2020-12.

    Raises:
        SchemaFault: it is too large or too deep, or a reference leaves it, names nothing or leads back to itself.
    """
    walk = _Walk(schema)
    found = walk.extent(schema, (), 0)
    walk.check_loops()
    return Survey(found, walk.patterns)


@dataclass
class _Walk:
    """One walk through a schema.

    Attributes:
        root: the whole schema.
        known: the extents of the schemas that were walked through, by identity; None while the walk is in one.
        paths: their paths.
        beside: the schemas that each applies to the same value.
        patterns: as of `Survey`.
    """

    root: dict[str, Any]
    known: dict[int, Extent | None] = field(default_factory=dict)
    paths: dict[int, Path] = field(default_factory=dict)
    beside: dict[int, list[int]] = field(default_factory=dict)
    patterns: dict[str, Path] = field(default_factory=dict)

    def extent(self, schema: Any, path: Path, level: int) -> Extent:
        """Returns the extent of a schema that is at this level of the whole one; 1 of one that the walk is in."""
        if not isinstance(schema, dict):
            return Extent()
        found = self.known.get(id(schema))
        if level + (found.levels if found else 0) > MOST_LEVELS:
            raise SchemaFault(path, f"is nested deeper than {MOST_LEVELS} levels, references counted")
        if id(schema) not in self.known:
            self.known[id(schema)], self.paths[id(schema)] = None, path
            found = self.known[id(schema)] = self._extent(schema, path, level + 1)
        return found or Extent()

    def check_loops(self) -> None:
        """Checks that no reference leads back to its own schema for the same value.

        Raises:
            SchemaFault: one does.
        """
        try:
            TopologicalSorter(self.beside).prepare()
        except CycleError as found:
            raise SchemaFault(self.paths[found.args[1][0]], "leads back to itself for the same value") from None

    def _extent(self, schema: dict[str, Any], path: Path, level: int) -> Extent:
        for keyword in _NOTES:
            schema.pop(keyword, None)
        own = self._own(schema, path)
        same_value = [(path + at, each) for at, each in beside(schema)]
        if referred := self._target(schema, path):
            same_value.append(referred)
        self.beside[id(schema)] = [id(each) for _, each in same_value if isinstance(each, dict)]
        weight = _UNEVALUATED if schema.keys() & {"unevaluatedItems", "unevaluatedProperties"} else 1
        parts = weight * [self.extent(each, at, level) for at, each in same_value]
        parts += [self.extent(each, path + at, level) for at, each in inside(schema) if at[0] != "properties"]
        named = [self.extent(each, path + at, level) for at, each in inside(schema) if at[0] == "properties"]
        for at, each in definitions(schema):  # what nothing refers to costs nothing, but may have faults
            self.extent(each, path + at, level)
        found = Extent(
            sum(part.size for part in (own, *parts, *named)),
            sum(part.load for part in (own, *parts)) + max((part.load for part in named), default=0),
            sum(part.patterns for part in (own, *parts)) + max((part.patterns for part in named), default=0),
            1 + max((part.levels for part in (*parts, *named)), default=0),
        )
        if found.size > MOST_SIZE:
            raise SchemaFault(path, f"has more than {MOST_SIZE:,} schemas and literals, references written out")
        return found

    def _own(self, schema: dict[str, Any], path: Path) -> Extent:
        """Returns the extent of a schema without the schemas in it; notes its patterns."""
        by_pattern, literals = schema.get("patternProperties"), schema.get("enum")
        literals = [*(literals if isinstance(literals, list) else []), schema.get("const")]
        found: dict[str, Path] = {}
        if isinstance(by_pattern, dict):
            found = {pattern: (*path, "patternProperties", pattern) for pattern in by_pattern}
        if isinstance(pattern := schema.get("pattern"), str):
            found[pattern] = (*path, "pattern")
        self.patterns |= found
        count = sum(_LITERAL * count_values(each) if isinstance(each, dict | list) else 1 for each in literals)
        return Extent(count, count, len(found))

    def _target(self, schema: dict[str, Any], path: Path) -> tuple[Path, Any] | None:
        """Returns the path and the schema that a reference names, None where there is no reference."""
        for keyword in ("$dynamicRef", "$recursiveRef"):
            if keyword in schema:
                raise SchemaFault((*path, keyword), "is not supported; use $ref")
        if path and "$id" in schema:
            raise SchemaFault((*path, "$id"), "is not supported within a schema")
        reference = schema.get("$ref")
        if not isinstance(reference, str):
            return None
        if not reference.startswith("#"):
            raise SchemaFault((*path, "$ref"), "leaves the schema; only #/... within it is followed")
        found = target(self.root, reference)
        if found is None:
            raise SchemaFault((*path, "$ref"), "names nothing in the schema; it must be # or #/...")
        schema["$ref"] = pointer(found[0])
        return found
