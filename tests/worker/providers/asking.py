"""Values for asking: providers with short limits, requests, streams."""

import json
import time
from collections.abc import Callable
from typing import Any

from config.providers import Dialect, Model, Provider
from worker.errors import AttemptFailed
from worker.providers import ask
from worker.providers.dialects import DIALECTS
from worker.providers.query import Query
from worker.request import CompletionRequest
from worker.result import Answer

KEY = "sk-fallback-test-0123456789"


def provider(dialect: Dialect, url: str, **fields: Any) -> Provider:
    base = url + "/v1" if dialect == "openai" else url
    return Provider.model_validate(
        {
            "name": "p",
            "dialect": dialect,
            "base_url": base,
            "api_key": KEY,
            "models": {"default": {"name": "a-model"}},
            **fields,
        }
    )


def request(*turns: tuple[str, Any], **fields: Any) -> CompletionRequest:
    turns = turns or (("user", "Why is the sky blue?"),)
    messages = [{"role": role, "content": content} for role, content in turns]
    return CompletionRequest.model_validate({"messages": messages, **fields})


def body(
    dialect: Dialect, request: CompletionRequest, model: Model | None = None, *, stream: bool = True, **fields: Any
) -> dict[str, Any]:
    """Returns what a provider `p` of this dialect, which has these fields, is sent."""
    asked = provider(dialect, "http://127.0.0.1:1", stream=stream, **fields)
    return DIALECTS[dialect].body(Query(request, asked, model or asked.model("default")))


def revoked_if(is_revoked: Callable[[], bool]) -> Callable[[float], None]:
    """Returns a check that ends an attempt once it is revoked."""

    def check(silence: float) -> None:
        if is_revoked():
            raise AttemptFailed("revoked")

    return check


def asked(
    provider: Provider,
    request: CompletionRequest | None = None,
    *,
    within: float = 60.0,
    share: float | None = None,
    on_first_byte: Callable[[], None] = lambda: None,
    check_wanted: Callable[[float], None] = lambda silence: None,
) -> Answer:
    return ask(
        provider,
        provider.model("default"),
        request or globals()["request"](),
        deadline=time.monotonic() + within,
        share=share,
        on_first_byte=on_first_byte,
        check_wanted=check_wanted,
    )


def failure(*args: Any, **kwargs: Any) -> AttemptFailed:
    try:
        answer = asked(*args, **kwargs)
    except AttemptFailed as failed:
        return failed
    raise AssertionError(f"it answered: {answer.finish_reason}")


def data(value: Any) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def openai_chunk(content: str | None = None, finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {} if content is None else {"content": content}, "finish_reason": finish}
    return data({"id": "chatcmpl-1", "model": "served", "choices": [choice]})


OPENAI_USAGE = data(
    {
        "id": "chatcmpl-1",
        "model": "served",
        "choices": [],
        "usage": {
            "prompt_tokens": 9,
            "completion_tokens": 5,
            "prompt_tokens_details": {"cached_tokens": 4},
            "completion_tokens_details": {"reasoning_tokens": 2},
        },
    }
)
OPENAI = [
    openai_chunk(""),
    openai_chunk("Grüße"),
    openai_chunk(' [DONE]\n\ndata: [DONE]\n\n"content":"x"'),
    openai_chunk(None, "stop"),
    OPENAI_USAGE,
    b"data: [DONE]\n\n",
]


def anthropic_event(value: dict[str, Any]) -> bytes:
    return f"event: {value['type']}\n".encode() + data(value)


def anthropic_text(text: str) -> bytes:
    return anthropic_event({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}})


ANTHROPIC_START = anthropic_event(
    {
        "type": "message_start",
        "message": {
            "id": "msg_1",
            "model": "served",
            "usage": {"input_tokens": 3, "cache_creation_input_tokens": 2, "cache_read_input_tokens": 4},
        },
    }
)
PING = anthropic_event({"type": "ping"})


def anthropic_stop(reason: str, **delta: Any) -> bytes:
    return anthropic_event(
        {"type": "message_delta", "delta": {"stop_reason": reason, **delta}, "usage": {"output_tokens": 5}}
    ) + anthropic_event({"type": "message_stop"})


ANTHROPIC = [
    ANTHROPIC_START,
    anthropic_event({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
    PING,
    anthropic_text("Grüße"),
    anthropic_text(' "type":"message_stop"\n\n'),
    anthropic_event({"type": "content_block_stop", "index": 0}),
    anthropic_stop("end_turn"),
]
