"""Converts a conversation to Anthropic's turns, which alternate and are never empty."""

import re
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from worker.providers.text import parts, text_of
from worker.providers.tool_calls import Ids, arguments
from worker.request import Assistant, Image, Message, System, Text, ToolResult

_OWN_ID = re.compile(r"toolu_[A-Za-z0-9_-]{1,58}")


def instructions(messages: Sequence[Message]) -> list[str]:
    """Returns the texts of all system and developer messages that are not blank."""
    texts = [text_of(message) for message in messages if isinstance(message, System)]
    return [text for text in texts if text.strip()]


def turns(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Returns the turns of user and assistant; neighbours of one role are joined, results of calls are the user's."""
    ids = Ids(_OWN_ID, "toolu_")
    converted = [(_role(message), _blocks(message, ids)) for message in messages if not isinstance(message, System)]
    by_role = groupby(((role, blocks) for role, blocks in converted if blocks), key=itemgetter(0))
    return _trimmed(
        [{"role": role, "content": [block for _, blocks in own for block in blocks]} for role, own in by_role]
    )


def _role(message: Message) -> str:
    return "assistant" if isinstance(message, Assistant) else "user"


def _blocks(message: Message, ids: Ids) -> list[dict[str, Any]]:
    if isinstance(message, ToolResult):
        id_, blocks = ids.result(message.tool_call_id), _parts(message)
        return [{"type": "tool_result", "tool_use_id": id_, **({"content": blocks} if blocks else {})}]
    calls = message.tool_calls or () if isinstance(message, Assistant) else ()
    return _parts(message) + [
        {
            "type": "tool_use",
            "id": ids.call(call.id),
            "name": call.function.name,
            "input": arguments(call.function.arguments),
        }
        for call in calls
    ]


def _parts(message: Message) -> list[dict[str, Any]]:
    """Returns the content blocks of a message, without blank texts, which Anthropic refuses."""
    if isinstance(message.content, str):
        return [{"type": "text", "text": message.content}] if message.content.strip() else []
    return [_part(part) for part in parts(message) if isinstance(part, Image) or part.text.strip()]


def _part(part: Text | Image) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if data := part.image_url.data:
        return {"type": "image", "source": {"type": "base64", "media_type": data[0], "data": data[1]}}
    return {"type": "image", "source": {"type": "url", "url": part.image_url.url}}


def _trimmed(turns_: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns the turns; a last turn of the assistant may not end in white space."""
    if turns_ and turns_[-1]["role"] == "assistant":
        last = turns_[-1]["content"][-1]
        if last["type"] == "text":
            last["text"] = last["text"].rstrip()
    return turns_
