"""Compares what a request needs with what a provider supports: tools, images, files, a schema, a window.

The prompt's tokens are estimated, because the vendors' vocabularies are not available here. Each class of characters
has a weight; that costs 3 to 7 microseconds per kilobyte. Estimate over true count, by SmolLM2's vocabulary of 49,000
(tests/worker/chain/test_capability_estimate.py measures it again) and by OpenAI's o200k_base:

    English 0.9, 1.0      German  0.7, 1.1      Chinese  0.6, 1.2     JSON 1.0, 1.2      base64 0.7, 0.8
    Python  1.0, 1.2      Russian 0.5, 1.4      Japanese 0.6, 1.3     logs 0.8, 1.2      emoji  0.8, 1.2
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from config.providers import Model, Provider
from worker.providers.dialects import DIALECTS
from worker.request import Assistant, CompletionRequest, ContentPart, JsonSchema, Message, Text

MARGIN = 1.4
"""An estimate must be so many times the window before a provider is skipped.

1. A request sent in error costs a 400 and goes on to a larger window. One skipped in error costs an answer.
2. The estimate is at most 1.4 times the count of the largest vocabularies, except for pure digits, capitals and blanks.
"""

IMAGE = 1_000
"""Tokens of an image: OpenAI counts 765 for 1,024 pixels squared, Anthropic 1,600 at most for most models.

A file and a sound count as much: their length is not known here, and nobody is to be skipped in error.
"""

_MESSAGE = 4
_MESSAGE_AT_MOST = 16
"""Tokens that a chat template adds to each message: usually, and at most among the open models."""

_REASONS = {
    "tools": "takes no tools",
    "images": "takes no images",
    "files": "takes no files",
    "audio": "takes no audio",
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
    (bytes(range(0xC0, 0xCA)), 1.0),  # first of two bytes: accented letters
    (bytes(range(0xCA, 0xE0)), 0.45),  # Greek, Cyrillic, Hebrew, Arabic
    (b"\xe0", 0.55),  # first of three: the scripts of India, Thai
    (bytes(range(0xE1, 0xF0)), 1.0),  # Chinese, Japanese, Korean, symbols
    (bytes(range(0xF0, 0x100)), 2.5),  # first of four: emoji
)
"""Tokens per byte of each class. Continuation bytes of a character count nothing."""


@dataclass(frozen=True)
class Requirements:
    """What one request needs of a provider. Each property is computed once, at its first use."""

    request: CompletionRequest

    @cached_property
    def needs(self) -> frozenset[str]:
        """Returns the features that a provider must support."""
        return self.request.needs

    @cached_property
    def most(self) -> int:
        """Returns an upper bound of the prompt's tokens: each token has at least one byte."""
        text = sum(len(text) if text.isascii() else 4 * len(text) for text in self._texts)
        return text + _MESSAGE_AT_MOST * len(self.request.messages) + IMAGE * self._attachments

    @cached_property
    def about(self) -> int:
        """Returns the estimated number of tokens of the prompt."""
        text = sum(map(tokens, self._texts))
        return round(text) + _MESSAGE * len(self.request.messages) + IMAGE * self._attachments

    @cached_property
    def _texts(self) -> list[str]:
        return list(_texts(self.request))

    @cached_property
    def _attachments(self) -> int:
        if self.needs.isdisjoint(("images", "files", "audio")):
            return 0
        return sum(not isinstance(part, Text) for message in self.request.messages for part in _parts(message))


def lacking(requirements: Requirements, provider: Provider, model: Model) -> str | None:
    """Returns why a provider's model cannot take a request ("takes no images"), or None."""
    if requirements.needs:
        supported = DIALECTS[provider.dialect].takes - model.unsupported
        for feature, reason in _REASONS.items():
            if feature in requirements.needs and feature not in supported:
                return reason
    return _too_large(requirements, model)


def incapable(request: CompletionRequest, providers: Mapping[str, Provider]) -> dict[str, str]:
    """Returns the providers that cannot take a request, each with the reason."""
    requirements = Requirements(request)
    reasons = {name: lacking(requirements, each, each.model(request.model)) for name, each in providers.items()}
    return {name: reason for name, reason in reasons.items() if reason}


def tokens(text: str) -> float:
    """Returns the estimated number of tokens of a text."""
    data, total = text.encode(), 0.0
    for members, weight in _WEIGHTS:
        others = data.translate(None, members)
        total += weight * (len(data) - len(others))
        data = others
    return total


def _too_large(requirements: Requirements, model: Model) -> str | None:
    if model.context is None:
        return None
    answer = model.limit(requirements.request.limit) or 0
    room = model.context - answer
    if requirements.most <= room or (room > 0 and requirements.about <= MARGIN * room):
        return None
    of_answer = f" and {answer:,} of answer" if answer else ""
    return f"about {requirements.about:,} tokens{of_answer}, window {model.context:,}"


def _texts(request: CompletionRequest) -> Iterator[str]:
    for message in request.messages:
        if isinstance(message.content, str):
            yield message.content
        else:
            yield from (part.text for part in _parts(message) if isinstance(part, Text))
        if isinstance(message, Assistant):
            yield from (call.function.name + call.function.arguments for call in message.tool_calls or ())
    for tool in request.tools or ():
        yield json.dumps(tool.function.model_dump(exclude_none=True), ensure_ascii=False)
    if isinstance(request.response_format, JsonSchema):
        yield json.dumps(request.response_format.json_schema["schema"], ensure_ascii=False)


def _parts(message: Message) -> tuple[ContentPart, ...]:
    return () if isinstance(message.content, str) else message.content or ()
