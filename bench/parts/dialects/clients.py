"""The clients that are compared: this project's own asking, and each vendor's Python package as its manual uses it.

All are asked in one thread, with their own defaults for time limits, retries and connections.
"""

import time
from collections.abc import Callable
from typing import Any

import httpx
from anthropic import Anthropic
from openai import OpenAI
from pydantic import SecretStr

from config.providers import Dialect, Model, Provider
from worker import providers
from worker.providers.http import client
from worker.request import CompletionRequest, parse

KEY = "bench"
_MOST = 1_024
_MODEL = "bare"

Messages = list[dict[str, Any]]
Ask = Callable[[], str]
"""One call, from what its caller has in hand to the answer's text."""
Make = Callable[[Messages, bool], Ask]
"""Makes a call of these messages, for a stream (True) or a plain answer."""


def ours(dialect: Dialect, url: str) -> Make:
    """Returns this project's asking: one attempt, without the chain, breaker, lease and journal around it."""
    models = {"default": Model(name=_MODEL)}
    streams = Provider(name=dialect, dialect=dialect, base_url=url, api_key=SecretStr(KEY), models=models)
    plain = streams.model_copy(update={"stream": False})

    def make(messages: Messages, stream: bool) -> Ask:
        request = parse({"messages": messages, "max_tokens": _MOST}, {"default"})
        return lambda: _asked(request, streams if stream else plain)

    return make


def over(transport: httpx.BaseTransport, make: Make) -> Make:
    """Returns our asking with another transport below it, for which the vendors' packages have an argument."""
    other = httpx.Client(transport=transport, trust_env=False)

    def made(messages: Messages, stream: bool) -> Ask:
        ask = make(messages, stream)

        def asked() -> str:
            own, client._client.http = client._client.http, other
            try:
                return ask()
            finally:
                client._client.http = own

        return asked

    return made


def _asked(request: CompletionRequest, provider: Provider) -> str:
    answer = providers.ask(
        provider,
        provider.model("default"),
        request,
        deadline=time.monotonic() + 60.0,
        on_first_byte=lambda: None,
        check_wanted=lambda silence: None,
    )
    return str(answer.message["content"])


def openai(client: OpenAI) -> Make:
    """Returns OpenAI's package: `create(stream=True)`, its chunks put together as ours are.

    Its `stream()` makes more events of the same chunks, at up to twice the price.
    """

    def make(messages: Any, stream: bool) -> Ask:
        sent: dict[str, Any] = {"model": _MODEL, "messages": messages, "max_completion_tokens": _MOST}
        if stream:
            return lambda: _openai_streamed(client, sent)
        return lambda: client.chat.completions.create(**sent).choices[0].message.content or ""

    return make


def _openai_streamed(client: OpenAI, sent: dict[str, Any]) -> str:
    text, finish, usage = [], None, None
    for chunk in client.chat.completions.create(**sent, stream=True, stream_options={"include_usage": True}):
        for choice in chunk.choices:
            if choice.delta.content:
                text.append(choice.delta.content)
            finish = choice.finish_reason or finish
        usage = chunk.usage or usage
    assert finish == "stop"
    assert usage
    return "".join(text)


def anthropic(client: Anthropic) -> Make:
    """Returns Anthropic's package: `create(stream=True)`, its events put together as ours are.

    Its `stream()` puts them together by itself, at up to twice the price.
    """

    def make(messages: Any, stream: bool) -> Ask:
        spoken = [message for message in messages if message["role"] != "system"]
        sent: dict[str, Any] = {"model": _MODEL, "max_tokens": _MOST, "messages": spoken}
        if system := [message["content"] for message in messages if message["role"] == "system"]:
            sent["system"] = "\n\n".join(system)
        if stream:
            return lambda: _anthropic_streamed(client, sent)
        return lambda: "".join(block.text for block in client.messages.create(**sent).content if block.type == "text")

    return make


def _anthropic_streamed(client: Anthropic, sent: dict[str, Any]) -> str:
    text, finish, usage = [], None, None
    for event in client.messages.create(**sent, stream=True):
        if event.type == "content_block_delta":
            if event.delta.type == "text_delta":
                text.append(event.delta.text)
        elif event.type == "message_delta":
            finish, usage = event.delta.stop_reason, event.usage
    assert finish == "end_turn"
    assert usage
    return "".join(text)
