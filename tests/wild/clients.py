"""What the vendors' own packages read of the bytes of an entry: text, calls and end, in OpenAI's terms."""

import json
from typing import Any, NamedTuple

from anthropic import Anthropic
from openai import OpenAI
from openai.lib.streaming.chat import ChatCompletionStreamState

from tests.worker.providers.asking import KEY
from tests.worker.providers.vendor_clients import ANTHROPIC_FINISH
from worker.result import Answer

QUESTION: list[Any] = [{"role": "user", "content": "Why?"}]


class Read(NamedTuple):
    """What stands in an answer; arguments are parsed where they are JSON."""

    text: str
    calls: list[tuple[str, Any]]
    finish: str | None


def ours(answer: Answer) -> Read:
    calls = [(call["function"]["name"], call["function"]["arguments"]) for call in answer.message.get("tool_calls", ())]
    return _read(answer.message["content"], calls, answer.finish_reason)


def openai(url: str, *, stream: bool) -> Read:
    """Returns what the openai package reads; it raises what it raises."""
    with OpenAI(base_url=f"{url}/v1", api_key=KEY, max_retries=0) as client:
        if stream:
            state: Any = ChatCompletionStreamState()
            for chunk in client.chat.completions.create(model="m", messages=QUESTION, stream=True):
                state.handle_chunk(chunk)
            choice = state.current_completion_snapshot.choices[0]
        else:
            choice = client.chat.completions.create(model="m", messages=QUESTION).choices[0]
    calls = [(call.function.name, call.function.arguments) for call in choice.message.tool_calls or ()]
    return _read(choice.message.content, calls, choice.finish_reason)


def anthropic(url: str, *, stream: bool) -> Read:
    """Returns what the anthropic package reads; it raises what it raises."""
    with Anthropic(base_url=url, api_key=KEY, max_retries=0) as client:
        if stream:
            with client.messages.stream(model="m", max_tokens=64, messages=QUESTION) as events:
                said: Any = events.get_final_message()
        else:
            said = client.messages.create(model="m", max_tokens=64, messages=QUESTION)
    text = "".join(block.text for block in said.content if block.type == "text")
    calls = [(block.name, json.dumps(block.input)) for block in said.content if block.type == "tool_use"]
    return _read(text, calls, ANTHROPIC_FINISH.get(said.stop_reason, said.stop_reason))


def _read(text: str | None, calls: list[tuple[str, str]], finish: str | None) -> Read:
    return Read(text or "", [(name, _value(arguments)) for name, arguments in calls], finish)


def _value(arguments: str) -> Any:
    try:
        return json.loads(arguments or "{}")
    except ValueError:
        return arguments
