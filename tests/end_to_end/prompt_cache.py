"""Anthropic's prompt cache by its published rules: https://platform.claude.com/docs/en/build-with-claude/prompt-caching.

1. A prompt is its tools, its instructions and its turns, block by block. With another model it is another prompt; with
   another choice of tools, or other thinking, its turns are.
2. A marked block writes the prompt up to it, unless that has fewer tokens than the model's least.
3. From each mark the prompts are looked up that end there and before, at most 20. A run of calls, or of results,
   is one. The longest one that an earlier request wrote is read.
4. What was written is kept for 5 minutes or an hour since it was last written or read.
5. Refused are more than four marks, one on a thought or on an empty text, and one of an hour behind one of 5 minutes.

A token is four characters here.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

LEAST = 1_024
MOST_MARKS = 4
LOOKBACK = 20
LIFETIMES = {"5m": 300.0, "1h": 3_600.0}
_RUNS = ("tool_use", "tool_result")
_UNMARKABLE = ("thinking", "redacted_thinking")


class Refused(Exception):
    """The request is refused; its text is the reason."""


@dataclass(frozen=True, slots=True)
class _Block:
    """One block: what is known of the prompt up to it, with its tokens; `mark` is a lifetime, empty without a mark."""

    prompt: str
    tokens: int
    kind: str
    mark: str


class PromptCache:
    """What was written, each with the instant at which it is forgotten."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}

    def usage(self, body: dict[str, Any]) -> dict[str, Any]:
        """Reads and writes the prompt of a request; returns its tokens as Anthropic tells them.

        Raises:
            Refused: the marks break a rule.
        """
        blocks = list(_blocks(body))
        marked = [index for index, block in enumerate(blocks) if block.mark]
        _check([blocks[index] for index in marked])
        now = self._clock()
        hits = [hit for index in marked if (hit := self._hit(blocks, index, now))]
        read = max(hits, key=lambda block: block.tokens, default=None)
        if read:
            self._until[read.prompt] = max(self._until[read.prompt], now + LIFETIMES["5m"])
        written = [blocks[index] for index in marked if blocks[index].tokens >= LEAST]
        for block in written:
            self._until[block.prompt] = now + LIFETIMES[block.mark]
        known = read.tokens if read else 0
        kept = max((block.tokens for block in written), default=known)
        hour = max((block.tokens - known for block in written if block.mark == "1h"), default=0)
        return {
            "input_tokens": blocks[-1].tokens - kept,
            "cache_read_input_tokens": known,
            "cache_creation_input_tokens": kept - known,
            "cache_creation": {
                "ephemeral_1h_input_tokens": max(0, hour),
                "ephemeral_5m_input_tokens": kept - known - max(0, hour),
            },
        }

    def _hit(self, blocks: list[_Block], index: int, now: float) -> _Block | None:
        """Returns the longest prompt that was written and that a mark finds, None if it finds none."""
        positions = 0
        for at in range(index, -1, -1):
            if at == index or blocks[at].kind not in _RUNS or blocks[at].kind != blocks[at + 1].kind:
                positions += 1
            if positions > LOOKBACK:
                return None
            if self._until.get(blocks[at].prompt, 0.0) > now:
                return blocks[at]
        return None


def _check(marked: list[_Block]) -> None:
    if len(marked) > MOST_MARKS:
        raise Refused(f"A maximum of 4 blocks with cache_control may be provided. Found {len(marked)}.")
    if any(block.kind in _UNMARKABLE or block.kind == "empty" for block in marked):
        raise Refused("cache_control cannot be set for thinking blocks or empty text blocks")
    if any(first.mark == "5m" and then.mark == "1h" for first, then in pairwise(marked)):
        raise Refused("a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block.")


def _blocks(body: dict[str, Any]) -> Iterator[_Block]:
    prompt, tokens = hashlib.sha256(body["model"].encode()), 0
    for level, block in _parts(body):
        content = {name: value for name, value in block.items() if name != "cache_control"}
        text = json.dumps([level, content], sort_keys=True)
        prompt.update(text.encode())
        tokens += -(-len(text) // 4)
        kind = "empty" if block.get("text") == "" else block.get("type", "tool")
        mark = block["cache_control"].get("ttl", "5m") if "cache_control" in block else ""
        yield _Block(prompt.hexdigest(), tokens, kind, mark)


def _parts(body: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields each block in the order of the prompt, with what else makes it another prompt."""
    for tool in body.get("tools", ()):
        yield "tools", tool
    system = body.get("system") or []
    for block in [{"type": "text", "text": system}] if isinstance(system, str) else system:
        yield "system", block
    options = json.dumps([body.get(name) for name in ("tool_choice", "thinking", "output_config")])
    for turn in body["messages"]:
        for block in turn["content"]:
            yield turn["role"] + options, block
