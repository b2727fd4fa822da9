"""Checks that an answer has the form that was asked for, so that whoever gets it can parse it."""

from dataclasses import replace
from typing import Any

from pydantic_core import from_json

from worker.errors import AttemptFailed
from worker.providers.assembly import ParsedAnswer
from worker.request import CompletionRequest, JsonSchema
from worker.schema import compiled, violation

_FENCE = "```"
_NOTHING = object()


def conforming(answer: ParsedAnswer, request: CompletionRequest) -> ParsedAnswer:
    """Returns the answer if it has the asked form, without a Markdown fence around its JSON.

    Answers that end for their length or for tool calls are not checked, nor any if the request does not want it.

    Raises:
        AttemptFailed: `wrong_form`; the detail has the place in the answer and the keyword of the schema.
    """
    if answer.finish_reason != "stop" or not request.checks_answer:
        return answer
    text = answer.message["content"] or ""
    value = _parsed(text)
    if value is _NOTHING:
        text = _without_fence(text)
        value = _parsed(text)
    if value is _NOTHING:
        raise AttemptFailed("wrong_form", "the answer is not JSON")
    if fault := _fault(value, text, request):
        raise AttemptFailed("wrong_form", fault)
    return answer if text == answer.message["content"] else replace(answer, message=answer.message | {"content": text})


def _fault(value: Any, text: str, request: CompletionRequest) -> str | None:
    if isinstance(request.response_format, JsonSchema):
        return violation(compiled(request.response_format.json_schema["schema"]), value, len(text))
    return None if isinstance(value, dict) else "the answer is not a JSON object"


def _parsed(text: str) -> Any:
    """Returns the value of a JSON text, `_NOTHING` if it is none. An exception would quote the answer."""
    try:
        return from_json(text, allow_inf_nan=False, cache_strings="keys")
    except ValueError:
        return _NOTHING


def _without_fence(text: str) -> str:
    """Returns what stands in a Markdown fence, if the text is nothing else."""
    inner = text.strip()
    if not (inner.startswith(_FENCE) and inner.endswith(_FENCE)):
        return text
    first, _, rest = inner.removesuffix(_FENCE).removeprefix(_FENCE).partition("\n")
    return rest.strip() if first.strip().lower() in ("", "json") else text
