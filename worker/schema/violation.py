"""Finds where an answer breaks its schema, and by which keyword, without a word of the answer.

The validator's own errors are not used: for nested alternatives they take exponential time, and they quote the answer.
Instead parts of the schema are tried on parts of the answer, from the whole to the smallest that fails.
"""

import time
from typing import Any

from jsonschema_rs import Validator

from worker.schema.compiled import Compiled
from worker.schema.pointers import Path, pointer
from worker.schema.trials import Trial, schema_at, smaller_trials
from worker.schema.values import count_values

MOST_WORK = 20_000_000
"""Schemas that all values of an answer are compared with, and characters that patterns read."""

_SEARCH = 0.05
"""Seconds of the search. After that the place is named that was reached."""

_LONGEST_NAME = 64

_COMPANIONS = {
    "if": ("then", "else"),
    "contains": ("minContains", "maxContains"),
    "items": ("prefixItems",),
    "additionalItems": ("items",),
    "additionalProperties": ("properties", "patternProperties"),
}
"""The keywords that change what a keyword means."""

_UNEVALUATED = ("unevaluatedProperties", "unevaluatedItems")
"""They depend on all others."""


def violation(found: Compiled, value: Any, size: int) -> str | None:
    """Returns where a value breaks a schema, such as `items.3.price: breaks type`, None if it does not.

    Args:
        found: the schema.
        value: JSON values.
        size: their characters as JSON.
    """
    extent = found.survey.extent
    if max(extent.load * count_values(value), extent.patterns * size) > MOST_WORK:
        return "too large to be checked against its schema"
    if found.validator.is_valid(value):
        return None
    place, keyword = _Search(found).smallest(value)
    return f"{'.'.join(map(_shown, place)) or 'the answer'}: breaks {keyword or 'the schema'}"


class _Search:
    """One search for the smallest part that fails.

    Attributes:
        found: the schema.
        until: the monotonic instant at which it ends.
        validators: those of the parts of the schema that were tried.
    """

    def __init__(self, found: Compiled) -> None:
        self.found = found
        self.until = time.monotonic() + _SEARCH
        self.validators: dict[Path, Validator] = {}

    def smallest(self, value: Any) -> tuple[Path, str | None]:
        """Returns the place of the smallest part of a value that fails, and its keyword, None if time was too short."""
        trial = Trial((), (), value)
        while smaller := self._failing(trial):
            trial = smaller
        return trial.place, self._keyword(trial)

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self.until

    def _failing(self, trial: Trial) -> Trial | None:
        """Returns the first of the smaller trials that fails, None if there is none or time was too short."""
        for smaller in smaller_trials(self.found.schema, trial):
            if self.is_over:
                return None
            at = smaller.schema
            validator = self.validators[at] = self.validators.get(at) or self.found.part(pointer(at))
            if not validator.is_valid(smaller.value):
                return smaller
        return None

    def _keyword(self, trial: Trial) -> str | None:
        schema: Any = schema_at(self.found.schema, trial.schema)
        if not isinstance(schema, dict):
            return "false"
        keywords: list[str] = [keyword for keyword in schema if keyword not in _UNEVALUATED]
        names = [(keyword, *_COMPANIONS.get(keyword, ())) for keyword in keywords]
        alone = [{name: schema[name] for name in each if name in schema} for each in names]
        for keyword, validator in zip(keywords, self.found.others(alone), strict=True):
            if self.is_over:
                return None
            if not validator.is_valid(trial.value):
                return keyword
        return next((keyword for keyword in _UNEVALUATED if keyword in schema), None)


def _shown(step: str | int) -> str:
    """Returns a step of a path as text; it is an index, or a property that the schema names."""
    name = str(step)
    return name if name.isprintable() and len(name) <= _LONGEST_NAME else "*"
