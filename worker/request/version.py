"""The versions of messages, and which workers can read a request."""

from collections.abc import Iterator, Mapping
from typing import Any

FIRST_VERSION = 2
"""The version of a message, and of the workers that read it, unless its request or its journal needs a later one."""

LATEST_VERSION = 4
"""The latest version that this worker reads; `version` and that of worker/task/journal.py say what needs which."""

_OF_REQUEST = frozenset(
    (
        *("messages", "model", "max_tokens", "max_completion_tokens", "temperature", "top_p", "stop", "seed", "user"),
        *("reasoning_effort", "tools", "tool_choice", "parallel_tool_calls", "response_format", "metadata"),
        *("provider_options", "timeout", "n", "stream"),
    )
)
_OF_MESSAGE = frozenset(("role", "content", "name", "tool_calls", "tool_call_id"))
_OF_PART = frozenset(("type", "text", "image_url"))
_OF_TOOL = frozenset(("type", "function"))
"""The fields that workers before version 4 know; they refuse a request with any other."""


def version(wire: Mapping[str, Any]) -> int:
    """Returns the lowest version of the workers that can read a request, from its JSON values."""
    return LATEST_VERSION if any(_newer(wire)) else FIRST_VERSION


def _newer(wire: Mapping[str, Any]) -> Iterator[bool]:
    yield not _OF_REQUEST.issuperset(wire)
    for message in wire["messages"]:
        yield not _OF_MESSAGE.issuperset(message)
        content = message.get("content")
        for part in content if isinstance(content, list) else ():
            yield not _OF_PART.issuperset(part) or part.get("image_url", {}).get("detail") == "original"
    for tool in wire.get("tools") or ():
        yield not _OF_TOOL.issuperset(tool)
