"""JSON schemas, and answers of which about half are as their schema wants them."""

import json
from typing import Any

from hypothesis import strategies as st

NAMES = st.sampled_from(["a", "b", "c", "ab", "é"])
"""Few names, texts and numbers, so that schemas and answers meet."""
TEXTS = st.sampled_from(["", "a", "ab", "aab", "1", "é", "😀", "a b"])
NUMBERS = st.sampled_from([0, 1, 2, 3, -1, 10, 0.5, 1.0, 1.5, -0.5, 1e300, 2**70])
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
TYPES = st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"])
PATTERNS = st.sampled_from(["^a", "b$", "^[a-z]+$", "^$", "a{2}", "a|1", "^(a+b)+$", "[^a]"])
COUNTS = st.integers(0, 3)
DRAFTS = st.sampled_from([None, None, None, "http://json-schema.org/draft-07/schema#"])
REFERENCES = st.sampled_from(["#", "#/$defs/x", "#/$defs/y", "#/$defs/x/properties/a", "#/properties/a"])


def _keywords(inner: st.SearchStrategy[Any]) -> list[st.SearchStrategy[dict[str, Any]]]:
    """Returns a strategy for each group of keywords."""
    some, by_name = st.lists(inner, min_size=1, max_size=3), st.dictionaries(NAMES, inner, max_size=3)
    groups: list[dict[str, st.SearchStrategy[Any]]] = [
        {"type": TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True)},
        {"enum": st.lists(VALUES, min_size=1, max_size=3, unique_by=json.dumps)},
        {"const": VALUES},
        {"minimum": NUMBERS, "exclusiveMaximum": NUMBERS},
        {"multipleOf": st.sampled_from([1, 2, 0.5])},
        {"minLength": COUNTS, "maxLength": COUNTS},
        {"pattern": PATTERNS},
        {"items": inner, "minItems": COUNTS, "maxItems": COUNTS},
        {"prefixItems": some, "items": inner},
        {"uniqueItems": st.booleans()},
        {"contains": inner, "minContains": COUNTS, "maxContains": COUNTS},
        {"properties": by_name, "required": st.lists(NAMES, max_size=2, unique=True)},
        {"properties": by_name, "patternProperties": st.dictionaries(PATTERNS, inner, max_size=1)},
        {"properties": by_name, "additionalProperties": inner},
        {"propertyNames": inner},
        {"minProperties": COUNTS, "maxProperties": COUNTS},
        {"dependentSchemas": by_name},
        {"dependentRequired": st.dictionaries(NAMES, st.lists(NAMES, max_size=2, unique=True), max_size=2)},
        {"anyOf": some},
        {"allOf": some},
        {"oneOf": some},
        {"not": inner},
        {"if": inner, "then": inner, "else": inner},
        {"allOf": some, "unevaluatedProperties": inner},
        {"prefixItems": some, "unevaluatedItems": inner},
        {"$ref": REFERENCES},
        {"description": TEXTS, "default": VALUES},
    ]
    return [st.fixed_dictionaries({}, optional=group) for group in groups]


def _joined(parts: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: value for part in parts for name, value in part.items()}


SUBSCHEMAS: st.SearchStrategy[Any] = st.recursive(
    st.booleans() | st.builds(dict),
    lambda inner: st.lists(st.one_of(_keywords(inner)), min_size=1, max_size=3).map(_joined),
    max_leaves=8,
)
OBJECTS = st.fixed_dictionaries(
    {"type": st.just("object"), "properties": st.dictionaries(NAMES, SUBSCHEMAS, min_size=1, max_size=3)},
    optional={"required": st.lists(NAMES, max_size=2, unique=True), "additionalProperties": st.booleans()},
)


@st.composite
def schemas(draw: st.DrawFn) -> dict[str, Any]:
    """Draws a schema, often an object's as vendors want it, with two definitions."""
    schema = draw(OBJECTS | SUBSCHEMAS.filter(lambda each: isinstance(each, dict)))
    schema = {**schema, "$defs": {"x": draw(OBJECTS), "y": draw(SUBSCHEMAS)}}
    draft = draw(DRAFTS)
    return schema if draft is None else {"$schema": draft, **schema}


def answers(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Returns answers near a schema: objects with its properties, or anything."""
    names = list(schema.get("properties", {})) or ["a"]
    near = st.dictionaries(st.sampled_from(names) | NAMES, VALUES, max_size=3)
    return near | near | VALUES
