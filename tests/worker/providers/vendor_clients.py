"""What the vendors' own clients read of an answer, in one shape."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from anthropic import Anthropic
from openai import OpenAI
from openai.lib.streaming.chat import ChatCompletionStreamState

from config.providers import Dialect
from worker.result import Answer, Usage


class Reading(NamedTuple):
    """What stands in an answer; the arguments of calls are parsed."""

    id: str
    model: str
    text: str
    calls: list[tuple[str, str, Any]]
    finish: str
    usage: Usage


ANTHROPIC_FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


def ours(answer: Answer) -> Reading:
    calls = [
        (call["id"], call["function"]["name"], json.loads(call["function"]["arguments"]))
        for call in answer.message.get("tool_calls", ())
    ]
    assert answer.usage is not None
    text = answer.message["content"] or ""
    return Reading(answer.id, answer.model, text, calls, answer.finish_reason, answer.usage)


def theirs(dialect: Dialect, url: str, key: str, stream: bool, **body: Any) -> Reading:
    read: Callable[..., Reading] = _anthropic if dialect == "anthropic" else _openai
    return read(url if dialect == "anthropic" else f"{url}/v1", key, stream, body)


def _openai(url: str, key: str, stream: bool, body: dict[str, Any]) -> Reading:
    fields = {"model": "a-model", "messages": [{"role": "user", "content": "Hello"}]} | body
    with OpenAI(base_url=url, api_key=key, max_retries=0) as client:
        if stream:
            state: Any = ChatCompletionStreamState()
            for chunk in client.chat.completions.create(**fields, stream=True, stream_options={"include_usage": True}):
                state.handle_chunk(chunk)
            said = state.current_completion_snapshot
        else:
            said = client.chat.completions.create(**fields)
    choice, usage = said.choices[0], said.usage
    calls = [(c.id, c.function.name, json.loads(c.function.arguments)) for c in choice.message.tool_calls or ()]
    prompt, completion = usage.prompt_tokens_details, usage.completion_tokens_details
    cached, thought = prompt and prompt.cached_tokens, completion and completion.reasoning_tokens
    written = prompt and prompt.cache_write_tokens
    counts = Usage(usage.prompt_tokens, usage.completion_tokens, cached or 0, thought or 0, written or 0)
    finish = "content_filter" if choice.message.refusal else choice.finish_reason
    finish = "tool_calls" if calls and finish == "stop" else finish  # as OpenAI's clients branch on
    return Reading(said.id, said.model, choice.message.content or "", calls, finish, counts)


def _anthropic(url: str, key: str, stream: bool, body: dict[str, Any]) -> Reading:
    turn = {"role": "user", "content": "Hello"}
    fields: dict[str, Any] = {"model": "a-model", "max_tokens": 64, "messages": [turn]} | body
    with Anthropic(base_url=url, api_key=key, max_retries=0) as client:
        if stream:
            with client.messages.stream(**fields) as events:
                said: Any = events.get_final_message()
        else:
            said = client.messages.create(**fields)
    text = "".join(block.text for block in said.content if block.type == "text")
    calls = [(block.id, block.name, block.input) for block in said.content if block.type == "tool_use"]
    usage, cached = said.usage, said.usage.cache_read_input_tokens or 0
    written = usage.cache_creation_input_tokens or 0
    prompt = usage.input_tokens + cached + written
    thought = usage.output_tokens_details.thinking_tokens if usage.output_tokens_details else 0
    counts = Usage(prompt, usage.output_tokens, cached, thought, written)
    finish = "tool_calls" if calls and said.stop_reason == "end_turn" else ANTHROPIC_FINISH[said.stop_reason]
    return Reading(said.id, said.model, text, calls, finish, counts)
