"""The fields of a request, from the model that checks it."""

from functools import cache

from docs.generators.schemas import Schema, described
from docs.generators.tables import Table, code
from worker.request import CompletionRequest


@cache
def schema() -> Schema:
    """Returns the JSON schema of a request."""
    return CompletionRequest.model_json_schema(mode="validation")


def annotated(notes: Table) -> Table:
    """Returns rows of `field` and `meaning` with what each field may be.

    Raises:
        ValueError: a row names no field, or a field has no row.
    """
    fields = schema()["properties"]
    named = [code(row[0]) for row in notes.rows]
    if wrong := set(fields) ^ set(named):
        raise ValueError(f"not both in the request and on the page: {', '.join(sorted(wrong))}")
    rows = [[name, described(fields[code(name)], schema()), *rest] for name, *rest in notes.rows]
    return Table([notes.header[0], "value", *notes.header[1:]], rows)
