"""A completion request as Anthropic's Messages interface takes it.

What it does not take as asked: `seed` and names are left out. `temperature` goes to 2 here and to 1 there, and what is
above is 1. `top_p` is left out beside a temperature, as current models refuse the two together. A conversation that
ends with the assistant is sent as it is: models that continue it do, and the others answer 400, upon which the chain
asks another dialect; any rewriting would change what was asked.
"""

from itertools import groupby
from typing import Any

from config.providers import Model, Provider
from worker.providers.dialect import api_key, text_of
from worker.request import Assistant, CompletionRequest, System, User

VERSION = "2023-06-01"
"""Later versions (2026-10-21) answer 400 to temperature and top_p."""

MAX_TOKENS = 8_192
"""Anthropic demands a limit. This one is below every current model's, and takes about 100 s of a 120 s attempt."""


def headers(provider: Provider) -> dict[str, str]:
    """Returns the headers that say who asks, and for which version."""
    key = api_key(provider)
    return {"anthropic-version": VERSION} | ({"x-api-key": key} if key else {})


def body(request: CompletionRequest, model: Model) -> dict[str, Any]:
    """Returns the body of a request for a stream."""
    system = [text_of(message.content) for message in request.messages if isinstance(message, System)]
    optional = {
        "system": "\n\n".join(text for text in system if text) or None,
        "stop_sequences": list(request.stops) or None,
        "temperature": None if request.temperature is None else min(request.temperature, 1.0),
        "top_p": request.top_p if request.temperature is None else None,
        "metadata": {"user_id": request.user} if request.user else None,
    }
    return {
        "model": model.name,
        "max_tokens": request.limit or MAX_TOKENS,
        "messages": _turns([message for message in request.messages if not isinstance(message, System)]),
        "stream": True,
    } | {name: value for name, value in optional.items() if value is not None}


def _turns(messages: list[User | Assistant]) -> list[dict[str, Any]]:
    """Returns turns that alternate: neighbours of one role become one, and empty text, which is refused, goes."""
    turns = []
    for role, neighbours in groupby(messages, key=lambda message: message.role):
        blocks = [block for message in neighbours for block in _blocks(message)]
        if blocks:
            turns.append({"role": role, "content": blocks})
    return turns


def _blocks(message: User | Assistant) -> list[dict[str, Any]]:
    texts = [message.content] if isinstance(message.content, str) else [part.text for part in message.content]
    return [{"type": "text", "text": text} for text in texts if text]
