"""Builds requests for Anthropic's Messages interface.

| field | what is sent |
|---|---|
| `temperature`, `top_p` | nothing: every model since Opus 4.7 answers 400 ("deprecated for this model") |
| `seed`, names, an image's `detail` | nothing |
| `reasoning_effort` `none`, `minimal` | `low` |
| stop sequences of white space | nothing: they are refused |
| `user`, if too long | its hash |
| a conversation that ends with the assistant | unchanged: some models continue it |
| a forced tool call | unchanged: models that always think refuse it |

A model that refuses one of the last two answers 400, and the chain asks another dialect. A rewritten request would be
another request.
"""

import hashlib
from typing import Any

from config.providers import Model, Provider
from worker.providers.anthropic.schema import closed_schema
from worker.providers.anthropic.turns import instructions, turns
from worker.providers.dialect import api_key, without_none
from worker.request import CompletionRequest, Function, JsonSchema, NamedToolChoice

VERSION = "2023-06-01"

MAX_TOKENS = 8_192
"""Anthropic requires a limit. This one is below that of every current model; so many tokens take about 100 s."""

_LONGEST_USER = 256
_EFFORTS = {"none": "low", "minimal": "low"}
_CHOICES = {"none": "none", "auto": "auto", "required": "any"}


def headers(provider: Provider) -> dict[str, str]:
    """Returns the headers for authentication and version."""
    key = api_key(provider)
    return {"anthropic-version": VERSION} | ({"x-api-key": key} if key else {})


def body(request: CompletionRequest, model: Model, stream: bool) -> dict[str, Any]:
    """Returns the body of a request."""
    system, messages = instructions(request.messages), turns(request.messages)
    if not messages:  # there are only instructions, so they become the question
        system, messages = [], [{"role": "user", "content": [{"type": "text", "text": text} for text in system]}]
    return {
        "model": model.name,
        "max_tokens": model.limit(request.limit or MAX_TOKENS),
        "messages": messages,
        "stream": stream,
        **without_none(
            system="\n\n".join(system) or None,
            stop_sequences=[stop for stop in request.stops if stop.strip()] or None,
            metadata={"user_id": _user(request.user)} if request.user else None,
            output_config=_output(request) or None,
        ),
        **(_tools(request) if request.tools else {}),
    }


def _user(user: str) -> str:
    return user if len(user) <= _LONGEST_USER else hashlib.sha256(user.encode()).hexdigest()


def _output(request: CompletionRequest) -> dict[str, Any]:
    form, effort = request.response_format, request.reasoning_effort
    schema = closed_schema(form.json_schema["schema"]) if isinstance(form, JsonSchema) else None
    return without_none(
        effort=_EFFORTS.get(effort, effort) if effort else None,
        format=None if schema is None else {"type": "json_schema", "schema": schema},
    )


def _tools(request: CompletionRequest) -> dict[str, Any]:
    choice, single = _choice(request), request.parallel_tool_calls is False
    if single and choice is None:
        choice = {"type": "auto"}
    if single and choice and choice["type"] != "none":
        choice["disable_parallel_tool_use"] = True
    return {"tools": [_tool(tool.function) for tool in request.tools or ()], **without_none(tool_choice=choice)}


def _choice(request: CompletionRequest) -> dict[str, Any] | None:
    choice = request.tool_choice
    if isinstance(choice, NamedToolChoice):
        return {"type": "tool", "name": choice.function.name}
    return {"type": _CHOICES[choice]} if choice else None


def _tool(function: Function) -> dict[str, Any]:
    schema = {"type": "object", "properties": {}} | (function.parameters or {})
    return {
        "name": function.name,
        "input_schema": closed_schema(schema) if function.strict else schema,
        **without_none(description=function.description, strict=function.strict or None),
    }
