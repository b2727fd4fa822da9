"""Converts a conversation to OpenAI's messages."""

import re
from typing import Any

from worker.providers.dialect import without_none
from worker.providers.openai.own_fields import OWN
from worker.providers.query import Query
from worker.providers.text import parts
from worker.providers.tool_calls import Ids, arguments_json
from worker.request import Assistant, ContentPart, File, Image, Message, Text, ToolResult

_OWN_ID = re.compile(r"(?!toolu_)[A-Za-z0-9_-]{1,40}")
"""OpenAI allows 40 characters. Any form but Anthropic's is kept, because many servers implement this dialect."""

_SHORT_ID = re.compile(r"[A-Za-z0-9]{9}")

_STAND_IN = {"google": {"thought_signature": "skip_thought_signature_validator"}}
"""What Gemini documents for calls that it did not make: https://ai.google.dev/gemini-api/docs/thought-signatures."""


def messages(query: Query) -> list[dict[str, Any]]:
    """Returns the messages, each with what the provider itself gave with it."""
    ids = Ids(_SHORT_ID, "", 9) if query.provider.short_call_ids else Ids(_OWN_ID, "call_")
    return [_message(message, ids, query) for message in query.request.messages]


def _message(message: Message, ids: Ids, query: Query) -> dict[str, Any]:
    if isinstance(message, ToolResult):
        return {"role": "tool", "tool_call_id": ids.result(message.tool_call_id), "content": _content(message)}
    is_known = message.role != "developer" or query.provider.developer_role
    role = message.role if is_known else "system"
    converted = {"role": role, "content": _content(message), **without_none(name=message.name)}
    if not isinstance(message, Assistant):
        return converted
    own, stand_in = query.own_fields(message), query.provider.stand_in
    converted |= {name: own[name] for name in OWN if name in own}
    if message.tool_calls:
        if stand_in == "reasoning_content":
            converted.setdefault("reasoning_content", "")
        found = own.get("tool_calls")
        kept = found if isinstance(found, dict) else {}
        converted["tool_calls"] = [
            {
                "id": ids.call(call.id),
                "type": "function",
                "function": {"name": call.function.name, "arguments": arguments_json(call.function.arguments)},
                **without_none(extra_content=_extra(kept.get(call.id))),
            }
            for call in message.tool_calls
        ]
        if stand_in == "thought_signature" and not kept:
            converted["tool_calls"][0]["extra_content"] = _STAND_IN
    return converted


def _extra(kept: Any) -> Any:
    return kept.get("extra_content") if isinstance(kept, dict) else None


def _content(message: Message) -> Any:
    if message.content is None or isinstance(message.content, str):
        return message.content
    return [_part(part) for part in parts(message)] or ""  # OpenAI answers 400 to no part


def _part(part: ContentPart) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if isinstance(part, Image):
        image = part.image_url
        return {"type": "image_url", "image_url": {"url": image.url, **without_none(detail=image.detail)}}
    if isinstance(part, File):
        file = part.file
        # OpenAI answers 400 to a file without a name.
        return {"type": "file", "file": {"file_data": file.file_data, "filename": file.filename or "document.pdf"}}
    return {"type": "input_audio", "input_audio": {"data": part.input_audio.data, "format": part.input_audio.format}}
