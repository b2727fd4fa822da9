"""Fills the markers of a page."""

import re
from collections.abc import Callable

from docs.generators import (
    answers,
    commands,
    docstrings,
    errors,
    failures,
    fields,
    litellm,
    metrics,
    outcomes,
    presets,
    request,
    settings,
    sources,
)
from docs.generators.tables import Table, parsed

MARKER = re.compile(r"^<!-- generated: ([a-z-]+) -->\n((?:\|.*\n)*)", re.MULTILINE)
"""A marker, and the table with notes that follows it, if one does."""

ANNOTATED: dict[str, Callable[[Table], Table]] = {
    "settings": settings.annotated,
    "outcome-classes": outcomes.annotated,
    "request": request.annotated,
}
"""What adds columns to the table after the marker, by the marker's word."""

WHOLE: dict[str, Callable[[], Table | str]] = {
    "events": lambda: docstrings.body(sources.EVENTS),
    "problems": lambda: docstrings.body(sources.PROBLEMS),
    "redis-keys": lambda: docstrings.body(sources.KEYS),
    "counters": lambda: docstrings.body(sources.COUNTERS),
    "metrics": metrics.metrics,
    "commands": commands.commands,
    "errors": errors.errors,
    "answers": answers.answers,
    "failures": failures.rows,
    "fields": fields.fields,
    "answer-fields": fields.answer_fields,
    "corpus": failures.corpus,
    "presets": presets.presets,
    "litellm-vendors": litellm.vendors,
    "litellm-reasons": litellm.reasons,
    "litellm-examples": litellm.examples,
}
"""What takes the marker's place, by the marker's word."""


def fill(markdown: str) -> str:
    """Returns a page with every marker filled.

    Raises:
        ValueError: a marker is unknown, or its table does not fit the code.
    """
    return MARKER.sub(_filled, markdown)


def _filled(found: re.Match[str]) -> str:
    name, notes = found[1], found[2]
    try:
        if name in ANNOTATED:
            return str(ANNOTATED[name](parsed(notes)))
        if name in WHOLE:
            return str(WHOLE[name]()) + notes
    except ValueError as exc:
        raise ValueError(f"generated: {name}: {exc}") from None
    raise ValueError(f"generated: {name}: unknown; there are {', '.join((*ANNOTATED, *WHOLE))}")
