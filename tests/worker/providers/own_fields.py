"""Answers of providers that give something for themselves alone, as they send them."""

from collections.abc import Callable
from typing import Any

from config.providers import Dialect
from tests.worker.providers.asking import anthropic_event, data

SECRET = "c2lnbmF0dXJl"
Pieces = list[dict[str, Any]]


def openai_pieces(*deltas: dict[str, Any]) -> Pieces:
    last = {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}
    return [*({"choices": [{"index": 0, "delta": delta}]} for delta in deltas), last]


def call(id_: str, **fields: Any) -> dict[str, Any]:
    return {"index": 0, "id": id_, "type": "function", "function": {"name": "clock", "arguments": "{}"}, **fields}


THINKING = {"type": "thinking", "thinking": "of Claude", "signature": SECRET}
REDACTED = {"type": "redacted_thinking", "data": SECRET}
SIGNED = {"google": {"thought_signature": SECRET}}
DETAIL = {"type": "reasoning.text", "text": "of OpenRouter", "signature": SECRET, "index": 0}
STREAMS: dict[str, tuple[Dialect, Pieces]] = {
    "claude": (
        "anthropic",
        [
            {"type": "message_start", "message": {"id": "msg_1", "model": "served", "usage": {}}},
            {"type": "content_block_start", "index": 0, "content_block": THINKING | {"thinking": "", "signature": ""}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "of "}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Claude"}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": SECRET}},
            {"type": "content_block_stop", "index": 0},
            {"type": "content_block_start", "index": 1, "content_block": REDACTED},
            {
                "type": "content_block_start",
                "index": 2,
                "content_block": {"type": "tool_use", "id": "toolu_1", "name": "clock", "input": {}},
            },
            {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {}},
            {"type": "message_stop"},
        ],
    ),
    "deepseek": (
        "openai",
        openai_pieces(
            {"reasoning_content": "of "}, {"reasoning_content": "DeepSeek"}, {"tool_calls": [call("call_d")]}
        ),
    ),
    "gemini": (
        "openai",
        openai_pieces({"tool_calls": [call("call_g", extra_content=SIGNED)]}, {"extra_content": SIGNED}),
    ),
    "openrouter": (
        "openai",
        openai_pieces(
            {"reasoning": "of OpenRouter", "reasoning_details": [DETAIL | {"text": "of ", "signature": None}]},
            {"reasoning_details": [DETAIL | {"text": "OpenRouter"}]},
            {"tool_calls": [call("call_o")]},
        ),
    ),
    "llama": ("llama_cpp", openai_pieces({"reasoning_content": "of llama"}, {"tool_calls": [call("call_l")]})),
}
OWN: dict[str, dict[str, Any]] = {
    "claude": {"thinking": [THINKING, REDACTED]},
    "deepseek": {"reasoning_content": "of DeepSeek"},
    "gemini": {"extra_content": SIGNED, "tool_calls": {"call_g": {"extra_content": SIGNED}}},
    "openrouter": {"reasoning": "of OpenRouter", "reasoning_details": [DETAIL]},
    "llama": {"reasoning_content": "of llama"},
}
SHARED = {"deepseek": ["reasoning_content"], "openrouter": ["reasoning"], "llama": ["reasoning_content"]}
"""The fields that hold the message's `reasoning_content`, and so are not there twice."""


def wire(name: str) -> bytes:
    """Returns a provider's stream."""
    dialect, pieces = STREAMS[name]
    write: Callable[[dict[str, Any]], bytes] = anthropic_event if dialect == "anthropic" else data
    return b"".join(map(write, pieces))
