"""A completion request as OpenAI's Chat Completions interface takes it: as it came, but for its fields of ours."""

import re
from typing import Any

from config.providers import Model, Provider
from worker.providers.calls import Ids, written
from worker.providers.dialect import api_key, given, parts
from worker.request import (
    Assistant,
    Choice,
    CompletionRequest,
    Function,
    Image,
    JsonSchema,
    Message,
    Named,
    Text,
    ToolResult,
)

_OWN_ID = re.compile(r"(?!toolu_)[A-Za-z0-9_-]{1,40}")
"""OpenAI's bound is 40 characters; the form is free, as many servers speak this dialect. Anthropic's is not theirs."""


def headers(provider: Provider) -> dict[str, str]:
    """Returns the header that says who asks."""
    key = api_key(provider)
    return {"Authorization": f"Bearer {key}"} if key else {}


def body(request: CompletionRequest, model: Model, stream: bool) -> dict[str, Any]:
    """Returns the body of a request; a stream is asked to end with its usage."""
    ids = Ids(_OWN_ID, "call_")
    return {
        "model": model.name,
        "messages": [_message(message, ids) for message in request.messages],
        "stream": stream,
        **given(
            stream_options={"include_usage": True} if stream else None,
            max_completion_tokens=model.limit(request.limit),
            temperature=request.temperature,
            top_p=request.top_p,
            stop=list(request.stops) or None,
            seed=request.seed,
            user=request.user,
            reasoning_effort=request.reasoning_effort,
            response_format=_response_format(request),
        ),
        **(_tools(request) if request.tools else {}),
    }


def _tools(request: CompletionRequest) -> dict[str, Any]:
    return {
        "tools": [{"type": "function", "function": _function(tool.function)} for tool in request.tools or ()],
        **given(tool_choice=_choice(request.tool_choice), parallel_tool_calls=request.parallel_tool_calls),
    }


def _function(function: Function) -> dict[str, Any]:
    return {
        "name": function.name,
        **given(description=function.description, parameters=function.parameters, strict=function.strict),
    }


def _choice(choice: Choice | None) -> Any:
    if isinstance(choice, Named):
        return {"type": "function", "function": {"name": choice.function.name}}
    return choice


def _response_format(request: CompletionRequest) -> dict[str, Any] | None:
    form = request.response_format
    if not isinstance(form, JsonSchema):
        return {"type": form.type} if form else None
    schema = form.json_schema
    return {
        "type": "json_schema",
        "json_schema": {
            "name": schema["name"],
            "schema": schema["schema"],
            **given(description=schema.get("description"), strict=schema.get("strict")),
        },
    }


def _message(message: Message, ids: Ids) -> dict[str, Any]:
    if isinstance(message, ToolResult):
        return {"role": "tool", "tool_call_id": ids.result(message.tool_call_id), "content": _content(message)}
    told = {"role": message.role, "content": _content(message), **given(name=message.name)}
    if isinstance(message, Assistant) and message.tool_calls:
        told["tool_calls"] = [
            {
                "id": ids.call(call.id),
                "type": "function",
                "function": {"name": call.function.name, "arguments": written(call.function.arguments)},
            }
            for call in message.tool_calls
        ]
    return told


def _content(message: Message) -> Any:
    if message.content is None or isinstance(message.content, str):
        return message.content
    return [_part(part) for part in parts(message)]


def _part(part: Text | Image) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    image = part.image_url
    return {"type": "image_url", "image_url": {"url": image.url, **given(detail=image.detail)}}
