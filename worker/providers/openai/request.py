"""Builds requests for OpenAI's Chat Completions interface: unchanged, without the fields of ours."""

import re
from typing import Any

from config.providers import Model, Provider
from worker.providers.dialect import api_key, without_none
from worker.providers.text import parts
from worker.providers.tool_calls import Ids, arguments_json
from worker.request import (
    Assistant,
    Choice,
    CompletionRequest,
    Function,
    Image,
    JsonSchema,
    Message,
    NamedToolChoice,
    Text,
    ToolResult,
)

_OWN_ID = re.compile(r"(?!toolu_)[A-Za-z0-9_-]{1,40}")
"""OpenAI allows 40 characters. Any form but Anthropic's is kept, because many servers implement this dialect."""


def headers(provider: Provider) -> dict[str, str]:
    """Returns the header for authentication."""
    key = api_key(provider)
    return {"Authorization": f"Bearer {key}"} if key else {}


def body(request: CompletionRequest, model: Model, stream: bool) -> dict[str, Any]:
    """Returns the body of a request; a stream ends with its usage."""
    ids = Ids(_OWN_ID, "call_")
    return {
        "model": model.name,
        "messages": [_message(message, ids) for message in request.messages],
        "stream": stream,
        **without_none(
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
        **without_none(tool_choice=_choice(request.tool_choice), parallel_tool_calls=request.parallel_tool_calls),
    }


def _function(function: Function) -> dict[str, Any]:
    return {
        "name": function.name,
        **without_none(description=function.description, parameters=function.parameters, strict=function.strict),
    }


def _choice(choice: Choice | None) -> Any:
    if isinstance(choice, NamedToolChoice):
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
            **without_none(description=schema.get("description"), strict=schema.get("strict")),
        },
    }


def _message(message: Message, ids: Ids) -> dict[str, Any]:
    if isinstance(message, ToolResult):
        return {"role": "tool", "tool_call_id": ids.result(message.tool_call_id), "content": _content(message)}
    converted = {"role": message.role, "content": _content(message), **without_none(name=message.name)}
    if isinstance(message, Assistant) and message.tool_calls:
        converted["tool_calls"] = [
            {
                "id": ids.call(call.id),
                "type": "function",
                "function": {"name": call.function.name, "arguments": arguments_json(call.function.arguments)},
            }
            for call in message.tool_calls
        ]
    return converted


def _content(message: Message) -> Any:
    if message.content is None or isinstance(message.content, str):
        return message.content
    return [_part(part) for part in parts(message)]


def _part(part: Text | Image) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    image = part.image_url
    return {"type": "image_url", "image_url": {"url": image.url, **without_none(detail=image.detail)}}
