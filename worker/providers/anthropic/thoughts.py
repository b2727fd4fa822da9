"""The thoughts of an answer that goes back. Anthropic checks their signatures, and in the last turn their places.

Where the model thinks between its calls, a turn with the thoughts in front is answered with 400 ("thinking blocks in
the latest assistant message cannot be modified"). A message has all of its text, then all of its calls. So `order` has
the places of thoughts that are not in front: `thinking`, `tool_use`, or the number of characters of a text.
https://platform.claude.com/docs/en/build-with-claude/extended-thinking#preserving-thinking-blocks
"""

from collections.abc import Iterator
from typing import Any

THINKING, ORDER = "thinking", "order"
"""The names of the fields of a message that only the model that gave it sees again."""

THOUGHTS = ("thinking", "redacted_thinking")
"""The types of the blocks, which can have no mark of the cache."""

_CALL = "tool_use"

Blocks = list[dict[str, Any]]


def with_thoughts(own: dict[str, Any], text: str, texts: Blocks, calls: Blocks) -> Blocks:
    """Returns the blocks of an answer as they came; the thoughts in front where their places are not known any more.

    Without a text or a call it is empty: a thought alone is no turn.

    Args:
        own: what the model gave with the answer, to see it again.
        text: all of the message's text.
        texts: the blocks of the text, without blank ones.
        calls: the blocks of the calls.
    """
    found, order = own.get(THINKING), own.get(ORDER)
    thoughts = [dict(block) for block in found if isinstance(block, dict)] if isinstance(found, list) else []
    if not (texts or calls):
        return []
    if isinstance(order, list) and _fits(order, thoughts, text, calls):
        blocks = list(_ordered(order, thoughts, text, calls))
        if blocks[-1]["type"] not in THOUGHTS:
            marks = [{"cache_control": block["cache_control"]} for block in texts if "cache_control" in block]
            return [*blocks[:-1], {**blocks[-1], **(marks[-1] if marks else {})}]
    return thoughts + texts + calls


def _fits(order: list[Any], thoughts: Blocks, text: str, calls: Blocks) -> bool:
    """Returns whether a message is still what it was: callers may have changed it."""
    lengths = [place for place in order if isinstance(place, int) and place >= 0]
    kinds = (order.count(THINKING), order.count(_CALL), len(lengths))
    return sum(kinds) == len(order) and (*kinds[:2], sum(lengths)) == (len(thoughts), len(calls), len(text))


def _ordered(order: list[Any], thoughts: Blocks, text: str, calls: Blocks) -> Iterator[dict[str, Any]]:
    thought, call, at = iter(thoughts), iter(calls), 0
    for place in order:
        if place == THINKING:
            yield next(thought)
        elif place == _CALL:
            yield next(call)
        else:
            piece, at = text[at : at + place], at + place
            if piece.strip():  # Anthropic refuses a blank one
                yield {"type": "text", "text": piece}
