"""Puts together the answers of Anthropic's Messages interface, and of the servers that speak it.

1. Thinking is returned as `reasoning_content`, and its blocks with their signatures to the model that gave them, with
   their places where they stand between texts and calls. Other blocks that are neither text nor a call are ignored.
2. A call's pieces come at the index of its block. Some servers send the whole input with the block's start.
3. Some servers send no `message_stop`. The stop reason says that the answer is whole.
"""

from dataclasses import dataclass, field
from typing import Any

from worker.providers.anthropic.thoughts import ORDER, THINKING, THOUGHTS
from worker.providers.assembly import Assembly, Event, count
from worker.providers.scrubbing import code_word
from worker.providers.text import join_utf8
from worker.result import Usage


@dataclass(slots=True)
class _Thought:
    """One block of thinking, as far as it has come; `redacted` is one that came whole and encrypted."""

    text: list[str] = field(default_factory=list)
    signature: list[str] = field(default_factory=list)
    redacted: dict[str, Any] | None = None

    def block(self) -> dict[str, Any]:
        """Returns the block as it goes back."""
        if self.redacted is not None:
            return self.redacted
        return {"type": "thinking", "thinking": join_utf8(self.text), "signature": join_utf8(self.signature)}


class AnthropicAssembly(Assembly):
    """An answer as a stream of blocks, or as one object with all of them."""

    def __init__(self) -> None:
        super().__init__()
        self._usage: dict[str, Any] = {}
        self._thoughts: dict[Any, _Thought] = {}
        self._order: list[tuple[str, int]] = []  # each block's type, and how many pieces of text came before it

    def add(self, event: Event) -> bool:
        """Adds one event or object; see `Assembly.add`."""
        kind = event.get("type")
        if kind == "content_block_delta":
            return self._add_delta(event, event["delta"])
        if kind == "content_block_start":
            return self._add_block(event.get("index"), event["content_block"])
        if kind == "message_start":
            self._check_open()
            self._begin(event["message"])
        elif kind == "message_delta":
            self._end(event["delta"], event.get("usage"))
        elif kind == "message_stop":
            self.has_ended = True
        elif kind == "message" or "content" in event:
            return self._add_whole(event)
        return False

    def _add_whole(self, message: Event) -> bool:
        self._check_open()
        self._begin(message)
        found = [self._add_block(index, block) for index, block in enumerate(message["content"])]
        self._end(message, None)
        self.has_ended = True
        return any(found)

    def _begin(self, message: Event) -> None:
        if self.id or self.text or self.calls:
            self.has_ended = True
            self._check_open()
        self.id, self.model = str(message.get("id") or ""), str(message.get("model") or "")
        self._tell(message.get("usage"))

    def _end(self, delta: dict[str, Any], usage: Any) -> None:
        self.word = self.word or str(delta.get("stop_reason") or "")
        category = code_word((delta.get("stop_details") or {}).get("category"))
        self.refusal_codes = (category,) if category else ()
        self._tell(usage)

    def _add_block(self, index: Any, block: dict[str, Any]) -> bool:
        """Adds the start of a block, which in a plain answer is all of it."""
        self._order.append((block["type"], len(self.text)))
        match block["type"]:
            case "text":
                return self._add_text(self.text, block["text"])
            case "redacted_thinking":
                self._thoughts[index] = _Thought(redacted=block)
            case "thinking":
                self._thoughts[index] = _Thought([block.get("thinking") or ""], [block.get("signature") or ""])
                return self._add_text(self.reasoning, block.get("thinking"))
            case "tool_use":
                self._check_open()
                self.calls.add(index, block.get("id"), block.get("name"), block.get("input"))
                return True
        return False

    def _add_delta(self, event: Event, delta: dict[str, Any]) -> bool:
        match delta["type"]:
            case "text_delta":
                return self._add_text(self.text, delta["text"])
            case "input_json_delta" if self.calls.has(event.get("index")):
                self._check_open()
                self.calls.add(event.get("index"), None, None, delta["partial_json"])
                return bool(delta["partial_json"])
            case "signature_delta":
                self._thought(event).signature.append(delta["signature"])
            case "thinking_delta":
                self._thought(event).text.append(delta["thinking"])
                return self._add_text(self.reasoning, delta["thinking"])
        return False

    def own_fields(self, calls: list[dict[str, Any]]) -> dict[str, Any]:
        """Returns the blocks of thinking; see provider_fields.py."""
        if not self._thoughts:
            return {}
        places, order = self._places(), {}
        if THINKING in places[len(self._thoughts) :]:
            order = {ORDER: places}
        return {THINKING: [each.block() for each in self._thoughts.values()], **order}

    def _places(self) -> list[str | int]:
        """Returns the kinds of the blocks in order, for a text the number of its characters."""
        places: list[str | int] = []
        ends = [*(pieces for _, pieces in self._order[1:]), len(self.text)]
        for (kind, start), end in zip(self._order, ends, strict=True):
            if kind in THOUGHTS:
                places.append(THINKING)
            elif kind == "tool_use":
                places.append(kind)
            elif end > start:
                places.append(len(join_utf8(self.text[start:end])))
        return places

    def _thought(self, event: Event) -> _Thought:
        return self._thoughts.setdefault(event.get("index"), _Thought())

    def _add_text(self, pieces: list[str], text: Any) -> bool:
        if text:
            self._check_open()
            pieces.append(text)
        return bool(text)

    def _tell(self, usage: Any) -> None:
        """Adds usage; a number that is missing, null or 0 keeps its earlier value, as the numbers only grow."""
        if isinstance(usage, dict) and usage:
            self._usage |= {name: value for name, value in usage.items() if value}
            self.usage = _usage(self._usage)


def _usage(usage: dict[str, Any]) -> Usage:
    cached, written = count(usage, "cache_read_input_tokens"), count(usage, "cache_creation_input_tokens")
    prompt = count(usage, "input_tokens") + written + cached
    reasoning = count(usage.get("output_tokens_details"), "thinking_tokens")
    hour = count(usage.get("cache_creation"), "ephemeral_1h_input_tokens")
    tier = usage.get("speed") or usage.get("service_tier")
    known = tier if isinstance(tier, str) else None
    return Usage(prompt, count(usage, "output_tokens"), cached, reasoning, written, hour, tier=known)
