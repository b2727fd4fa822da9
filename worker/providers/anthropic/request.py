"""A completion request as Anthropic's Messages interface takes it.

What it does not take as asked: `temperature` and `top_p` are left out, as every model since Opus 4.7 answers 400 to
them ("deprecated for this model") and the vendor's own types no longer have them; so are `seed`, names and an image's
`detail`. The lowest efforts, `none` and `minimal`, are `low`. Stop sequences of white space are refused, and left out.
An identifier of a user that is too long is sent as its hash. A conversation that ends with the assistant is sent as it
is: models that continue it do, and the others answer 400, upon which the chain asks another dialect; any rewriting
would change what was asked. The same holds for a forced tool call, which the models that always think refuse.
"""

import hashlib
from typing import Any

from config.providers import Model, Provider
from worker.providers.anthropic.schema import fitted
from worker.providers.anthropic.turns import instructions, turns
from worker.providers.dialect import api_key, given
from worker.request import CompletionRequest, Function, JsonSchema, Named

VERSION = "2023-06-01"

MAX_TOKENS = 8_192
"""Anthropic demands a limit. This one is below every current model's, and takes about 100 s of a 120 s attempt."""

_LONGEST_USER = 256
_EFFORTS = {"none": "low", "minimal": "low"}
_CHOICES = {"none": "none", "auto": "auto", "required": "any"}


def headers(provider: Provider) -> dict[str, str]:
    """Returns the headers that say who asks, and for which version."""
    key = api_key(provider)
    return {"anthropic-version": VERSION} | ({"x-api-key": key} if key else {})


def body(request: CompletionRequest, model: Model, stream: bool) -> dict[str, Any]:
    """Returns the body of a request."""
    system, spoken = instructions(request.messages), turns(request.messages)
    if not spoken:  # nobody says anything but the instructions: they are the question
        system, spoken = [], [{"role": "user", "content": [{"type": "text", "text": text} for text in system]}]
    return {
        "model": model.name,
        "max_tokens": model.limit(request.limit or MAX_TOKENS),
        "messages": spoken,
        "stream": stream,
        **given(
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
    schema = fitted(form.json_schema["schema"]) if isinstance(form, JsonSchema) else None
    return given(
        effort=_EFFORTS.get(effort, effort) if effort else None,
        format=None if schema is None else {"type": "json_schema", "schema": schema},
    )


def _tools(request: CompletionRequest) -> dict[str, Any]:
    choice, single = _choice(request), request.parallel_tool_calls is False
    if single and choice is None:
        choice = {"type": "auto"}
    if single and choice and choice["type"] != "none":
        choice["disable_parallel_tool_use"] = True
    return {"tools": [_tool(tool.function) for tool in request.tools or ()], **given(tool_choice=choice)}


def _choice(request: CompletionRequest) -> dict[str, Any] | None:
    choice = request.tool_choice
    if isinstance(choice, Named):
        return {"type": "tool", "name": choice.function.name}
    return {"type": _CHOICES[choice]} if choice else None


def _tool(function: Function) -> dict[str, Any]:
    schema = {"type": "object", "properties": {}} | (function.parameters or {})
    return {
        "name": function.name,
        "input_schema": fitted(schema) if function.strict else schema,
        **given(description=function.description, strict=function.strict or None),
    }
