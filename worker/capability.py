"""What a request needs and a provider lacks: tools, images, a schema, a window that is large enough.

The window is compared with an estimate, as no vendor's vocabulary is at hand. It weighs the classes of characters and
takes 3 to 7 microseconds per kilobyte. Estimate over true count, for 60 kB of each kind in November 2026, by
SmolLM2's vocabulary of 49,000 (the tests measure it again, with a real llama.cpp) and by OpenAI's o200k_base:

    English 0.9, 1.0      German  0.7, 1.1      Chinese  0.6, 1.2     JSON 1.0, 1.2      base64 0.7, 0.8
    Python  1.0, 1.2      Russian 0.5, 1.4      Japanese 0.6, 1.3     logs 0.8, 1.2      emoji  0.8, 1.2
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from config.providers import Model, Provider
from worker.providers.dialects import DIALECTS
from worker.request import Assistant, CompletionRequest, Image, JsonSchema, Message, Text

MARGIN = 1.4
"""How far an estimate must be above a window. A request wrongly sent costs a 400, and goes on to a larger window;
one wrongly passed over costs an answer. The estimate is at most that much above what the largest vocabularies count,
save for pure digits, capitals and blanks."""

IMAGE = 1_000
"""Tokens of an image: OpenAI counts 765 for 1,024 pixels squared, Anthropic 1,600 at most for most models."""

_MESSAGE = 4
_MESSAGE_AT_MOST = 16
"""Tokens around a message, by the chat templates of the open models."""

_WORDS = {
    "tools": "takes no tools",
    "images": "takes no images",
    "schema": "takes no schema for its answer",
    "json": "has no JSON mode",
    "prefill": "does not go on with an answer that was begun",
}

_LOWER = bytes(range(ord("a"), ord("z") + 1))
_BLANK = b" \t\n\r"
_WEIGHTS: tuple[tuple[bytes, float], ...] = (
    (_LOWER, 0.22),
    (_BLANK, 0.05),
    (bytes(byte for byte in range(0x80) if byte not in _LOWER + _BLANK), 0.75),  # digits, capitals, punctuation
    (bytes(range(0xC0, 0xCA)), 1.0),  # two bytes begin so: accented letters
    (bytes(range(0xCA, 0xE0)), 0.45),  # Greek, Cyrillic, Hebrew, Arabic
    (b"\xe0", 0.55),  # three: the scripts of India, Thai
    (bytes(range(0xE1, 0xF0)), 1.0),  # Chinese, Japanese, Korean, symbols
    (bytes(range(0xF0, 0x100)), 2.5),  # four: emoji
)
"""Tokens per byte of each class; the bytes that go on with a character count nothing."""


@dataclass(frozen=True)
class Demand:
    """What one request asks of whoever answers it; each part is worked out once, and only if somebody asks."""

    request: CompletionRequest

    @cached_property
    def needs(self) -> frozenset[str]:
        """Returns what a provider must be able to do."""
        return self.request.needs

    @cached_property
    def most(self) -> int:
        """Returns a number of tokens that the prompt cannot exceed: a token has a byte or more."""
        text = sum(len(text) if text.isascii() else 4 * len(text) for text in self._texts)
        return text + _MESSAGE_AT_MOST * len(self.request.messages) + IMAGE * self._images

    @cached_property
    def about(self) -> int:
        """Returns about how many tokens the prompt has."""
        text = sum(map(tokens, self._texts))
        return round(text) + _MESSAGE * len(self.request.messages) + IMAGE * self._images

    @cached_property
    def _texts(self) -> list[str]:
        return list(_texts(self.request))

    @cached_property
    def _images(self) -> int:
        if "images" not in self.needs:
            return 0
        return sum(isinstance(part, Image) for message in self.request.messages for part in _parts(message))


def lacking(demand: Demand, provider: Provider, model: Model) -> str | None:
    """Returns why a provider's model cannot take a request ("takes no images"), or None."""
    if demand.needs:
        able = DIALECTS[provider.dialect].takes - model.lacks
        for word, reason in _WORDS.items():
            if word in demand.needs and word not in able:
                return reason
    return _too_large(demand, model)


def incapable(request: CompletionRequest, providers: Mapping[str, Provider]) -> dict[str, str]:
    """Returns the providers that cannot take a request, each with the reason."""
    demand = Demand(request)
    found = {name: lacking(demand, provider, provider.model(request.model)) for name, provider in providers.items()}
    return {name: reason for name, reason in found.items() if reason}


def tokens(text: str) -> float:
    """Returns about how many tokens a text has."""
    data, total = text.encode(), 0.0
    for members, weight in _WEIGHTS:
        rest = data.translate(None, members)
        total += weight * (len(data) - len(rest))
        data = rest
    return total


def _too_large(demand: Demand, model: Model) -> str | None:
    if model.context is None:
        return None
    answer = model.limit(demand.request.limit) or 0
    room = model.context - answer
    if demand.most <= room or (room > 0 and demand.about <= MARGIN * room):
        return None
    of_answer = f" and {answer:,} of answer" if answer else ""
    return f"about {demand.about:,} tokens{of_answer}, window {model.context:,}"


def _texts(request: CompletionRequest) -> Iterator[str]:
    for message in request.messages:
        if isinstance(message.content, str):
            yield message.content
        else:
            yield from (part.text for part in _parts(message) if not isinstance(part, Image))
        if isinstance(message, Assistant):
            yield from (call.function.name + call.function.arguments for call in message.tool_calls or ())
    for tool in request.tools or ():
        yield json.dumps(tool.function.model_dump(exclude_none=True), ensure_ascii=False)
    if isinstance(request.response_format, JsonSchema):
        yield json.dumps(request.response_format.json_schema["schema"], ensure_ascii=False)


def _parts(message: Message) -> tuple[Text | Image, ...]:
    return () if isinstance(message.content, str) else message.content or ()
