"""The form that an answer must have, and whether it is checked."""

from collections.abc import Iterator

from worker.request.field_errors import printable
from worker.request.tools import JsonObject, JsonSchema, ResponseFormat
from worker.schema import SchemaFault, compiled

_SCHEMA = "response_format.json_schema.schema"


def is_checked(form: ResponseFormat | None, check_schema: bool | None) -> bool:
    """Returns whether answers are checked: by default if their form is promised, as JSON mode and `strict` do."""
    if isinstance(form, JsonSchema):
        return bool(form.json_schema.get("strict")) if check_schema is None else check_schema
    return isinstance(form, JsonObject) and check_schema is not False


def form_faults(form: ResponseFormat | None, check_schema: bool | None) -> Iterator[str]:
    """Yields what cannot be checked, with its path."""
    if check_schema and not isinstance(form, JsonSchema | JsonObject):
        yield "check_schema: needs a response_format of json_schema or json_object"
    if isinstance(form, JsonSchema) and is_checked(form, check_schema):
        try:
            compiled(form.json_schema["schema"])
        except SchemaFault as fault:
            path = ".".join([_SCHEMA, *map(printable, fault.path)])
            yield f"{path}: {fault.reason}; check_schema = false leaves it unchecked"
