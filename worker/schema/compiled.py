"""Compiles each schema once. What can be checked in bounded time is kept with its validator; anything else is refused.

`jsonschema-rs` validates. Unless it is told otherwise it reads what `$ref` names from files and hosts, and its engine
for patterns backtracks. It has no limit of time: survey.py finds what would take long.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock
from typing import Any

from jsonschema_rs import Draft4Validator, RegexOptions, Registry, ValidationError, Validator, validator_for
from pydantic_core import from_json, to_json

from worker.schema.ambiguity import check_patterns
from worker.schema.faults import SchemaFault
from worker.schema.survey import Survey, survey

MOST_BYTES = 262_144
"""A schema as JSON."""

MOST_KEPT, MOST_BYTES_KEPT = 128, 4 << 20
"""The schemas whose validators a process keeps, and their bytes as JSON: a validator takes some 20 times as many."""

_PATTERN, _ALL_PATTERNS = 1 << 20, 8 << 20
"""Bytes of one compiled pattern, and of all of one schema."""

_NOT_LINEAR = "is no regular expression, or needs more than linear time (look-around, back-references) or than 1 MB"
_NAME, _OTHERS = "urn:fallback:schema", "fallback:others"


@dataclass(frozen=True, slots=True)
class Compiled:
    """A schema with its validator."""

    schema: dict[str, Any]
    validator: Validator
    survey: Survey
    _registry: Registry

    def part(self, reference: str) -> Validator:
        """Returns a validator of the part of the schema that a reference such as `#/$defs/node` names."""
        return _validator({"$ref": _NAME + reference}, self.survey, self._registry)

    def others(self, schemas: list[dict[str, Any]]) -> Iterator[Validator]:
        """Yields a validator of each of these schemas, whose references are to this one."""
        registry = Registry([(_NAME, {**self.schema, _OTHERS: schemas})])
        for index in range(len(schemas)):
            yield _validator({"$ref": f"{_NAME}#/{_OTHERS}/{index}"}, self.survey, registry)


_kept: OrderedDict[bytes, tuple[int, Compiled | SchemaFault]] = OrderedDict()
_lock = Lock()


def compiled(schema: dict[str, Any]) -> Compiled:
    """Returns a compiled schema; the last ones are kept.

    Raises:
        SchemaFault: it is invalid, or cannot be checked in bounded time.
    """
    text = to_json(schema)
    found = _known(key := sha256(text).digest())
    if found is None:
        found = _compiled(text)
        _keep(key, len(text), found)
    if isinstance(found, SchemaFault):
        raise SchemaFault(found.path, found.reason)
    return found


def _known(key: bytes) -> Compiled | SchemaFault | None:
    with _lock:
        if key not in _kept:
            return None
        _kept.move_to_end(key)
        return _kept[key][1]


def _keep(key: bytes, size: int, found: Compiled | SchemaFault) -> None:
    with _lock:
        _kept[key] = (0 if isinstance(found, SchemaFault) else size, found)
        while len(_kept) > MOST_KEPT or sum(size for size, _ in _kept.values()) > MOST_BYTES_KEPT:
            _kept.popitem(last=False)


def _compiled(text: bytes) -> Compiled | SchemaFault:
    if len(text) > MOST_BYTES:
        return SchemaFault((), f"has {len(text):,} bytes as JSON; at most {MOST_BYTES:,}")
    try:
        schema = from_json(text)  # a copy that nobody changes
        found = survey(schema)
        validator = _checked(schema, found)
        check_patterns(found.patterns)
    except SchemaFault as fault:
        return SchemaFault(fault.path, fault.reason)  # without its traceback, which holds the schema
    return Compiled(schema, validator, found, Registry([(_NAME, schema)]))


def _checked(schema: dict[str, Any], found: Survey) -> Validator:
    """Returns a schema's validator.

    Raises:
        SchemaFault: it is no valid schema, or a pattern could take more than linear time.
    """
    try:
        validator = _validator(schema, found)
    except ValidationError as error:
        path, keyword = tuple(error.instance_path), error.kind.name
        is_unknown = error.message.startswith("Unknown meta-schema")
    else:
        if not isinstance(validator, Draft4Validator):
            return validator
        is_unknown = True
    if is_unknown:
        raise SchemaFault(("$schema",), "names no draft from 6 to 2020-12")
    raise SchemaFault(path, _NOT_LINEAR if keyword == "format" else "is not valid JSON Schema")


def _validator(schema: dict[str, Any], found: Survey, registry: Registry | None = None) -> Validator:
    size = min(_PATTERN, _ALL_PATTERNS // max(1, len(found.patterns)))
    return validator_for(
        schema,
        registry=registry,
        offline=True,
        pattern_options=RegexOptions(size_limit=size, dfa_size_limit=_PATTERN),
        validate_formats=False,
    )
