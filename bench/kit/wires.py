"""What the upstream says, in the words of two vendors: a stream of events, and the same answer plain."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Wire:
    """One vendor's words for an answer of so many tokens, each of which is an event of its own in a stream.

    `around` counts the events about them; OpenAI's `[DONE]`, which carries nothing, is none.
    """

    name: Literal["anthropic", "openai"]
    stream: Callable[[int], list[bytes]]
    plain: Callable[[int], bytes]
    around: int


def _token(number: int) -> str:
    return f" token{number}"


def text(tokens: int) -> str:
    """Returns the answer's text."""
    return "".join(map(_token, range(tokens)))


def _openai_stream(tokens: int) -> list[bytes]:
    chunks = [_choice({"role": "assistant", "content": "", "refusal": None})]
    chunks += [_choice({"content": _token(number)}) for number in range(tokens)]
    chunks += [_choice({}, finish="stop"), _data(_chunk(choices=[], usage=_openai_usage(tokens)))]
    return [*chunks, b"data: [DONE]\n\n"]


def _choice(delta: dict[str, Any], finish: str | None = None) -> bytes:
    return _data(_chunk(choices=[{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}], usage=None))


def _chunk(**fields: Any) -> dict[str, Any]:
    return {**_openai_head("chat.completion.chunk"), **fields}


def _openai_head(kind: str) -> dict[str, Any]:
    head = {"id": "chatcmpl-B0aRe5tUpstream", "object": kind, "created": 1_790_000_000}
    return {**head, "model": "bare", "service_tier": "default", "system_fingerprint": "fp_0123456789"}


def _openai_usage(tokens: int) -> dict[str, int]:
    return {"prompt_tokens": 20, "completion_tokens": tokens, "total_tokens": tokens + 20}


def _openai_plain(tokens: int) -> bytes:
    message: dict[str, Any] = {"role": "assistant", "content": text(tokens), "refusal": None, "annotations": []}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return _json({**_openai_head("chat.completion"), "choices": [choice], "usage": _openai_usage(tokens)})


def _anthropic_stream(tokens: int) -> list[bytes]:
    opening: dict[str, Any] = {"content": [], "stop_reason": None, "stop_sequence": None, "usage": _anthropic_usage(1)}
    closing = {"delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": tokens}}
    chunks = [
        _event("message_start", message={**_anthropic_head(), **opening}),
        _event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        _event("ping"),
    ]
    for number in range(tokens):
        chunks.append(_event("content_block_delta", index=0, delta={"type": "text_delta", "text": _token(number)}))
    return [*chunks, _event("content_block_stop", index=0), _event("message_delta", **closing), _event("message_stop")]


def _event(kind: str, **fields: Any) -> bytes:
    return b"event: " + kind.encode() + b"\n" + _data({"type": kind, **fields})


def _anthropic_head() -> dict[str, Any]:
    return {"id": "msg_01B0aRe5tUpstream", "type": "message", "role": "assistant", "model": "bare"}


def _anthropic_usage(tokens: int) -> dict[str, Any]:
    cache = {"cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
    return {"input_tokens": 20, **cache, "output_tokens": tokens, "service_tier": "standard"}


def _anthropic_plain(tokens: int) -> bytes:
    said = {"content": [{"type": "text", "text": text(tokens)}], "stop_reason": "end_turn", "stop_sequence": None}
    return _json({**_anthropic_head(), **said, "usage": _anthropic_usage(tokens)})


def _data(event: dict[str, Any]) -> bytes:
    return b"data: " + _json(event) + b"\n\n"


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


OPENAI = Wire("openai", _openai_stream, _openai_plain, around=3)
ANTHROPIC = Wire("anthropic", _anthropic_stream, _anthropic_plain, around=6)
