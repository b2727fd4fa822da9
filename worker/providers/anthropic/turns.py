"""Converts a conversation to Anthropic's turns, which alternate and are never empty."""

import re
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from worker.providers.anthropic.cache import with_mark
from worker.providers.anthropic.thoughts import with_thoughts
from worker.providers.dialect import without_none
from worker.providers.query import Query
from worker.providers.text import parts, text_of
from worker.providers.tool_calls import Ids, arguments
from worker.request import Assistant, ContentPart, File, Image, Message, System, Text, ToolResult
from worker.request.attachments import PDF

_OWN_ID = re.compile(r"toolu_[A-Za-z0-9_-]{1,58}")

Blocks = list[dict[str, Any]]


def instructions(messages: Sequence[Message]) -> str | Blocks:
    """Returns the system and developer messages that are not blank: a text, or blocks where one has a mark."""
    found = [each for each in messages if isinstance(each, System) and text_of(each).strip()]
    blocks = [block for message in found for block in _marked(_parts(message), message)]
    return blocks if any("cache_control" in block for block in blocks) else "\n\n".join(map(text_of, found))


def turns(query: Query) -> Blocks:
    """Returns the turns of user and assistant; neighbours of one role are joined, results of calls are the user's."""
    ids, messages = Ids(_OWN_ID, "toolu_"), query.request.messages
    converted = [(_role(each), _blocks(each, ids, query)) for each in messages if not isinstance(each, System)]
    by_role = groupby(((role, blocks) for role, blocks in converted if blocks), key=itemgetter(0))
    return _trimmed(
        [{"role": role, "content": [block for _, blocks in own for block in blocks]} for role, own in by_role]
    )


def _role(message: Message) -> str:
    return "assistant" if isinstance(message, Assistant) else "user"


def _blocks(message: Message, ids: Ids, query: Query) -> Blocks:
    if isinstance(message, ToolResult):
        return [_result(message, ids)]
    if not isinstance(message, Assistant):
        return _marked(_parts(message), message)
    calls = [
        {
            "type": "tool_use",
            "id": ids.call(call.id),
            "name": call.function.name,
            "input": arguments(call.function.arguments),
        }
        for call in message.tool_calls or ()
    ]
    blocks = with_thoughts(query.own_fields(message), text_of(message), _parts(message), calls)
    return _marked(blocks, message)


def _result(message: ToolResult, ids: Ids) -> dict[str, Any]:
    """Returns a result; a mark on one of its parts becomes the result's, so that all of it is kept."""
    blocks = _parts(message)
    marks = [block.pop("cache_control") for block in blocks if "cache_control" in block]
    block = {"type": "tool_result", "tool_use_id": ids.result(message.tool_call_id)}
    block |= without_none(content=blocks or None, cache_control=marks[-1] if marks else None)
    return with_mark(block, message.cache_control)


def _parts(message: Message) -> Blocks:
    """Returns the content blocks of a message, without blank texts, which Anthropic refuses."""
    if isinstance(message.content, str):  # as most are: a part of its own takes longer
        return [{"type": "text", "text": message.content}] if message.content.strip() else []
    return [_part(part) for part in parts(message) if not isinstance(part, Text) or part.text.strip()]


def _marked(blocks: Blocks, message: Message) -> Blocks:
    """Returns the blocks of a message with its mark on the last one."""
    return [*blocks[:-1], with_mark(blocks[-1], message.cache_control)] if blocks else []


def _part(part: ContentPart) -> dict[str, Any]:
    if isinstance(part, Text):
        block: dict[str, Any] = {"type": "text", "text": part.text}
    elif isinstance(part, Image):
        block = {"type": "image", "source": _image(part)}
    else:
        assert isinstance(part, File)  # noqa: S101 - a chain skips the dialect where there is sound
        source = {"type": "base64", "media_type": PDF, "data": part.file.base64}
        block = {"type": "document", "source": source, **without_none(title=part.file.filename)}
    return with_mark(block, part.cache_control)


def _image(part: Image) -> dict[str, str]:
    if data := part.image_url.data:
        return {"type": "base64", "media_type": data[0], "data": data[1]}
    return {"type": "url", "url": part.image_url.url}


def _trimmed(turns_: Blocks) -> Blocks:
    """Returns the turns; a last turn of the assistant may not end in white space."""
    if turns_ and turns_[-1]["role"] == "assistant":
        last = turns_[-1]["content"][-1]
        if last["type"] == "text":
            last["text"] = last["text"].rstrip()
    return turns_
