"""Marks of what Anthropic is to cache: those of the request, or of a provider with `prompt_cache`.

A mark keeps the whole prompt up to it: tools, then instructions, then the turns. A later request reads the longest
prefix that was kept and is the same, if it ends at a mark or within the 20 blocks that end there.
https://platform.claude.com/docs/en/build-with-claude/prompt-caching
"""

from collections.abc import Iterator
from typing import Any

from worker.providers.anthropic.thoughts import THOUGHTS
from worker.request import CacheControl

MOST = 4
"""Marks in a request. Anthropic answers 400 to more."""


def with_mark(block: dict[str, Any], mark: CacheControl | None) -> dict[str, Any]:
    """Returns a block or a tool with a mark of the request."""
    return block if mark is None else block | {"cache_control": mark.model_dump(exclude_none=True)}


def marked(body: dict[str, Any], *, by_itself: bool) -> dict[str, Any]:
    """Returns the body with at most `MOST` marks: the request's last ones, or if it has none and is to have some, ours.

    Ours stand behind the instructions, or the tools where there are none, and behind the last three turns of the user.
    The last one writes for the next request, the one before reads what the request before wrote. The first reads it
    where another provider answered in between, however many blocks that turn has. A mark itself costs nothing.
    """
    marks = [block for block in _blocks(body) if "cache_control" in block]
    for block in marks[:-MOST]:
        del block["cache_control"]
    if marks or not by_itself:
        return body
    if isinstance(body.get("system"), str):
        body["system"] = [{"type": "text", "text": body["system"]}]
    ends = [body.get("system") or body.get("tools") or []]
    ends += [turn["content"] for turn in body["messages"] if turn["role"] == "user"][1 - MOST :]
    for blocks in ends:
        if blocks:
            blocks[-1]["cache_control"] = {"type": "ephemeral"}
    return body


def _blocks(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yields what can have a mark, in the order of the prompt."""
    yield from body.get("tools") or ()
    if isinstance(system := body.get("system"), list):
        yield from system
    for turn in body["messages"]:
        yield from (block for block in turn["content"] if block["type"] not in THOUGHTS)
